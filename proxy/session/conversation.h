// The Socket.IO conversation that the two legs carry: namespaces, binary packets, acks. What it knows of
// requests its desk knows (request_desk.h).
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
#include "proxy/session/client_record.h"
#include "proxy/session/ending.h"
#include "proxy/session/held_messages.h"
#include "proxy/session/policy.h"
#include "proxy/session/request_desk.h"
#include "proxy/session/upstream_leg.h"
#include "proxy/wire/socketio/packet.h"

namespace forestay::session {

struct Setup;

class Conversation {
  public:
    // `setup` outlives it, and may learn who the client is.
    Conversation(const Policy& policy, Stats& stats, ActionList& actions, ClientLeg& client,
                 UpstreamLeg& upstream, wire::engineio::Revision revision, const Setup& setup, TimePoint now);

    // A Socket.IO packet or an attachment. `raw` is the websocket frame it came in, if it came in one.
    [[nodiscard]] MaybeEnding client_packet(std::string_view text, std::string_view raw, TimePoint now);
    [[nodiscard]] MaybeEnding client_attachment(std::string_view bytes, std::string_view raw, TimePoint now);
    [[nodiscard]] MaybeEnding upstream_packet(std::string_view text, std::string_view raw, TimePoint now);
    [[nodiscard]] MaybeEnding upstream_attachment(std::string_view bytes, TimePoint now);

    // The verdict on the credential that the first CONNECT brought.
    void credential_accepted(TimePoint now);
    [[nodiscard]] MaybeEnding credential_refused(std::string_view code, TimePoint now);
    // conversation_renewal.cpp: the verdict on the fresh credential that the client has brought; `code`
    // empty: it is good.
    [[nodiscard]] MaybeEnding renewal_judged(std::string_view code);
    // An event of ours in each namespace that the client has joined, if it has any.
    [[nodiscard]] bool any_joined() const;
    [[nodiscard]] MaybeEnding say_everywhere(std::string_view event, std::string_view argument);
    // EIO3: the upstream refused the handshake, and that is final for the client.
    [[nodiscard]] MaybeEnding handshake_refused(std::string_view why, TimePoint now);

    // The upstream's OPEN packet is there: says CONNECT for each namespace, again if need be.
    void upstream_attached(TimePoint now);
    // The upstream leg is lost: what it had of us is decided by rule, what it owes us is forgotten.
    [[nodiscard]] MaybeEnding upstream_lost(TimePoint now);
    // No namespace needs an upstream.
    [[nodiscard]] bool empty() const noexcept { return namespaces_.empty(); }
    // A CONNECT that was said again has no answer: this upstream is reachable and broken.
    [[nodiscard]] bool rejoin_overdue(TimePoint now) const;

    // conversation_recovery.cpp: the client leg may be gone, and come back on that of a fresh session.
    //
    // Without a namespace to come back to, or in the middle of a packet, a session ends with its client.
    [[nodiscard]] bool client_can_return() const;
    // `failed`: by its own doing, perhaps at what it was sent last.
    void client_away(bool failed, TimePoint now);
    // The first CONNECT of this session names another one, which is looked for; what the client says waits.
    [[nodiscard]] bool looking() const noexcept { return looking_.has_value(); }
    [[nodiscard]] MaybeEnding session_not_found(TimePoint now);
    // The client of `fresh` is ours, and its position is known.
    [[nodiscard]] bool can_take(const Conversation& fresh) const;
    // What it has said goes on here; the leg has been moved before.
    [[nodiscard]] MaybeEnding take(Conversation& fresh, TimePoint now);
    // Namespaces that it did not come back to.
    void leave_unclaimed(TimePoint now);
    [[nodiscard]] ClientRecord& record() noexcept { return record_; }
    // What waits for the upstream, and what the client may not have seen.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return held_.bytes() + record_.bytes() + (looking_ ? looking_->bytes : 0) +
               (client_binary_ ? client_binary_->bytes : 0);
    }

    // For this long we did not read the leg: what it owes us has that much longer.
    void client_resumed(std::chrono::nanoseconds pause);
    void upstream_resumed(std::chrono::nanoseconds pause);

    // The gate's word on a request of ours.
    void gate_said(const input::GateSaid& said, TimePoint now) { desk_.gate_said(said, now); }
    // At the end of each input: what the desk has for the app and for the client.
    [[nodiscard]] MaybeEnding serve(TimePoint now) {
        return desk_.quiet(now) ? std::nullopt : serve_all(now);
    }
    // The session is about to end, and not by its client's doing: a client that is here is told so, request
    // by request.
    void give_up_all(rules::Code why, TimePoint now);

    [[nodiscard]] MaybeEnding tick(TimePoint now);
    [[nodiscard]] TimePoint next_deadline() const;
    // The session is over: its requests are nobody's any more.
    void over();
    // The sid that the client knows, and that of the present upstream (resume.upstream.sid_alias).
    void alias(std::string_view known, std::string_view current);
    // The same of all namespaces, where nobody has heard of them.
    void tell_aliases();

    // Between two inputs; to a fresh conversation of the same setup and policy.
    template <class Archive>
    void archive(Archive& archive);

  private:
    // The last instance of an event that is said again to a fresh upstream.
    struct Repeated {
        std::string event;
        std::string text;
        std::optional<std::uint64_t> ack;  // its ack id
        bool acked = false;                // the client has its ACK

        template <class Archive>
        void archive(Archive& archive) {
            archive(event, text, ack, acked);
        }
    };
    struct Namespace {
        std::string name;
        std::uint32_t serial = 0;
        bool joined = false;          // the client has its CONNECT reply
        bool attached = false;        // the upstream as it is now has answered the CONNECT
        std::string connect;          // the client's CONNECT packet, to be said again; EIO3's "/" has none
        std::string sid;              // that the client knows
        std::string app_sid;          // that the app uses for it, when it is another (sid_alias)
        TimePoint reply_due = never;  // of the CONNECT
        // Ack ids of the upstream's events begin again with each upstream; those that the client sees never
        // repeat: they are ahead by `ack_base`.
        std::uint64_t ack_base = 0;
        std::uint64_t ack_next = 0;                // above all that the client has seen
        std::vector<std::uint64_t> upstream_acks;  // of events that wait for the client, as it sees them
        std::vector<Repeated> repeated;            // what a fresh upstream must know (on_return: rebuild)

        template <class Archive>
        void archive(Archive& archive) {
            archive(name, serial, joined, attached, connect, sid, app_sid, reply_due);
            archive(ack_base, ack_next, upstream_acks, repeated);
        }
    };
    // A binary packet of the client under way: each piece is forwarded as it comes, or all of it is held.
    // Pieces of one that may be cut off, and whose client comes back, are not forwarded before all are there.
    struct ClientBinary {
        unsigned missing = 0;
        bool drop = false;  // its header was dropped
        bool held = false;
        std::size_t bytes = 0;
        TimePoint due = never;
        std::optional<HeldMessage> whole{};

        template <class Archive>
        void archive(Archive& archive) {
            archive(missing, drop, held, bytes, due, whole);
            archive.check(missing > 0 && due != never);
        }
    };
    // What the client said while its earlier session is looked for.
    struct Looking {
        std::string secret;
        std::vector<Outgoing> packets;
        std::size_t bytes = 0;

        template <class Archive>
        void archive(Archive& archive) {
            archive(secret, packets, bytes);
            archive.check(!packets.empty());
        }
    };
    // A binary packet of the upstream: held back until it is whole, so that nothing can come between its
    // pieces.
    struct UpstreamBinary {
        std::string header;
        std::vector<std::string> attachments;
        unsigned missing = 0;
        std::size_t bytes = 0;
        std::optional<RequestDesk::Slot> answers;
        std::uint32_t nsp = 0;  // serial of its namespace, when it answers
        bool wanted = true;     // by the client; false: only by those who joined the request
        TimePoint due = never;

        template <class Archive>
        void archive(Archive& archive) {
            archive(header, attachments, missing, bytes, answers, nsp, wanted, due);
            archive.check(missing > 0 && due != never);
        }
    };
    // A fresh credential that is being judged: who wants to know.
    struct Renewal {
        std::uint32_t nsp = 0;
        std::optional<std::uint64_t> ack;

        template <class Archive>
        void archive(Archive& archive) {
            archive(nsp, ack);
        }
    };
    enum class Credential : std::uint8_t { not_needed, wanted, asked };

    // What has been read fits together.
    [[nodiscard]] bool restored() const;
    [[nodiscard]] bool has(std::uint32_t serial) const;

    Namespace* find(std::string_view name);
    void leave(std::string_view name);
    void closed_by_upstream(std::string_view name);
    MaybeEnding client_connect(const wire::socketio::Packet& packet, std::string_view text, TimePoint now);
    MaybeEnding client_ack(Namespace& nsp, const wire::socketio::Packet& packet, std::string_view text,
                           std::string_view raw, TimePoint now);
    // The id that the upstream as it is now gave to what this answers; it is answered then.
    std::optional<std::uint64_t> take_ack(Namespace& nsp, const wire::socketio::Packet& packet);
    void keep_until_whole(const Namespace& nsp, const wire::socketio::Packet& packet,
                          std::optional<RequestDesk::Slot> request, std::string_view text, TimePoint now);
    // Its attachments are dropped with it.
    void drop_client_packet(const wire::socketio::Packet& packet, std::string_view text, TimePoint now);
    MaybeEnding client_event(Namespace& nsp, const wire::socketio::Packet& packet, std::string_view text,
                             std::string_view raw, TimePoint now);
    // conversation_renewal.cpp
    [[nodiscard]] bool is_renewal(const wire::socketio::Packet& packet) const;
    MaybeEnding client_renewal(const Namespace& nsp, const wire::socketio::Packet& packet);
    MaybeEnding answer_renewal(const Renewal& renewal, std::string_view code);
    // It stays away from the app, and the session ends.
    Ending shielded(Shield which);
    // socketio.allowed_events, blocked_events.
    [[nodiscard]] bool refuses(const wire::socketio::Packet& packet) const;
    MaybeEnding refuse_event(const Namespace& nsp, const wire::socketio::Packet& packet,
                             std::string_view text, TimePoint now);
    void forward(const wire::socketio::Packet& packet, std::string_view text, std::string_view raw,
                 TimePoint now);
    void remember(Namespace& nsp, const wire::socketio::Packet& packet, std::string_view text);

    // conversation_recovery.cpp
    MaybeEnding look_for(const Claim& claim, const wire::socketio::Packet& packet, std::string_view text);
    MaybeEnding put_off(bool binary, std::string_view bytes);
    MaybeEnding client_says_all(std::vector<Outgoing> packets, TimePoint now);
    // The client wants a namespace that is here since before it went. False: it has to be joined anew.
    bool come_back(Namespace& nsp, const std::optional<Claim>& claim, std::string_view connect,
                   TimePoint now);
    // Its client has gone, and has not come back to it.
    [[nodiscard]] bool unclaimed(const Namespace& nsp) const;
    void add_whole(HeldMessage message, TimePoint now);
    // Says that the client has left it.
    void leave_upstream(const Namespace& nsp);

    // conversation_sids.cpp
    void to_upstream(std::string_view text, std::string_view raw = {});
    // What the app said, with the sids that clients know; `text` itself when there are none in it.
    [[nodiscard]] std::string_view with_known_sids(std::string_view text);
    void take_sid(Namespace& nsp, const wire::socketio::Packet& reply, bool told);

    // conversation_reattach.cpp
    void say_connect(Namespace& nsp, TimePoint now);
    void rebuild(Namespace& nsp, TimePoint now);
    // Sends what has waited for namespaces that are attached; not into the middle of a binary packet.
    void release_held(TimePoint now);
    void say_held(Namespace& nsp, const HeldMessage& message, TimePoint now);
    void drop_overdue(TimePoint now);
    void tell_dropped(std::size_t untracked, Drop why);
    void forget_held(RequestDesk::Slot slot);
    void forget_client_binary();
    void upstream_returned(TimePoint now);

    MaybeEnding upstream_connect_reply(Namespace* nsp, const wire::socketio::Packet& packet,
                                       std::string_view text, std::string_view raw, TimePoint now);
    MaybeEnding upstream_event(Namespace* nsp, const wire::socketio::Packet& packet, std::string_view text,
                               std::string_view raw, TimePoint now);
    // An event of a namespace that the client has, its ack id already the client's.
    MaybeEnding known_event(const Namespace& nsp, const wire::socketio::Packet& packet, std::string_view text,
                            std::string_view raw, TimePoint now);
    MaybeEnding upstream_ack(Namespace* nsp, const wire::socketio::Packet& packet, std::string_view text,
                             std::string_view raw, TimePoint now);
    MaybeEnding deliver_heard(const wire::socketio::Packet& packet, std::string_view text,
                              std::string_view raw, const RequestDesk::Hearing& heard, TimePoint now);
    // Delivers a packet of the upstream, or holds a binary one back; `answers` is the request it answers,
    // and `wanted` says whether it is for the client.
    MaybeEnding deliver(const wire::socketio::Packet& packet, std::string_view text, std::string_view raw,
                        std::optional<RequestDesk::Slot> answers, bool wanted, TimePoint now);
    MaybeEnding deliver_late(const wire::socketio::Packet& packet, std::string_view text,
                             std::string_view raw, const RequestDesk::Hearing& heard, TimePoint now);
    void answered(RequestDesk::Slot slot, std::string_view text, const std::vector<std::string>& attachments,
                  TimePoint now);
    void drop_attachments(unsigned count, TimePoint now);
    // The unfinished binary packet is lost; a request that it would have answered gets its fallback.
    void give_up_upstream_binary(TimePoint now);

    [[nodiscard]] MaybeEnding upstream_overdue(TimePoint now);
    // conversation_requests.cpp
    MaybeEnding serve_all(TimePoint now);
    void send(HeldMessage message, TimePoint now);
    MaybeEnding say(const RequestDesk::Say& say);
    Namespace* find(std::uint32_t serial);
    MaybeEnding to_client(std::string_view text, std::string_view raw = {});
    // An event or an ACK: what the client must not miss.
    MaybeEnding unit_to_client(std::string_view nsp, std::string_view text, std::string_view raw,
                               const std::vector<std::string>& attachments = {});
    Ending outbox_full();
    [[nodiscard]] rules::Peer peer() const;

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
    const Setup& setup_;
    RequestDesk desk_;
    HeldMessages held_;
    ClientRecord record_;
    std::optional<Looking> looking_;
    bool looked_ = false;         // in vain
    std::size_t waited_ = 0;      // messages that a fresh upstream was given late
    bool told_upstream_ = false;  // the upstream as it is now knows of us
    bool was_attached_ = false;   // all namespaces were joined once: what follows is a return
    std::optional<ClientBinary> client_binary_;
    std::optional<UpstreamBinary> upstream_binary_;
    std::uint64_t upstream_attachments_to_drop_ = 0;  // of headers that were dropped
    TimePoint upstream_drop_due_ = never;             // they do not come any more
    Credential credential_;
    std::optional<Renewal> renewal_;
    TimePoint first_connect_due_;    // EIO4: a CONNECT must come
    TimePoint refusal_due_ = never;  // when a refused client is closed
};

}  // namespace forestay::session
