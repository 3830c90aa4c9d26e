#include "proxy/session/conversation.h"

#include <algorithm>
#include <chrono>

#include "proxy/session/session.h"

namespace forestay::session {

using wire::engineio::PacketType;
using wire::websocket::CloseCode;

Conversation::Conversation(const Policy& policy, Stats& stats, ActionList& actions, ClientLeg& client,
                           UpstreamLeg& upstream, wire::engineio::Revision revision, const Setup& setup,
                           TimePoint now)
    : policy_(policy),
      stats_(stats),
      actions_(actions),
      client_(client),
      upstream_(upstream),
      revision_(revision),
      setup_(setup),
      desk_(policy, stats, actions, setup.seed),
      held_(policy.resume_upstream),
      record_(policy, stats, actions, client, revision, setup.seed, setup.secret),
      credential_(setup.credential_in_connect ? Credential::wanted : Credential::not_needed),
      first_connect_due_(now + policy.limits.first_connect_timeout) {
    if (revision == wire::engineio::Revision::v3) {
        // EIO3: "/" is joined by the handshake, and the upstream says so unasked.
        Namespace& root = namespaces_.emplace_back();
        root.name = "/";
        root.serial = next_serial_++;
        first_connect_due_ = never;
    }
}

Conversation::Namespace* Conversation::find(std::string_view name) {
    for (Namespace& nsp : namespaces_) {
        if (nsp.name == name) return &nsp;
    }
    return nullptr;
}

Conversation::Namespace* Conversation::find(std::uint32_t serial) {
    const auto found = std::find_if(namespaces_.begin(), namespaces_.end(),
                                    [serial](const Namespace& one) { return one.serial == serial; });
    return found == namespaces_.end() ? nullptr : &*found;
}

rules::Peer Conversation::peer() const {
    return {setup_.path, setup_.who};
}

void Conversation::leave(std::string_view name) {
    const Namespace* nsp = find(name);
    if (nsp == nullptr) return;
    const std::uint32_t serial = nsp->serial;
    if (upstream_binary_ && upstream_binary_->answers && upstream_binary_->nsp == serial)
        upstream_binary_->answers.reset();
    if (client_binary_ && client_binary_->whole && client_binary_->whole->nsp == serial) {
        stats_.count(Drop::left_namespace);
        forget_client_binary();
    }
    desk_.forget_nsp(serial);
    tell_dropped(held_.forget_nsp(serial), Drop::held_expired);
    if (record_.on()) record_.forget(serial);
    if (policy_.resume_upstream.sid_alias) alias(nsp->sid, {});
    std::erase_if(namespaces_, [serial](const Namespace& one) { return one.serial == serial; });
}

void Conversation::closed_by_upstream(std::string_view name) {
    if (find(name) == nullptr) return;
    leave(name);
    if (closed_.size() >= policy_.limits.namespaces) closed_.erase(closed_.begin());
    closed_.emplace_back(name);
}

void Conversation::over() {
    desk_.forget_all();
    std::size_t untracked = 0;
    for (const Namespace& nsp : namespaces_) untracked += held_.forget_nsp(nsp.serial);
    tell_dropped(untracked, Drop::held_expired);
    if (!policy_.resume_upstream.sid_alias) return;
    for (const Namespace& nsp : namespaces_) alias(nsp.sid, {});
}

MaybeEnding Conversation::to_client(std::string_view text, std::string_view raw) {
    if (client_.send(PacketType::message, text, raw)) return std::nullopt;
    return outbox_full();
}

MaybeEnding Conversation::unit_to_client(std::string_view name, std::string_view text, std::string_view raw,
                                         const std::vector<std::string>& attachments) {
    const Namespace* nsp = record_.on() ? find(name) : nullptr;
    if (nsp != nullptr) {
        if (record_.send(nsp->serial, text, raw, attachments)) return std::nullopt;
        return outbox_full();
    }
    if (auto ending = to_client(text, raw)) return ending;
    for (const std::string& attachment : attachments) {
        if (!client_.send_binary(attachment)) return outbox_full();
    }
    return std::nullopt;
}

Ending Conversation::outbox_full() {
    stats_.count(Drop::outbox_overflow);
    return outbox_overflow;
}

MaybeEnding Conversation::tick(TimePoint now) {
    if (first_connect_due_ <= now) {
        return Ending{CloseSide::forestay, CloseReason::limit, CloseCode::policy_violation,
                      "no CONNECT in time", Limit::first_connect_timeout};
    }
    if (refusal_due_ <= now) {
        return Ending{CloseSide::forestay, CloseReason::unauthorised, CloseCode::policy_violation,
                      "unauthorized"};
    }
    if (client_binary_ && client_binary_->due <= now && !client_.paused()) {
        // Who can come back may have lost its network in between.
        return Ending{CloseSide::client,
                      record_.on() ? CloseReason::connection_lost : CloseReason::protocol_violation,
                      CloseCode::policy_violation, "attachments missing"};
    }
    if (!upstream_.paused()) {
        if (auto ending = upstream_overdue(now)) return ending;
    }
    drop_overdue(now);
    return std::nullopt;
}

MaybeEnding Conversation::upstream_overdue(TimePoint now) {
    if (upstream_drop_due_ <= now) {
        upstream_attachments_to_drop_ = 0;
        upstream_drop_due_ = never;
    }
    if (upstream_binary_ && upstream_binary_->due <= now) {
        stats_.count(Drop::upstream_violation);
        give_up_upstream_binary(now);
    }
    for (const Namespace& nsp : namespaces_) {
        // A CONNECT_ERROR would be final for stock clients; a closed transport makes them try again.
        if (nsp.reply_due <= now && !nsp.joined) {
            return Ending{CloseSide::upstream, CloseReason::upstream_timeout, CloseCode::try_again_later,
                          "no answer to CONNECT"};
        }
    }
    return std::nullopt;
}

void Conversation::client_resumed(std::chrono::nanoseconds pause) {
    if (client_binary_) client_binary_->due += pause;
}

void Conversation::upstream_resumed(std::chrono::nanoseconds pause) {
    if (upstream_drop_due_ != never) upstream_drop_due_ += pause;
    if (upstream_binary_) upstream_binary_->due += pause;
    for (Namespace& nsp : namespaces_) {
        if (nsp.reply_due != never) nsp.reply_due += pause;
    }
}

TimePoint Conversation::next_deadline() const {
    TimePoint next =
        std::min({first_connect_due_, refusal_due_, desk_.next_deadline(), held_.next_deadline()});
    if (client_binary_ && !client_.paused()) next = std::min(next, client_binary_->due);
    if (upstream_.paused()) return next;
    next = std::min(next, upstream_drop_due_);
    if (upstream_binary_) next = std::min(next, upstream_binary_->due);
    for (const Namespace& nsp : namespaces_) next = std::min(next, nsp.reply_due);
    return next;
}

}  // namespace forestay::session
