// What clients send. Strict: what upstreams differ about ends the session.
#include <algorithm>
#include <numeric>

#include "proxy/session/conversation.h"
#include "proxy/session/grammar.h"

namespace forestay::session {

using wire::socketio::Packet;
using wire::socketio::PacketType;
using wire::websocket::CloseCode;

namespace {

constexpr Ending violation{CloseSide::client, CloseReason::protocol_violation, CloseCode::policy_violation,
                           "protocol violation"};
constexpr Ending too_big{CloseSide::client, CloseReason::limit, CloseCode::too_big, "message too big",
                         Limit::max_message};

// EIO3 clients glue a query to the namespace; it names no other one.
std::string_view bare(std::string_view nsp) {
    return nsp.substr(0, nsp.find('?'));
}

}  // namespace

MaybeEnding Conversation::client_packet(std::string_view text, std::string_view raw, TimePoint now) {
    if (looking_) return put_off(false, text);
    // python takes a text message between a header and its attachments for the attachment.
    if (client_binary_) return shielded(Shield::attachments);
    const auto parsed = wire::socketio::parse_client_packet(text, revision_, grammar(policy_));
    if (!parsed) {
        if (const auto shield = shield_against(parsed.error())) return shielded(*shield);
        return violation;
    }
    const Packet& packet = *parsed;
    if (packet.type == PacketType::connect) return client_connect(packet, text, now);

    Namespace* nsp = find(packet.nsp);  // only a CONNECT has a query behind it
    if (nsp == nullptr) {
        if (std::find(closed_.begin(), closed_.end(), packet.nsp) == closed_.end()) return violation;
        stats_.count(Drop::left_namespace);
        drop_client_packet(packet, text, now);
        return std::nullopt;
    }
    if (unclaimed(*nsp) && packet.type != PacketType::disconnect)
        return violation;  // no CONNECT on this transport
    switch (packet.type) {
        case PacketType::disconnect:
            if (nsp->attached || nsp->reply_due != never) to_upstream(text, raw);
            leave(nsp->name);
            upstream_returned(now);
            return std::nullopt;
        case PacketType::event:
        case PacketType::binary_event:
            if (is_renewal(packet)) {
                drop_client_packet(packet, text, now);
                return client_renewal(*nsp, packet);
            }
            return client_event(*nsp, packet, text, raw, now);
        case PacketType::ack:
        case PacketType::binary_ack:
            return client_ack(*nsp, packet, text, raw, now);
        case PacketType::connect:
        case PacketType::connect_error:
            break;
    }
    return violation;
}

Ending Conversation::shielded(Shield which) {
    actions_.shield(stats_, which);
    return violation;
}

bool Conversation::refuses(const Packet& packet) const {
    const EventFilter& filter = policy_.events;
    const auto is_in = [&packet](const std::vector<std::string>& names) {
        return std::any_of(names.begin(), names.end(),
                           [&](const std::string& name) { return event_is(packet, name); });
    };
    return is_in(filter.blocked) || (!filter.allowed.empty() && !is_in(filter.allowed));
}

MaybeEnding Conversation::refuse_event(const Namespace& nsp, const Packet& packet, std::string_view text,
                                       TimePoint now) {
    stats_.count(Drop::refused_event);
    actions_.report(stats_, ReportKind::event_refused);
    drop_client_packet(packet, text, now);
    if (!packet.id || !nsp.joined) return std::nullopt;
    std::string& answer = actions_.made();
    wire::socketio::write_ack(answer, nsp.name, *packet.id,
                              R"([{"error":"refused","reason":"event_not_allowed"}])");
    return unit_to_client(nsp.name, answer, {});
}

MaybeEnding Conversation::client_event(Namespace& nsp, const Packet& packet, std::string_view text,
                                       std::string_view raw, TimePoint now) {
    if (policy_.events.any() && refuses(packet)) return refuse_event(nsp, packet, text, now);
    RequestDesk::Intake taken;
    if (policy_.rules.any(false)) {
        std::string scratch;
        const rules::Message message = rules::socketio_message(packet, scratch);
        taken = desk_.take({message, nsp.serial, packet.id, text, packet.attachments}, peer(), now);
    }
    bool kept = false;
    switch (taken.verdict) {
        case RequestDesk::Verdict::untracked:
        case RequestDesk::Verdict::forward:
            break;
        case RequestDesk::Verdict::keep:
            kept = true;
            break;
        case RequestDesk::Verdict::invalid:  // of JSON messages only
        case RequestDesk::Verdict::done:
            drop_client_packet(packet, text, now);
            return std::nullopt;
    }
    const auto request = taken.slot;
    if (packet.attachments > 0 && (record_.on() || kept)) {
        keep_until_whole(nsp, packet, request, text, now);
        return std::nullopt;
    }
    if (kept) return std::nullopt;
    if (nsp.attached && !held_.has(nsp.serial)) {
        if (!policy_.resume_upstream.rebuild.empty()) remember(nsp, packet, text);
        if (request)
            desk_.sent(*request, now);
        else
            upstream_.sent_untracked(now);
        forward(packet, text, raw, now);
        return std::nullopt;
    }
    held_.add({nsp.serial, request, now, std::string(text), {}, packet.attachments});
    if (packet.attachments > 0) {
        client_binary_ = ClientBinary{packet.attachments, false, true, text.size(),
                                      now + policy_.limits.attachment_timeout};
    }
    drop_overdue(now);
    return std::nullopt;
}

MaybeEnding Conversation::client_connect(const Packet& packet, std::string_view text, TimePoint now) {
    const std::string_view name = bare(packet.nsp);
    std::optional<Claim> claim;
    if (record_.on()) claim = find_claim(packet.payload);
    if (claim) {
        const bool first = namespaces_.empty() && upstream_.state() == UpstreamState::idle;
        if (first && !looked_ && !record_.gave(claim->pid)) return look_for(*claim, packet, text);
        std::string& stripped = actions_.made();
        write_without_claim(stripped, text, packet.payload);
        text = stripped;
    }
    // Each is kept, to be said again to an app that comes back.
    const std::size_t others = std::accumulate(namespaces_.begin(), namespaces_.end(), std::size_t{0},
                                               [name](std::size_t sum, const Namespace& one) {
                                                   return one.name == name ? sum : sum + one.connect.size();
                                               });
    if (others + text.size() > policy_.limits.message_bytes) return too_big;
    if (Namespace* known = find(name)) {
        if (unclaimed(*known)) {
            if (come_back(*known, claim, text, now)) return std::nullopt;
        } else {  // the upstream would answer with a final CONNECT_ERROR
            stats_.count(Drop::duplicate_connect);
            return std::nullopt;
        }
    }
    if (namespaces_.size() >= policy_.limits.namespaces) {
        if (++refused_namespaces_ > policy_.limits.namespaces) {
            return Ending{CloseSide::client, CloseReason::limit, CloseCode::policy_violation,
                          "too many namespaces", Limit::namespaces};
        }
        std::string& refusal = actions_.made();
        wire::socketio::write_connect_error(refusal, name, "too many namespaces", {});
        return to_client(refusal);
    }
    first_connect_due_ = never;
    std::erase(closed_, name);
    Namespace& nsp = namespaces_.emplace_back();
    nsp.name = name;
    nsp.serial = next_serial_++;
    nsp.connect = text;
    if (record_.on()) record_.begin(nsp.serial, nsp.name);
    switch (credential_) {
        case Credential::not_needed:
            if (upstream_.attached())
                say_connect(nsp, now);
            else
                upstream_.connect(now);
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
    return std::nullopt;
}

std::optional<std::uint64_t> Conversation::take_ack(Namespace& nsp, const Packet& packet) {
    if (*packet.id < nsp.ack_base) {
        stats_.count(Drop::stale_ack);
        return std::nullopt;
    }
    // python's callback table breaks on an id that it did not give out (0 deletes its counter).
    const auto known = std::find(nsp.upstream_acks.begin(), nsp.upstream_acks.end(), *packet.id);
    if (known == nsp.upstream_acks.end()) {
        if (!policy_.shields.unknown_acks) return *packet.id - nsp.ack_base;
        stats_.count(Drop::unknown_ack);
        actions_.shield(stats_, Shield::unknown_acks);
        return std::nullopt;
    }
    nsp.upstream_acks.erase(known);
    return *packet.id - nsp.ack_base;
}

void Conversation::keep_until_whole(const Namespace& nsp, const Packet& packet,
                                    std::optional<RequestDesk::Slot> request, std::string_view text,
                                    TimePoint now) {
    const TimePoint due = now + policy_.limits.attachment_timeout;
    client_binary_ = ClientBinary{
        packet.attachments, false, true,
        text.size(),        due,   HeldMessage{nsp.serial, request, now, std::string(text), {}, 0}};
}

MaybeEnding Conversation::client_ack(Namespace& nsp, const Packet& packet, std::string_view text,
                                     std::string_view raw, TimePoint now) {
    if (packet.attachments > 0 && record_.on()) {
        keep_until_whole(nsp, packet, std::nullopt, text, now);
        return std::nullopt;
    }
    const auto id = take_ack(nsp, packet);
    if (!id) {
        drop_client_packet(packet, text, now);
        return std::nullopt;
    }
    if (nsp.ack_base > 0) {
        std::string& renumbered = actions_.made();
        wire::socketio::write_with_id(renumbered, packet, *id);
        forward(packet, renumbered, {}, now);
    } else {
        forward(packet, text, raw, now);
    }
    return std::nullopt;
}

void Conversation::drop_client_packet(const Packet& packet, std::string_view text, TimePoint now) {
    if (packet.attachments == 0) return;
    client_binary_ =
        ClientBinary{packet.attachments, true, false, text.size(), now + policy_.limits.attachment_timeout};
}

void Conversation::forward(const Packet& packet, std::string_view text, std::string_view raw, TimePoint now) {
    if (packet.attachments > 0) {
        client_binary_ = ClientBinary{packet.attachments, false, false, text.size(),
                                      now + policy_.limits.attachment_timeout};
    }
    to_upstream(text, raw);
}

MaybeEnding Conversation::client_attachment(std::string_view bytes, std::string_view raw, TimePoint now) {
    if (looking_) return put_off(true, bytes);
    if (!client_binary_) return shielded(Shield::attachments);
    client_binary_->bytes += bytes.size();
    if (client_binary_->bytes > policy_.limits.message_bytes) return too_big;
    if (!client_binary_->drop) {
        if (client_binary_->whole)
            client_binary_->whole->attachments.emplace_back(bytes);
        else if (!client_binary_->held)
            upstream_.send_binary(bytes, raw);
        else if (!held_.add_attachment(bytes))
            client_binary_->drop = true;  // it has fallen out, and that was told
    }
    if (--client_binary_->missing == 0) {
        auto whole = std::exchange(client_binary_->whole, std::nullopt);
        if (client_binary_->drop) whole.reset();
        client_binary_.reset();
        if (whole) add_whole(std::move(*whole), now);
        release_held(now);
    }
    drop_overdue(now);
    return std::nullopt;
}

void Conversation::credential_accepted(TimePoint now) {
    credential_ = Credential::not_needed;
    if (looking_)
        actions_.push(action::FindSession{looking_->secret});
    else
        upstream_.connect(now);
}

MaybeEnding Conversation::credential_refused(std::string_view code, TimePoint now) {
    if (looking_) {
        looked_ = true;
        auto ending = client_says_all(std::exchange(looking_, std::nullopt)->packets, now);
        looked_ = false;
        if (ending) return ending;
    }
    credential_ = Credential::wanted;  // the next CONNECT may bring a better one, until the client is closed
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

MaybeEnding Conversation::handshake_refused(std::string_view why, TimePoint now) {
    refusal_due_ = now + policy_.auth_refusal_linger;
    std::string& refusal = actions_.made();
    refusal = "4\"";
    refusal += why;
    refusal += '"';
    return to_client(refusal);
}

}  // namespace forestay::session
