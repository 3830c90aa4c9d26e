// What happens to the conversation while the client leg is gone, and when its client comes back on the leg of
// a fresh session.
#include <algorithm>
#include <utility>

#include "proxy/session/conversation.h"
#include "proxy/session/grammar.h"

namespace forestay::session {

using wire::socketio::Packet;
using wire::websocket::CloseCode;

bool Conversation::client_can_return() const {
    const bool cut_off = client_binary_ && !client_binary_->held && !client_binary_->drop;
    return record_.on() && record_.can_return() && !cut_off;
}

void Conversation::client_away(bool failed, TimePoint now) {
    client_binary_.reset();  // the rest of it does not come
    record_.client_away(failed, now);
}

MaybeEnding Conversation::look_for(const Claim& claim, const Packet& packet, std::string_view text) {
    looking_ = Looking{};  // clang 14 knows no emplace() of a nested type with initialisers
    looking_->secret = claim.pid.secret;
    first_connect_due_ = never;
    if (credential_ == Credential::wanted) {
        credential_ = Credential::asked;
        std::string& payload = actions_.made();
        payload = packet.payload;
        actions_.push(action::CheckCredential{payload});
    } else {
        actions_.push(action::FindSession{looking_->secret});
    }
    return put_off(false, text);
}

MaybeEnding Conversation::put_off(bool binary, std::string_view bytes) {
    looking_->bytes += bytes.size() + sizeof(Outgoing);
    if (looking_->bytes > policy_.limits.held_bytes + policy_.limits.message_bytes) {
        stats_.count(Drop::held_overflow);
        return Ending{CloseSide::forestay, CloseReason::limit, CloseCode::try_again_later,
                      "too much waits for the upstream", Limit::held};
    }
    looking_->packets.emplace_back(wire::engineio::PacketType::message, binary, std::string(bytes));
    return std::nullopt;
}

MaybeEnding Conversation::client_says_all(std::vector<Outgoing> packets, TimePoint now) {
    for (const Outgoing& packet : packets) {
        auto ending =
            packet.binary ? client_attachment(packet.data, {}, now) : client_packet(packet.data, {}, now);
        if (ending) return ending;
    }
    return std::nullopt;
}

MaybeEnding Conversation::session_not_found(TimePoint now) {
    if (!looking_) return std::nullopt;
    looked_ = true;
    actions_.report(stats_, ReportKind::recovery_refused);
    return client_says_all(std::exchange(looking_, std::nullopt)->packets, now);
}

bool Conversation::can_take(const Conversation& fresh) const {
    if (!record_.on() || !fresh.looking_) return false;
    const auto connect = wire::socketio::parse_client_packet(fresh.looking_->packets.front().data, revision_,
                                                             grammar(policy_));
    if (!connect) return false;
    const Namespace* nsp = const_cast<Conversation*>(this)->find(connect->nsp);
    return nsp != nullptr && unclaimed(*nsp) && record_.can_claim(nsp->serial, find_claim(connect->payload));
}

MaybeEnding Conversation::take(Conversation& fresh, TimePoint now) {
    closed_.clear();
    return client_says_all(std::exchange(fresh.looking_, std::nullopt)->packets, now);
}

bool Conversation::come_back(Namespace& nsp, const std::optional<Claim>& claim, std::string_view connect,
                             TimePoint now) {
    if (!record_.can_claim(nsp.serial, claim)) {
        // What is left of its record has no beginning; the client hears of it by a fresh pid.
        const std::size_t recorded = record_.units();
        leave_upstream(nsp);
        leave(nsp.name);
        stats_.drops[static_cast<std::size_t>(Drop::record_overflow)] += recorded - record_.units();
        if (claim) actions_.report(stats_, ReportKind::recovery_refused);
        return false;
    }
    nsp.connect = connect;  // its credential is the newer one
    const ClientRecord::Replay replay = record_.replay(nsp.serial, claim, now);
    stats_.replayed += replay.units;
    if (replay.given_up) actions_.report(stats_, ReportKind::replay_given_up, 1);
    return true;
}

bool Conversation::unclaimed(const Namespace& nsp) const {
    return record_.on() && !record_.claimed(nsp.serial);
}

void Conversation::add_whole(HeldMessage message, TimePoint now) {
    const auto nsp = std::find_if(namespaces_.begin(), namespaces_.end(),
                                  [&](const Namespace& one) { return one.serial == message.nsp; });
    if (nsp == namespaces_.end()) return stats_.count(Drop::left_namespace);
    if (message.request && desk_.keeps(*message.request)) return desk_.kept_whole(std::move(message), now);
    const auto packet = wire::socketio::scan_server_packet(message.text, grammar(policy_));
    if (!packet || !is_ack(packet->type)) return held_.add(std::move(message));
    // It waits for nothing: without the upstream that asked for it nobody wants it.
    const auto id = take_ack(*nsp, *packet);
    if (!id) return;
    std::string& text = actions_.made();
    wire::socketio::write_with_id(text, *packet, *id);
    to_upstream(text);
    for (const std::string& attachment : message.attachments) upstream_.send_binary(attachment);
}

void Conversation::leave_unclaimed(TimePoint now) {
    for (std::size_t i = namespaces_.size(); i-- > 0;) {
        if (!unclaimed(namespaces_[i])) continue;
        leave_upstream(namespaces_[i]);
        leave(namespaces_[i].name);
    }
    upstream_returned(now);
}

void Conversation::leave_upstream(const Namespace& nsp) {
    if (!nsp.attached && nsp.reply_due == never) return;
    std::string& text = actions_.made();
    wire::socketio::write_disconnect(text, nsp.name);
    upstream_.send(text);
}

}  // namespace forestay::session
