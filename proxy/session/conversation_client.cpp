// What clients send. Strict: what upstreams differ about ends the session.
#include <algorithm>

#include "proxy/session/conversation.h"

namespace forestay::session {

using wire::socketio::Packet;
using wire::socketio::PacketType;
using wire::websocket::CloseCode;

namespace {

constexpr Ending violation{CloseSide::client, CloseReason::protocol_violation, CloseCode::policy_violation,
                           "protocol violation"};
constexpr Ending too_big{CloseSide::client, CloseReason::limit, CloseCode::too_big, "message too big"};

// EIO3 clients glue a query to the namespace; it names no other one.
std::string_view bare(std::string_view nsp) {
    return nsp.substr(0, nsp.find('?'));
}

}  // namespace

MaybeEnding Conversation::client_packet(std::string_view text, std::string_view raw, TimePoint now) {
    // python takes a text message between a header and its attachments for the attachment.
    if (client_binary_) return violation;
    const wire::socketio::GrammarLimits limits{policy_.limits.attachments, policy_.limits.json_depth,
                                               policy_.limits.event_name_bytes, 128};
    const auto parsed = wire::socketio::parse_client_packet(text, revision_, limits);
    if (!parsed) return violation;
    const Packet& packet = *parsed;
    if (packet.type == PacketType::connect) return client_connect(packet, text, raw, now);

    Namespace* nsp = find(bare(packet.nsp));
    if (nsp == nullptr) {
        if (std::find(closed_.begin(), closed_.end(), bare(packet.nsp)) == closed_.end()) return violation;
        stats_.count(Drop::left_namespace);
        drop_client_packet(packet, text, now);
        return std::nullopt;
    }
    switch (packet.type) {
        case PacketType::disconnect: {
            leave(nsp->name);
            return forward(packet, text, raw, now);
        }
        case PacketType::event:
        case PacketType::binary_event:
            track(*nsp, packet, now);  // before forwarding: the answer must find it
            return forward(packet, text, raw, now);
        case PacketType::ack:
        case PacketType::binary_ack:
            return client_ack(*nsp, packet, text, raw, now);
        case PacketType::connect:
        case PacketType::connect_error:
            break;
    }
    return violation;
}

MaybeEnding Conversation::client_connect(const Packet& packet, std::string_view text, std::string_view raw,
                                         TimePoint now) {
    const std::string_view name = bare(packet.nsp);
    if (find(name) != nullptr) {  // the upstream would answer with a final CONNECT_ERROR
        stats_.count(Drop::duplicate_connect);
        return std::nullopt;
    }
    if (namespaces_.size() >= policy_.limits.namespaces) {
        if (++refused_namespaces_ > policy_.limits.namespaces) {
            return Ending{CloseSide::client, CloseReason::limit, CloseCode::policy_violation,
                          "too many namespaces"};
        }
        std::string& refusal = actions_.made();
        wire::socketio::write_connect_error(refusal, name, "too many namespaces", {});
        return to_client(refusal);
    }
    first_connect_due_ = never;
    std::erase(closed_, name);
    namespaces_.push_back(
        {std::string(name), next_serial_++, false, now + policy_.limits.connect_reply_timeout, {}});
    switch (credential_) {
        case Credential::not_needed:
            upstream_.connect();
            break;
        case Credential::wanted: {
            credential_ = Credential::asked;
            std::string& payload = actions_.made();
            payload = packet.payload;
            actions_.push(action::CheckCredential{payload});
            break;
        }
        case Credential::asked:
            break;  // goes the way of the first
    }
    return forward(packet, text, raw, now);
}

MaybeEnding Conversation::client_ack(Namespace& nsp, const Packet& packet, std::string_view text,
                                     std::string_view raw, TimePoint now) {
    // python's callback table breaks on an id that it did not give out (0 deletes its counter).
    const auto known = std::find(nsp.upstream_acks.begin(), nsp.upstream_acks.end(), *packet.id);
    if (known == nsp.upstream_acks.end()) {
        stats_.count(Drop::unknown_ack);
        drop_client_packet(packet, text, now);
        return std::nullopt;
    }
    nsp.upstream_acks.erase(known);
    return forward(packet, text, raw, now);
}

void Conversation::drop_client_packet(const Packet& packet, std::string_view text, TimePoint now) {
    if (packet.attachments == 0) return;
    client_binary_ =
        ClientBinary{packet.attachments, true, text.size(), now + policy_.limits.attachment_timeout};
}

void Conversation::track(const Namespace& nsp, const Packet& packet, TimePoint now) {
    const auto index = policy_.rules.match(packet);
    if (!index) return;
    const rules::Rule& rule = policy_.rules.rules()[*index];
    PendingRequests::Request request;
    request.nsp = nsp.serial;
    request.rule = static_cast<std::uint32_t>(*index);
    request.ack = packet.id;
    request.received = now;
    std::unique_ptr<PendingRequests::Texts> texts;
    if (rule.match.event == "*") {
        texts = std::make_unique<PendingRequests::Texts>();
        texts->event = wire::socketio::event_name(packet);
    }
    if (rule.id_source == rules::IdSource::pointer) {
        auto key = rules::id_key(rule.id, packet);
        if (!key) {
            stats_.count(Drop::untracked_request);
            return;
        }
        if (!texts) texts = std::make_unique<PendingRequests::Texts>();
        texts->key = std::move(*key);
        texts->id = *rules::id_text(rule.id, packet);
    }
    if (!requests_.add(request, std::move(texts), now)) stats_.count(Drop::untracked_request);
}

MaybeEnding Conversation::forward(const Packet& packet, std::string_view text, std::string_view raw,
                                  TimePoint now) {
    if (packet.attachments > 0) {
        client_binary_ =
            ClientBinary{packet.attachments, false, text.size(), now + policy_.limits.attachment_timeout};
    }
    if (!upstream_.send(text, raw)) return held_full();
    return std::nullopt;
}

MaybeEnding Conversation::client_attachment(std::string_view bytes, std::string_view raw, TimePoint) {
    if (!client_binary_) return violation;
    client_binary_->bytes += bytes.size();
    if (client_binary_->bytes > policy_.limits.message_bytes) return too_big;
    const bool drop = client_binary_->drop;
    if (--client_binary_->missing == 0) client_binary_.reset();
    if (!drop && !upstream_.send_binary(bytes, raw)) return held_full();
    return std::nullopt;
}

void Conversation::credential_accepted() {
    credential_ = Credential::not_needed;
    upstream_.connect();
}

MaybeEnding Conversation::credential_refused(std::string_view code, TimePoint now) {
    credential_ = Credential::wanted;  // the next CONNECT may bring a better one, until the client is closed
    upstream_.drop_held();
    if (client_binary_) client_binary_->drop = true;
    refusal_due_ = std::min(refusal_due_, now + policy_.auth_refusal_linger);
    for (const Namespace& nsp : namespaces_) {
        std::string& data = actions_.made();
        data = "{\"code\":\"";
        data += code;
        data += "\"}";
        std::string& refusal = actions_.made();
        wire::socketio::write_connect_error(refusal, nsp.name, "unauthorized", data);
        if (auto ending = to_client(refusal)) return ending;
    }
    while (!namespaces_.empty()) closed_by_upstream(std::string(namespaces_.front().name));
    return std::nullopt;
}

MaybeEnding Conversation::handshake_refused(TimePoint now) {
    refusal_due_ = now + policy_.auth_refusal_linger;
    return to_client("4\"unauthorized\"");
}

}  // namespace forestay::session
