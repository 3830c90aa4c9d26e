// The client's side of a session: which transport it has, what waits for it, its heartbeats.
//
//   polling ── websocket opened ──> probing ── "5" ──> websocket        (away: the leg is lost)
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "proxy/session/action_list.h"
#include "proxy/session/input.h"
#include "proxy/session/outgoing.h"
#include "proxy/session/policy.h"
#include "proxy/session/stats.h"
#include "proxy/session/time.h"
#include "proxy/session/token_bucket.h"
#include "proxy/session/websocket_leg.h"
#include "proxy/wire/engineio/packet.h"

namespace forestay::session {

class ClientLeg {
  public:
    ClientLeg(const Policy& policy, Stats& stats, ActionList& actions, wire::engineio::Revision revision);
    ~ClientLeg();
    ClientLeg(const ClientLeg&) = delete;
    ClientLeg& operator=(const ClientLeg&) = delete;

    [[nodiscard]] ClientState state() const noexcept { return state_; }
    void set_state(ClientState state);

    // Sends one packet, or lets it wait for a GET. `raw` is the frame as the upstream wrote it, when it did.
    // Text: everything behind the type digit. Returns false when the outbox is full.
    [[nodiscard]] bool send(wire::engineio::PacketType type, std::string_view data,
                            std::string_view raw = {});
    [[nodiscard]] bool send_binary(std::string_view data, std::string_view raw = {});
    // What was sent last may end a polling body; what was not, only if nothing else fits.
    void end_run() { outbox_.end_run(); }
    // It goes out at the end of this input.
    [[nodiscard]] bool writes_now() const noexcept {
        return state_ == ClientState::websocket || (poll_ != 0 && in_flight_exchange_ == 0);
    }
    // Messages that were sent here so far, and how many of them the client has shown to have.
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
    [[nodiscard]] std::uint64_t confirmed() const noexcept { return confirmed_; }
    // Writes a frame that is no packet to the websocket, if there is one.
    void write_frame(wire::websocket::Opcode opcode, std::string_view payload);
    void write_close(std::uint16_t code, std::string_view reason);

    // Polling. An older GET is let go with a NOOP, so that a retried one does not cost the session.
    void poll_opened(ExchangeId exchange, TimePoint now);
    void exchange_written(ExchangeId exchange);
    void exchange_lost(ExchangeId exchange);
    // The client upgrades and waits for its GET to end: a NOOP ends it soon, if nothing else does.
    void hurry_poll(TimePoint now);
    // Answers the waiting GET when there is something to say, or when it is time for a NOOP. At the end of
    // each input.
    void answer_poll(TimePoint now);
    // Ends the waiting GET with a CLOSE packet, at the end of the session.
    void close_poll();
    void answer_post(ExchangeId exchange, bool hold);
    void release_posts();
    [[nodiscard]] bool holds_post() const noexcept { return !held_posts_.empty(); }

    // The websocket: a probe beside polling, or the first transport.
    void websocket_opened(TimePoint now);
    void websocket_lost(TimePoint now);  // a probe failed: back to polling
    [[nodiscard]] bool websocket_open() const noexcept { return reading_.has_value(); }
    [[nodiscard]] WebsocketReading& reading() { return *reading_; }
    // "5": from here on the websocket only.
    void upgraded();

    // The client is away: what waits is forgotten, exchanges are let go (EIO4).
    void lost();
    // The client is back, on the leg of another session, which is lost then.
    void take(ClientLeg& from);

    // What waits for it, and what it has said half.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return outbox_.bytes() + (is_blocked() ? pending_ : 0) + (reading_ ? reading_->bytes() : 0);
    }

    // Backpressure from the shell.
    void blocked(std::size_t pending, TimePoint now);
    void drained();
    [[nodiscard]] bool is_blocked() const noexcept { return blocked_since_ != never; }
    // The upstream should not be read: what it says has nowhere to go.
    [[nodiscard]] bool congested() const noexcept {
        return is_blocked() || outbox_.bytes() > policy_.limits.outbox_bytes / 2;
    }
    // Our reading of the client is paused: its silence is our doing. Returns how long that was, when it ends.
    std::chrono::nanoseconds set_paused(bool paused, TimePoint now);
    [[nodiscard]] bool paused() const noexcept { return paused_; }

    // Heartbeats.
    void start_heartbeat(TimePoint now);
    // False: nobody asked for it.
    bool pong_received();
    void heard(TimePoint now);  // any packet of an EIO3 client
    [[nodiscard]] bool control_frame_allowed(TimePoint now);

    enum class Overdue { none, pong, slow, message, probe };
    // What is overdue; sends the ping that is due.
    [[nodiscard]] Overdue tick(TimePoint now);
    [[nodiscard]] TimePoint next_deadline() const;

    // Between two inputs.
    template <class Archive>
    void archive(Archive& archive) {
        ClientState state = state_;
        archive.one_of(state, ClientState::away);
        set_state(state);
        bool open = reading_.has_value();
        archive(paused_, pong_awaited_, open);
        if (Archive::reading && open) open_reading();
        if (Archive::reading && !open) reading_.reset();
        if (open) archive(*reading_);
        archive.check(open || (state != ClientState::websocket && state != ClientState::probing));
        archive(outbox_, poll_, in_flight_exchange_, in_flight_, held_posts_, control_frames_);
        archive(sent_, handed_, ping_mark_, confirmed_);
        archive(noop_due_, ping_due_, pong_due_, probe_due_, blocked_since_, paused_since_);
        archive.check(paused_ == (paused_since_ != never));
    }

  private:
    void open_reading();
    // At most `most` packets answer the waiting GET.
    void answer_poll_with(std::size_t most);
    void write_packets(const std::vector<Outgoing>& packets);
    void write_packet(wire::engineio::PacketType type, std::string_view data);
    void write_binary(std::string_view data);

    const Policy& policy_;
    Stats& stats_;
    ActionList& actions_;
    wire::engineio::Revision revision_;
    ClientState state_ = ClientState::away;
    bool paused_ = false;
    bool pong_awaited_ = false;
    std::optional<WebsocketReading> reading_;
    OutgoingQueue outbox_;
    ExchangeId poll_ = 0;                // the GET that waits
    ExchangeId in_flight_exchange_ = 0;  // the GET whose answer is being written
    std::vector<Outgoing> in_flight_;
    static constexpr ExchangeId no_exchange = 0;
    std::vector<ExchangeId> held_posts_;  // no_exchange: its connection is gone
    TokenBucket control_frames_;
    std::uint64_t sent_ = 0;       // messages so far
    std::uint64_t handed_ = 0;     // of these, to a transport
    std::uint64_t ping_mark_ = 0;  // of these, before the last ping or in one body with it
    std::uint64_t confirmed_ = 0;  // that mark, when its pong came
    TimePoint noop_due_ = never;
    TimePoint ping_due_ = never;  // EIO4: our next ping
    TimePoint pong_due_ = never;  // EIO4: its pong; EIO3: the client's next packet
    TimePoint probe_due_ = never;
    TimePoint blocked_since_ = never;
    TimePoint paused_since_ = never;
    std::size_t pending_ = 0;  // of the last blocked(); the shell says it again
};

}  // namespace forestay::session
