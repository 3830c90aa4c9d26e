// The upstream's side of a session: one websocket, its heartbeats, and what waits until it is attached.
//
//   idle ── attach() ──> connecting ── OPEN ──> attached <──> stalled       lost and reattaching: a lost leg
//   ends the session today; the states are there for the day when it does not.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/session/action_list.h"
#include "proxy/session/outgoing.h"
#include "proxy/session/policy.h"
#include "proxy/session/stats.h"
#include "proxy/session/time.h"
#include "proxy/session/websocket_leg.h"
#include "proxy/wire/engineio/packet.h"
#include "proxy/wire/websocket/frame.h"

namespace forestay::session {

class UpstreamLeg {
  public:
    UpstreamLeg(const Policy& policy, Stats& stats, ActionList& actions, wire::engineio::Revision revision,
                std::uint64_t seed);
    ~UpstreamLeg();
    UpstreamLeg(const UpstreamLeg&) = delete;
    UpstreamLeg& operator=(const UpstreamLeg&) = delete;

    [[nodiscard]] UpstreamState state() const noexcept { return state_; }
    void set_state(UpstreamState state);
    [[nodiscard]] bool attached() const noexcept {
        return state_ == UpstreamState::attached || state_ == UpstreamState::stalled;
    }

    // Asks the shell for the connection, once.
    void connect();
    void websocket_opened(TimePoint now);
    [[nodiscard]] bool websocket_open() const noexcept { return reading_.has_value(); }
    void websocket_lost() {
        reading_.reset();
        set_state(UpstreamState::lost);
    }
    [[nodiscard]] WebsocketReading& reading() { return *reading_; }
    // The OPEN packet is there: what waited goes out.
    void attach(const wire::engineio::Open& open, TimePoint now);
    // A websocket without Engine.IO is attached at once and has no heartbeats.
    void attach_plain(TimePoint now);

    // Sends one message packet, or lets it wait for the leg. `raw` is the frame as the client wrote it, mask
    // and all. False when too much waits.
    [[nodiscard]] bool send(std::string_view data, std::string_view raw = {});
    [[nodiscard]] bool send_binary(std::string_view data, std::string_view raw = {});
    void write_frame(wire::websocket::Opcode opcode, std::string_view payload);
    void write_close(std::uint16_t code, std::string_view reason);

    void blocked(std::size_t pending) { pending_ = pending; }
    void drained() { pending_ = 0; }
    // Bytes of the client that have nowhere to go.
    [[nodiscard]] std::size_t waiting_bytes() const noexcept { return pending_ + held_.bytes(); }
    // Gives up what waits: the client is not let in.
    void drop_held() { static_cast<void>(held_.take_all()); }

    void heard(TimePoint now);
    // We do not read it, or began to again: its silence is our doing. Returns how long that was, when it
    // ends.
    std::chrono::nanoseconds set_paused(bool paused, TimePoint now);
    [[nodiscard]] bool paused() const noexcept { return paused_; }

    enum class Overdue { none, open, stalled };
    [[nodiscard]] Overdue tick(TimePoint now);
    [[nodiscard]] TimePoint next_deadline() const;

  private:
    [[nodiscard]] wire::websocket::MaskKey next_mask() noexcept;
    [[nodiscard]] bool hold(bool binary, std::string_view data);

    const Policy& policy_;
    Stats& stats_;
    ActionList& actions_;
    wire::engineio::Revision revision_;
    UpstreamState state_ = UpstreamState::idle;
    bool paused_ = false;
    std::uint64_t mask_state_;
    std::optional<WebsocketReading> reading_;
    OutgoingQueue held_;
    std::size_t pending_ = 0;
    Duration silence_{0};        // longer than this: stalled
    Duration ping_interval_{0};  // EIO3: we ping
    TimePoint heard_ = never;    // when the upstream last said anything
    TimePoint paused_since_ = never;
    TimePoint open_due_ = never;
    TimePoint ping_due_ = never;  // EIO3
};

}  // namespace forestay::session
