// The Socket.IO conversation that the two legs carry: namespaces, binary packets, acks, tracked requests.
//
// It decides for each packet: forward as it came, change, drop, answer, or end the session. It never waits
// for anything: tick() says what has become overdue.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/client_leg.h"
#include "proxy/session/ending.h"
#include "proxy/session/pending_requests.h"
#include "proxy/session/policy.h"
#include "proxy/session/upstream_leg.h"
#include "proxy/wire/socketio/packet.h"

namespace forestay::session {

class Conversation {
  public:
    Conversation(const Policy& policy, Stats& stats, ActionList& actions, ClientLeg& client,
                 UpstreamLeg& upstream, wire::engineio::Revision revision, std::uint64_t seed,
                 bool credential_in_connect, TimePoint now);

    // A Socket.IO packet or an attachment. `raw` is the websocket frame it came in, if it came in one.
    [[nodiscard]] MaybeEnding client_packet(std::string_view text, std::string_view raw, TimePoint now);
    [[nodiscard]] MaybeEnding client_attachment(std::string_view bytes, std::string_view raw, TimePoint now);
    [[nodiscard]] MaybeEnding upstream_packet(std::string_view text, std::string_view raw, TimePoint now);
    [[nodiscard]] MaybeEnding upstream_attachment(std::string_view bytes, TimePoint now);

    // The verdict on the credential that the first CONNECT brought.
    void credential_accepted();
    [[nodiscard]] MaybeEnding credential_refused(std::string_view code, TimePoint now);
    // EIO3: the upstream refused the handshake, and that is final for the client.
    [[nodiscard]] MaybeEnding handshake_refused(TimePoint now);

    // For this long we did not read the leg: what it owes us has that much longer.
    void client_resumed(std::chrono::nanoseconds pause);
    void upstream_resumed(std::chrono::nanoseconds pause);

    [[nodiscard]] MaybeEnding tick(TimePoint now);
    [[nodiscard]] TimePoint next_deadline() const;
    // The session is over: its requests are nobody's any more.
    void forget_requests() { requests_.forget_all(); }

  private:
    struct Namespace {
        std::string name;
        std::uint32_t serial = 0;
        bool joined = false;
        TimePoint reply_due = never;               // of its CONNECT
        std::vector<std::uint64_t> upstream_acks;  // ack ids of events that wait for the client
    };
    // A binary packet of the client under way: each piece is forwarded as it comes.
    struct ClientBinary {
        unsigned missing = 0;
        bool drop = false;  // its header was dropped
        std::size_t bytes = 0;
        TimePoint due = never;
    };
    // A binary packet of the upstream: held back until it is whole, so that nothing can come between its
    // pieces.
    struct UpstreamBinary {
        std::string header;
        std::vector<std::string> attachments;
        unsigned missing = 0;
        std::size_t bytes = 0;
        std::optional<PendingRequests::Slot> answers;
        TimePoint due = never;
    };
    enum class Credential : std::uint8_t { not_needed, wanted, asked };

    Namespace* find(std::string_view name);
    void leave(std::string_view name);
    void closed_by_upstream(std::string_view name);
    MaybeEnding client_connect(const wire::socketio::Packet& packet, std::string_view text,
                               std::string_view raw, TimePoint now);
    MaybeEnding client_ack(Namespace& nsp, const wire::socketio::Packet& packet, std::string_view text,
                           std::string_view raw, TimePoint now);
    // Its attachments are dropped with it.
    void drop_client_packet(const wire::socketio::Packet& packet, std::string_view text, TimePoint now);
    void track(const Namespace& nsp, const wire::socketio::Packet& packet, TimePoint now);
    MaybeEnding forward(const wire::socketio::Packet& packet, std::string_view text, std::string_view raw,
                        TimePoint now);

    MaybeEnding upstream_connect_reply(Namespace* nsp, std::string_view text, std::string_view raw,
                                       TimePoint now);
    MaybeEnding upstream_event(Namespace* nsp, const wire::socketio::Packet& packet, std::string_view text,
                               std::string_view raw, TimePoint now);
    MaybeEnding upstream_ack(Namespace* nsp, const wire::socketio::Packet& packet, std::string_view text,
                             std::string_view raw, TimePoint now);
    std::optional<PendingRequests::Found> find_request(const Namespace& nsp,
                                                       const wire::socketio::Packet& packet) const;
    // Delivers a packet of the upstream, or holds a binary one back; `answers` is the request it answers.
    MaybeEnding deliver(const wire::socketio::Packet& packet, std::string_view text, std::string_view raw,
                        std::optional<PendingRequests::Slot> answers, TimePoint now);
    MaybeEnding deliver_late(const wire::socketio::Packet& packet, std::string_view text,
                             std::string_view raw, PendingRequests::Slot slot, TimePoint now);
    void drop_attachments(unsigned count, TimePoint now);
    // The unfinished binary packet is lost; a request that it would have answered gets its fallback.
    void give_up_upstream_binary(TimePoint now);

    [[nodiscard]] MaybeEnding upstream_overdue(TimePoint now);
    MaybeEnding give_fallbacks(TimePoint now);
    MaybeEnding give_fallback(const Namespace& nsp, PendingRequests::Slot slot, TimePoint now);
    MaybeEnding to_client(std::string_view text, std::string_view raw = {});
    Ending outbox_full();
    Ending held_full();

    const Policy& policy_;
    Stats& stats_;
    ActionList& actions_;
    ClientLeg& client_;
    UpstreamLeg& upstream_;
    wire::engineio::Revision revision_;
    std::vector<Namespace> namespaces_;
    std::vector<std::string>
        closed_;  // not by the client: what it has under way there is no fault of its own
    std::uint32_t next_serial_ = 0;
    unsigned refused_namespaces_ = 0;
    PendingRequests requests_;
    std::optional<ClientBinary> client_binary_;
    std::optional<UpstreamBinary> upstream_binary_;
    std::uint64_t upstream_attachments_to_drop_ = 0;  // of headers that were dropped
    TimePoint upstream_drop_due_ = never;             // they do not come any more
    Credential credential_;
    TimePoint first_connect_due_;    // EIO4: a CONNECT must come
    TimePoint refusal_due_ = never;  // when a refused client is closed
};

}  // namespace forestay::session
