// The upstream's side of a session: a websocket, or polling; its heartbeats; when to try again after a loss.
//
//   idle ── connect() ──> connecting ── OPEN ──> attached <──> stalled
//                             │                     │
//                             └──────> lost <───────┘     lost ── backoff ──> reattaching ── OPEN ──>
//                             attached
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/session/action_list.h"
#include "proxy/session/outgoing.h"
#include "proxy/session/policy.h"
#include "proxy/session/read_proof.h"
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

    // Asks the shell for the connection, if nobody has yet.
    void connect(TimePoint now);
    // The connection is there, of either kind; an OPEN packet must follow.
    void websocket_opened(TimePoint now);
    void polling_opened(TimePoint now);
    [[nodiscard]] bool open() const noexcept { return reading_.has_value() || polling_; }
    [[nodiscard]] bool polling() const noexcept { return polling_; }
    // The upstream's, when it is attached.
    [[nodiscard]] const std::string& sid() const noexcept { return sid_; }
    [[nodiscard]] WebsocketReading& reading() { return *reading_; }
    // The OPEN packet is there.
    void attach(const wire::engineio::Open& open, TimePoint now);
    // A websocket without Engine.IO is attached at once and has no heartbeats.
    void attach_plain(TimePoint now);
    // The connection is gone, or there was none; the next attempt follows a random while later, longer each
    // time (full jitter).
    void lost(TimePoint now);
    // Nobody needs it any more, until connect().
    void rest();
    // The same, for good.
    void gone();
    // Lost, or (in the beginning) not there yet.
    [[nodiscard]] bool in_outage() const noexcept { return lost_since_ != never; }
    // The fresh upstream knows all that it must: the outage is over. Its duration.
    Duration returned(TimePoint now);

    // Sends one message packet to an attached upstream. `raw` is the frame as the client wrote it, mask and
    // all.
    void send(std::string_view data, std::string_view raw = {});
    void send_binary(std::string_view data, std::string_view raw = {});
    // Exactly one per ping, at once.
    void send_pong(std::string_view data);
    void write_frame(wire::websocket::Opcode opcode, std::string_view payload);
    void write_close(std::uint16_t code, std::string_view reason);

    void blocked(std::size_t pending) { pending_ = pending; }
    void drained() { pending_ = 0; }
    // Bytes of the client that the upstream does not take.
    [[nodiscard]] std::size_t waiting_bytes() const noexcept { return pending_ + posts_.bytes(); }

    // Polling: one GET and at most one POST at a time, at the end of each input.
    void exchange();
    void polled() { poll_out_ = false; }
    void posted(TimePoint now);

    void heard(TimePoint now);
    void ping_heard(TimePoint now);
    // A message whose loss nobody else would tell.
    void sent_untracked(TimePoint now) { proof_.sent(now); }
    void pong_heard(TimePoint now);
    // Messages that the upstream has perhaps not read.
    [[nodiscard]] std::uint64_t take_doubt() { return proof_.lost(); }
    // We do not read it, or began to again: its silence is our doing. Returns how long that was, when it
    // ends.
    std::chrono::nanoseconds set_paused(bool paused, TimePoint now);
    [[nodiscard]] bool paused() const noexcept { return paused_; }

    // open: no OPEN packet came. stalled: silent for too long. deserted: it answers, but has forgotten us.
    // unreachable: lost for resume.upstream.hold.
    enum class Overdue { none, open, stalled, deserted, unreachable };
    [[nodiscard]] Overdue tick(TimePoint now);
    [[nodiscard]] TimePoint next_deadline() const;

    // Between two inputs.
    template <class Archive>
    void archive(Archive& archive) {
        UpstreamState state = state_;
        archive.one_of(state, UpstreamState::reattaching);
        set_state(state);
        bool reads = reading_.has_value();
        archive(paused_, random_state_, reads);
        if (Archive::reading && reads) open_reading();
        if (Archive::reading && !reads) reading_.reset();
        if (reads) archive(*reading_);
        archive(polling_, poll_out_, post_out_, sid_, max_payload_, posts_, pending_);
        archive(silence_, ping_interval_, heard_, paused_since_, open_due_, ping_due_, ping_wanted_);
        archive(ping_wanted_asked_, deserted_due_, attempts_, retry_due_, lost_since_, hold_due_, proof_);
        archive.check(!(reads && polling_) && (reads || polling_ || !attached()));
        archive.check(paused_ == (paused_since_ != never) && (heard_ != never || !attached()));
        archive.check(ping_due_ == never || ping_interval_ > Duration{0});
    }

  private:
    void open_reading();
    void attempt();
    void post();
    [[nodiscard]] wire::websocket::MaskKey next_mask() noexcept;
    std::uint64_t next_random() noexcept;
    void forget_connection();

    const Policy& policy_;
    Stats& stats_;
    ActionList& actions_;
    wire::engineio::Revision revision_;
    UpstreamState state_ = UpstreamState::idle;
    bool paused_ = false;
    std::uint64_t random_state_;
    std::optional<WebsocketReading> reading_;
    bool polling_ = false;
    bool poll_out_ = false;  // a GET hangs
    bool post_out_ = false;  // a POST is under way
    std::string sid_;        // polling: the upstream's
    std::size_t max_payload_ = 0;
    OutgoingQueue posts_;  // polling: what waits for a POST
    std::size_t pending_ = 0;
    Duration silence_{0};        // longer than this: stalled
    Duration ping_interval_{0};  // EIO3: we ping
    TimePoint heard_ = never;    // when the upstream last said anything
    TimePoint paused_since_ = never;
    TimePoint open_due_ = never;
    TimePoint ping_due_ = never;  // EIO3
    TimePoint ping_wanted_ =
        never;  // EIO4: the upstream's next ping is overdue then; we ask whether it lives
    bool ping_wanted_asked_ = false;
    TimePoint deserted_due_ = never;  // it lives, and still has not pinged
    unsigned attempts_ = 0;           // since it was last attached
    TimePoint retry_due_ = never;
    TimePoint lost_since_ = never;  // or waited for, in the beginning
    TimePoint hold_due_ = never;
    ReadProof proof_;
};

}  // namespace forestay::session
