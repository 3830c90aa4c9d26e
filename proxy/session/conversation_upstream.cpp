// What the upstream sends. Lenient: a packet that clients would choke on is dropped and counted, the session
// goes on.
#include <algorithm>

#include "proxy/session/conversation.h"
#include "proxy/session/grammar.h"
#include "proxy/wire/json/scan.h"

namespace forestay::session {

using wire::socketio::Packet;
using wire::socketio::PacketType;
using wire::websocket::CloseCode;

MaybeEnding Conversation::upstream_packet(std::string_view text, std::string_view raw, TimePoint now) {
    if (upstream_binary_) {  // it overtakes the unfinished one
        stats_.count(Drop::binary_interleaved);
        actions_.shield(stats_, Shield::interleaved_binary);
    }
    if (const std::string_view known = with_known_sids(text); known.data() != text.data()) {
        text = known;
        raw = {};
    }
    auto parsed = wire::socketio::scan_server_packet(text, grammar(policy_));
    if (!parsed) {
        stats_.count(Drop::upstream_violation);
        if (const auto shield = shield_against(parsed.error())) actions_.shield(stats_, *shield);
        return std::nullopt;
    }
    std::string finite;
    if (policy_.shields.nan && wire::json::write_finite(finite, parsed->payload)) {
        actions_.shield(stats_, Shield::nan);
        std::string& repaired = actions_.made();
        repaired = text.substr(0, text.size() - parsed->payload.size());
        repaired += finite;
        text = repaired;
        raw = {};
        parsed = wire::socketio::scan_server_packet(text, grammar(policy_));
        if (!parsed) return std::nullopt;  // only what is no packet without that either
    }
    const Packet& packet = *parsed;
    Namespace* nsp = find(packet.nsp);
    switch (packet.type) {
        case PacketType::connect:
            return upstream_connect_reply(nsp, packet, text, raw, now);
        case PacketType::connect_error: {
            const bool unseen = nsp != nullptr && unclaimed(*nsp);
            closed_by_upstream(packet.nsp);
            upstream_returned(now);
            if (unseen) return std::nullopt;
            if (!packet.payload.empty()) return to_client(text, raw);
            stats_.count(Drop::upstream_violation);  // stock clients throw on one without payload
            std::string& repaired = actions_.made();
            wire::socketio::write_connect_error(repaired, packet.nsp, "Unable to connect", {});
            return to_client(repaired);
        }
        case PacketType::disconnect: {
            const bool unseen = nsp != nullptr && unclaimed(*nsp);
            closed_by_upstream(packet.nsp);
            upstream_returned(now);
            if (unseen) return std::nullopt;
            if (packet.payload.empty() || !policy_.shields.disconnect_payload) return to_client(text, raw);
            // python's always_connect; clients fail with "parse error" and loop
            stats_.count(Drop::disconnect_payload);
            actions_.shield(stats_, Shield::disconnect_payload);
            std::string& stripped = actions_.made();
            wire::socketio::write_disconnect(stripped, packet.nsp);
            return to_client(stripped);
        }
        case PacketType::event:
        case PacketType::binary_event:
            return upstream_event(nsp, packet, text, raw, now);
        case PacketType::ack:
        case PacketType::binary_ack:
            return upstream_ack(nsp, packet, text, raw, now);
    }
    return std::nullopt;
}

MaybeEnding Conversation::upstream_connect_reply(Namespace* nsp, const Packet& packet, std::string_view text,
                                                 std::string_view raw, TimePoint now) {
    if (nsp == nullptr) {  // the client left while its CONNECT was under way
        return to_client(text, raw);
    }
    const bool again = nsp->joined && !nsp->attached;
    nsp->joined = nsp->attached = true;
    nsp->reply_due = never;
    const bool hidden = again && policy_.resume_upstream.on_return == OnReturn::rebuild;
    if (policy_.resume_upstream.sid_alias) take_sid(*nsp, packet, !hidden);
    MaybeEnding full;  // of a client that may come back: nothing may stop half-way
    if (hidden) {
        rebuild(*nsp, now);
    } else if (record_.on()) {
        if (!record_.announce(nsp->serial, text, raw)) full = outbox_full();
    } else if (auto ending = to_client(text, raw)) {
        return ending;
    }
    // Fallbacks that had to wait come first: what is over is not said to the app.
    desk_.joined(nsp->serial, now);
    const auto ending = serve(now);
    if (ending && !record_.on()) return ending;
    if (ending) full = ending;
    release_held(now);
    upstream_returned(now);
    return full;
}

MaybeEnding Conversation::upstream_event(Namespace* nsp, const Packet& packet, std::string_view text,
                                         std::string_view raw, TimePoint now) {
    if (nsp != nullptr && packet.id) {
        if (nsp->upstream_acks.size() >= policy_.limits.upstream_acks)
            nsp->upstream_acks.erase(nsp->upstream_acks.begin());
        const std::uint64_t id = nsp->ack_base + *packet.id;
        nsp->upstream_acks.push_back(id);
        nsp->ack_next = std::max(nsp->ack_next, id + 1);
        if (nsp->ack_base > 0) {
            std::string& renumbered = actions_.made();
            wire::socketio::write_with_id(renumbered, packet, id);
            if (const auto again = wire::socketio::scan_server_packet(renumbered, grammar(policy_))) {
                return known_event(*nsp, *again, renumbered, {}, now);
            }
        }
    }
    if (nsp != nullptr) return known_event(*nsp, packet, text, raw, now);
    return deliver(packet, text, raw, std::nullopt, true, now);
}

MaybeEnding Conversation::known_event(const Namespace& nsp, const Packet& packet, std::string_view text,
                                      std::string_view raw, TimePoint now) {
    if (desk_.deaf()) return deliver(packet, text, raw, std::nullopt, true, now);
    std::string scratch;
    return deliver_heard(packet, text, raw,
                         desk_.hear(rules::socketio_message(packet, scratch), nsp.serial, now), now);
}

MaybeEnding Conversation::deliver_heard(const Packet& packet, std::string_view text, std::string_view raw,
                                        const RequestDesk::Hearing& heard, TimePoint now) {
    switch (heard.what) {
        case RequestDesk::Heard::nothing:
            break;
        case RequestDesk::Heard::answer:
            return deliver(packet, text, raw, heard.slot, heard.deliver, now);
        case RequestDesk::Heard::late:
            return deliver_late(packet, text, raw, heard, now);
        case RequestDesk::Heard::progress:
            if (heard.deliver) break;
            stats_.count(Drop::late_answer);
            drop_attachments(packet.attachments, now);
            return std::nullopt;
    }
    return deliver(packet, text, raw, std::nullopt, true, now);
}

MaybeEnding Conversation::upstream_ack(Namespace* nsp, const Packet& packet, std::string_view text,
                                       std::string_view raw, TimePoint now) {
    if (nsp != nullptr && packet.id) {
        const auto said_again = std::find_if(nsp->repeated.begin(), nsp->repeated.end(),
                                             [&packet](const Repeated& one) { return one.ack == packet.id; });
        if (said_again != nsp->repeated.end() && std::exchange(said_again->acked, true)) {
            stats_.count(Drop::late_answer);
            drop_attachments(packet.attachments, now);
            return std::nullopt;
        }
        return deliver_heard(packet, text, raw, desk_.hear_ack(nsp->serial, *packet.id), now);
    }
    return deliver(packet, text, raw, std::nullopt, true, now);
}

MaybeEnding Conversation::deliver(const Packet& packet, std::string_view text, std::string_view raw,
                                  std::optional<RequestDesk::Slot> answers, bool wanted, TimePoint now) {
    if (packet.attachments == 0) {
        if (answers && upstream_binary_ && upstream_binary_->answers == answers) {
            stats_.count(Drop::upstream_violation);  // its binary answer is under way: one is enough
            return std::nullopt;
        }
        if (answers) answered(*answers, text, {}, now);
        return wanted ? unit_to_client(packet.nsp, text, raw) : std::nullopt;
    }
    if (upstream_binary_ || upstream_attachments_to_drop_ > 0) {
        // Two under way at once: nobody can tell whose the next attachment is.
        stats_.count(Drop::upstream_violation);
        if (upstream_binary_) drop_attachments(upstream_binary_->missing, now);
        drop_attachments(packet.attachments, now);
        give_up_upstream_binary(now);
        return std::nullopt;
    }
    const Namespace* nsp = answers ? find(packet.nsp) : nullptr;
    if (answers) desk_.suspend(*answers);
    upstream_binary_ = UpstreamBinary{std::string(text),
                                      {},
                                      packet.attachments,
                                      text.size(),
                                      answers,
                                      nsp != nullptr ? nsp->serial : 0,
                                      wanted,
                                      now + policy_.limits.attachment_timeout};
    return std::nullopt;
}

MaybeEnding Conversation::deliver_late(const Packet& packet, std::string_view text, std::string_view raw,
                                       const RequestDesk::Hearing& heard, TimePoint now) {
    desk_.late_answered(heard.slot, text, packet.attachments, now);
    if (heard.deliver && heard.rename == nullptr) return deliver(packet, text, raw, std::nullopt, true, now);
    if (heard.deliver) {
        std::string& renamed = actions_.made();
        if (wire::socketio::is_event(packet.type)) {
            wire::socketio::write_renamed(renamed, packet, *heard.rename);
            return deliver(packet, renamed, {}, std::nullopt, true, now);
        }
        if (packet.attachments == 0) {  // a binary ACK has no form as an event
            const auto value = wire::socketio::argument(packet, 0);
            wire::socketio::write_event(renamed, packet.nsp, *heard.rename, value.value_or("null"));
            return unit_to_client(packet.nsp, renamed, {});
        }
    }
    stats_.count(Drop::late_answer);
    drop_attachments(packet.attachments, now);
    return std::nullopt;
}

void Conversation::answered(RequestDesk::Slot slot, std::string_view text,
                            const std::vector<std::string>& attachments, TimePoint now) {
    forget_held(slot);
    desk_.answered(slot, text, attachments, now);
}

void Conversation::drop_attachments(unsigned count, TimePoint now) {
    if (count == 0) return;
    upstream_attachments_to_drop_ += count;
    upstream_drop_due_ = now + policy_.limits.attachment_timeout;
}

MaybeEnding Conversation::upstream_attachment(std::string_view bytes, TimePoint now) {
    if (upstream_attachments_to_drop_ > 0) {
        if (--upstream_attachments_to_drop_ == 0) upstream_drop_due_ = never;
        return std::nullopt;
    }
    if (!upstream_binary_) {
        stats_.count(Drop::upstream_violation);
        return std::nullopt;
    }
    UpstreamBinary& binary = *upstream_binary_;
    binary.bytes += bytes.size();
    if (binary.bytes > policy_.limits.message_bytes) {
        stats_.count(Drop::upstream_violation);
        drop_attachments(binary.missing - 1, now);
        give_up_upstream_binary(now);
        return std::nullopt;
    }
    binary.attachments.emplace_back(bytes);
    if (--binary.missing > 0) return std::nullopt;
    const UpstreamBinary whole = std::move(binary);
    upstream_binary_.reset();
    if (whole.answers) answered(*whole.answers, whole.header, whole.attachments, now);
    if (!whole.wanted) return std::nullopt;
    const auto header = wire::socketio::scan_server_packet(whole.header, grammar(policy_));
    return unit_to_client(header ? header->nsp : std::string_view(), whole.header, {}, whole.attachments);
}

void Conversation::give_up_upstream_binary(TimePoint now) {
    if (!upstream_binary_) return;
    if (upstream_binary_->answers) desk_.resume(*upstream_binary_->answers, now);
    upstream_binary_.reset();
}

}  // namespace forestay::session
