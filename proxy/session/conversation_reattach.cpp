// What happens to the conversation when the upstream leg is lost, and when a fresh upstream is there.
#include <algorithm>
#include <utility>

#include "proxy/session/conversation.h"
#include "proxy/session/grammar.h"

namespace forestay::session {

using wire::socketio::Packet;

void Conversation::upstream_attached(TimePoint now) {
    told_upstream_ = true;
    for (Namespace& nsp : namespaces_) say_connect(nsp, now);
    upstream_returned(now);  // to nobody, when the client has left all namespaces meanwhile
}

void Conversation::say_connect(Namespace& nsp, TimePoint now) {
    nsp.reply_due = now + policy_.limits.connect_reply_timeout;
    if (!nsp.connect.empty()) upstream_.send(nsp.connect);
}

MaybeEnding Conversation::upstream_lost(TimePoint now) {
    if (!std::exchange(told_upstream_, false)) return std::nullopt;  // it never knew of us
    // What is half sent can not be finished, and what is half received neither.
    if (client_binary_ && !client_binary_->held) client_binary_->drop = true;
    waited_ = 0;
    upstream_attachments_to_drop_ = 0;
    upstream_drop_due_ = never;
    if (upstream_binary_) {
        stats_.count(Drop::upstream_binary);
        if (upstream_binary_->answers) desk_.wait_again(*upstream_binary_->answers);
        upstream_binary_.reset();
    }
    for (Namespace& nsp : namespaces_) {
        nsp.attached = false;
        nsp.reply_due = never;
        nsp.ack_base = nsp.ack_next;
        nsp.upstream_acks.clear();
    }
    const std::uint64_t doubt = upstream_.take_doubt();
    stats_.drops[static_cast<std::size_t>(Drop::in_doubt)] += doubt;
    actions_.report(stats_, ReportKind::upstream_lost, doubt);

    desk_.upstream_lost(now);
    drop_overdue(now);
    return std::nullopt;
}

bool Conversation::rejoin_overdue(TimePoint now) const {
    return !upstream_.paused() &&
           std::any_of(namespaces_.begin(), namespaces_.end(),
                       [now](const Namespace& nsp) { return nsp.joined && nsp.reply_due <= now; });
}

void Conversation::remember(Namespace& nsp, const Packet& packet, std::string_view text) {
    if (packet.attachments > 0) return;
    const auto& names = policy_.resume_upstream.rebuild;
    const auto name = std::find_if(names.begin(), names.end(), [&packet](const std::string& one) {
        return wire::socketio::event_is(packet, one);
    });
    if (name == names.end()) return;
    Repeated last{*name, std::string(text), packet.id,
                  false};  // with its id: apps call their ack without looking
    // When it is said again it stays the same: its ACK, too.
    last.acked = std::any_of(nsp.repeated.begin(), nsp.repeated.end(), [&](const Repeated& one) {
        return one.acked && one.ack == last.ack && one.text == last.text;
    });
    std::erase_if(nsp.repeated, [&](const Repeated& one) { return one.event == *name; });
    nsp.repeated.push_back(std::move(last));
}

void Conversation::rebuild(Namespace& nsp, TimePoint now) {
    for (auto each = nsp.repeated.rbegin(); each != nsp.repeated.rend(); ++each) {
        if (desk_.says_again(nsp.serial, each->text)) continue;  // and then it is remembered again
        held_.add_first({nsp.serial, std::nullopt, now, each->text, {}, 0});
        // What the fresh app says to this is for nobody: the client has had its answer long ago.
        if (const auto packet = wire::socketio::scan_server_packet(each->text, grammar(policy_))) {
            std::string scratch;
            desk_.expect_late(rules::socketio_message(*packet, scratch), nsp.serial, peer(), now);
        }
    }
}

void Conversation::release_held(TimePoint now) {
    if (held_.empty() || (client_binary_ && !client_binary_->held && !client_binary_->drop)) return;
    for (Namespace& nsp : namespaces_) {
        if (!nsp.attached) continue;
        while (const auto message = held_.take(nsp.serial)) {
            say_held(nsp, *message, now);
            ++waited_;
        }
    }
}

void Conversation::say_held(Namespace& nsp, const HeldMessage& message, TimePoint now) {
    if (!policy_.resume_upstream.rebuild.empty()) {
        if (const auto packet = wire::socketio::scan_server_packet(message.text, grammar(policy_)))
            remember(nsp, *packet, message.text);
    }
    to_upstream(message.text);
    for (const std::string& attachment : message.attachments) upstream_.send_binary(attachment);
    if (message.request)
        desk_.sent(*message.request, now);
    else
        upstream_.sent_untracked(now);
}

void Conversation::drop_overdue(TimePoint now) {
    std::size_t untracked = 0;
    bool expired = false;
    while (const auto fallen = held_.fall_out(now)) {
        if (fallen->missing > 0 && client_binary_) client_binary_->drop = true;
        expired = expired || fallen->received + policy_.resume_upstream.max_age <= now;
        if (fallen->request)
            desk_.give_up(*fallen->request, rules::Code::connection_unavailable, now);
        else
            ++untracked;
    }
    tell_dropped(untracked, expired ? Drop::held_expired : Drop::held_overflow);
}

void Conversation::tell_dropped(std::size_t untracked, Drop why) {
    if (untracked == 0) return;
    stats_.drops[static_cast<std::size_t>(why)] += untracked;
    actions_.report(stats_, ReportKind::messages_dropped, untracked);
}

// The request has its answer: its message goes nowhere any more.
void Conversation::forget_held(RequestDesk::Slot slot) {
    if (client_binary_ && client_binary_->whole && client_binary_->whole->request == slot)
        forget_client_binary();
    if (held_.empty() || !held_.forget_request(slot)) return;
    if (client_binary_ && client_binary_->held && !client_binary_->whole && !held_.unfinished())
        client_binary_->drop = true;
}

// The rest of it is awaited, and dropped.
void Conversation::forget_client_binary() {
    client_binary_->whole.reset();
    client_binary_->drop = true;
}

void Conversation::upstream_returned(TimePoint now) {
    if (!upstream_.attached() || !upstream_.in_outage()) return;
    if (std::any_of(namespaces_.begin(), namespaces_.end(),
                    [](const Namespace& nsp) { return !nsp.attached; }))
        return;
    const Duration outage = upstream_.returned(now);
    if (was_attached_) {
        stats_.outage.observe(outage);
        actions_.report(stats_, ReportKind::upstream_back, waited_, outage);
    }
    was_attached_ = true;
    waited_ = 0;
}

}  // namespace forestay::session
