#include "proxy/session/conversation.h"

#include <algorithm>
#include <chrono>

namespace forestay::session {

using wire::engineio::PacketType;
using wire::websocket::CloseCode;

Conversation::Conversation(const Policy& policy, Stats& stats, ActionList& actions, ClientLeg& client,
                           UpstreamLeg& upstream, wire::engineio::Revision revision, std::uint64_t seed,
                           std::string secret, bool credential_in_connect, TimePoint now)
    : policy_(policy),
      stats_(stats),
      actions_(actions),
      client_(client),
      upstream_(upstream),
      revision_(revision),
      requests_(policy, stats, seed),
      held_(policy.resume_upstream),
      record_(policy, stats, actions, client, revision, seed, std::move(secret)),
      credential_(credential_in_connect ? Credential::wanted : Credential::not_needed),
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

void Conversation::leave(std::string_view name) {
    const Namespace* nsp = find(name);
    if (nsp == nullptr) return;
    const std::uint32_t serial = nsp->serial;
    if (upstream_binary_ && upstream_binary_->answers &&
        requests_.request(*upstream_binary_->answers).nsp == serial) {
        upstream_binary_->answers.reset();
    }
    if (client_binary_ && client_binary_->whole && client_binary_->whole->nsp == serial) {
        stats_.count(Drop::left_namespace);
        forget_client_binary();
    }
    requests_.forget_nsp(serial);
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
    requests_.forget_all();
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
    return {CloseSide::forestay, CloseReason::slow_client, CloseCode::try_again_later, "too slow"};
}

MaybeEnding Conversation::tick(TimePoint now) {
    if (first_connect_due_ <= now) {
        return Ending{CloseSide::forestay, CloseReason::limit, CloseCode::policy_violation,
                      "no CONNECT in time"};
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
    requests_.age_tombstones(now);
    if (auto ending = drop_overdue(now)) return ending;
    return give_fallbacks(now);
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
        std::min({first_connect_due_, refusal_due_, requests_.next_deadline(), held_.next_deadline()});
    if (client_binary_ && !client_.paused()) next = std::min(next, client_binary_->due);
    if (upstream_.paused()) return next;
    next = std::min(next, upstream_drop_due_);
    if (upstream_binary_) next = std::min(next, upstream_binary_->due);
    for (const Namespace& nsp : namespaces_) next = std::min(next, nsp.reply_due);
    return next;
}

MaybeEnding Conversation::give_fallbacks(TimePoint now) {
    while (const auto slot = requests_.next_due(now)) {
        const std::uint32_t serial = requests_.request(*slot).nsp;
        const auto nsp = std::find_if(namespaces_.begin(), namespaces_.end(),
                                      [serial](const Namespace& one) { return one.serial == serial; });
        // forget_nsp() took the requests of those that are gone. Before the CONNECT reply nothing may be
        // injected.
        if (!nsp->joined) {
            forget_held(*slot);
            requests_.defer(*slot);
        } else if (auto ending = give_fallback(*nsp, *slot, now)) {
            return ending;
        }
    }
    return std::nullopt;
}

MaybeEnding Conversation::give_fallback(const Namespace& nsp, PendingRequests::Slot slot, TimePoint now) {
    const PendingRequests::Request& request = requests_.request(slot);
    const rules::Rule& rule = policy_.rules.rules()[request.rule];
    std::string& id = actions_.made();
    const PendingRequests::Texts* texts = requests_.texts(slot);
    if (texts != nullptr) id = texts->id;
    if (id.empty()) id = request.ack ? std::to_string(*request.ack) : "null";
    rules::TemplateValues values;
    values.id = id;
    values.event =
        rule.match.name == "*" ? std::string_view(texts->event) : std::string_view(rule.match.name);
    values.rule = rule.name;
    values.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - request.received);
    std::string& data = actions_.made();
    rule.fallback.data.render(data, values);
    std::string& text = actions_.made();
    if (!rule.fallback.event.empty()) {
        wire::socketio::write_event(text, nsp.name, rule.fallback.event, data);
    } else if (request.ack) {
        wire::socketio::write_ack(text, nsp.name, *request.ack, data);
    }
    requests_.fallback_given(slot, now);
    forget_held(slot);
    return unit_to_client(nsp.name, text, {});
}

}  // namespace forestay::session
