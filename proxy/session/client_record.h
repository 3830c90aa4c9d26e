// What the client of a session may not have seen yet, per namespace, and the position that it holds: the
// conversation says everything that belongs to a namespace through here.
//
// A unit is an event or an ACK with its attachments. It is kept from the moment it is said until the client
// has shown that it has it: by a pong behind it (all transports are in order), or by the position with which
// it comes back. An idle session keeps nothing.
//
//   marker mode   u1 u2 u3 M(3) | u4 M(4)      the client's position is that of the last M it has seen
//   append mode   u1(1) u2(2) u3(3) | u4(4)    or of the last event
//
// Nothing stands between a unit's packets, and a marker is in one write, or one polling body, with its units.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/action_list.h"
#include "proxy/session/client_leg.h"
#include "proxy/session/policy.h"
#include "proxy/session/position.h"
#include "proxy/session/stats.h"
#include "proxy/session/time.h"
#include "proxy/wire/engineio/packet.h"
#include "proxy/wire/socketio/packet.h"

namespace forestay::session {

class ClientRecord {
  public:
    // Off without a secret, with EIO3, or when the policy says so: then nobody calls anything but on().
    ClientRecord(const Policy& policy, Stats& stats, ActionList& actions, ClientLeg& client,
                 wire::engineio::Revision revision, std::uint64_t seed, std::string secret);

    [[nodiscard]] bool on() const noexcept { return !secret_.empty(); }
    // The pid was given by this session.
    [[nodiscard]] bool gave(const Pid& pid) const noexcept { return pid.secret == secret_; }

    // A namespace, from its CONNECT until it is left. `serial` is its number in the session.
    void begin(std::uint32_t serial, std::string_view name);
    void forget(std::uint32_t serial);
    // Its CONNECT reply, with a pid; also the second one, of a fresh upstream, with another pid. Sent when
    // the client has the namespace. False when the outbox is full.
    [[nodiscard]] bool announce(std::uint32_t serial, std::string_view text, std::string_view raw);
    // A unit. False when the outbox is full; it is recorded all the same.
    [[nodiscard]] bool send(std::uint32_t serial, std::string_view text, std::string_view raw,
                            const std::vector<std::string>& attachments);
    // Markers for what has been said and goes out now. At the end of each input, before the poll is answered.
    void mark();

    // The client has what was sent before its last ping (ClientLeg::confirmed).
    void confirmed();
    // The client can come back: one of its namespaces has a pid.
    [[nodiscard]] bool can_return() const;
    // `failed`: by the client's own doing, perhaps at what it was sent last.
    void client_away(bool failed, TimePoint now);

    // A client has come back, and its CONNECTs follow. Until then nothing is said to a namespace.
    [[nodiscard]] bool claimed(std::uint32_t serial) const;
    // Whether replay() can tell from this on. Without a claim: the client has not seen its CONNECT reply.
    [[nodiscard]] bool can_claim(std::uint32_t serial, const std::optional<Claim>& claim) const;
    struct Replay {
        std::uint64_t units = 0;
        bool given_up = false;  // the first one has made the client fail again and again, and is left out
    };
    // Says the CONNECT reply, and all that the client has not seen. Only when can_claim().
    Replay replay(std::uint32_t serial, const std::optional<Claim>& claim, TimePoint now);

    [[nodiscard]] std::size_t units() const noexcept { return units_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    // For each namespace: its number is known.
    template <class Condition>
    [[nodiscard]] bool all(const Condition& condition) const {
        return std::all_of(tracks_.begin(), tracks_.end(),
                           [&](const Track& track) { return condition(track.serial); });
    }
    template <class Archive>
    void archive(Archive& archive) {
        archive(tracks_, units_, sequence_, run_packets_, run_bytes_);
        if constexpr (Archive::reading) archive.check(!archive.failed() && restored());
    }

  private:
    struct Unit {
        std::uint64_t sequence = 0;
        std::uint32_t serial = 0;
        std::uint64_t sent = 0;   // ClientLeg::sent() behind it; 0: not on the present transport
        bool carries = false;     // its own position (append mode)
        bool repeatable = false;  // it needs none: a client does not mind the same ACK again (append mode)
        std::string text;
        std::vector<std::string> attachments;

        template <class Archive>
        void archive(Archive& archive) {
            archive(sequence, serial, sent, carries, repeatable, text, attachments);
        }
    };
    struct Track {
        std::uint32_t serial = 0;
        std::string name;
        std::string reply;            // the CONNECT reply without pid; empty: there was none yet
        std::uint32_t announced = 0;  // replies so far
        bool foreign = false;         // its reply takes no pid: nothing is recorded
        bool claimed = true;
        std::uint64_t wanted = 0;  // the position that the client should have
        std::uint64_t marked = 0;  // that it was told
        std::uint64_t seen = 0;    // it has all up to here
        std::uint64_t gone = 0;    // the last unit that fell out of the record
        // The last replay: who comes back to the same position at once has failed at what follows it.
        std::uint64_t replayed_from = 0;
        unsigned replays = 0;
        TimePoint replayed = never;

        template <class Archive>
        void archive(Archive& archive) {
            archive(serial, name, reply, announced, foreign, claimed, wanted, marked, seen, gone);
            archive(replayed_from, replays, replayed);
            archive.check(replays == 0 || replayed != never);
        }
    };

    Track* find(std::uint32_t serial);
    [[nodiscard]] const Track* find(std::uint32_t serial) const;
    // Behind which unit the client wants to go on.
    [[nodiscard]] std::optional<std::uint64_t> position(const Track& track, const Claim& claim) const;
    [[nodiscard]] std::optional<std::uint64_t> foreign_position(const Track& track,
                                                                std::string_view last) const;
    [[nodiscard]] bool is_of(const Track& track, const Claim& claim) const;
    [[nodiscard]] bool say_reply(Track& track, std::string_view raw);
    [[nodiscard]] bool write(Unit& unit, std::string_view raw);
    bool stamp(Unit& unit, const wire::socketio::Packet& packet) const;
    static void place(Track& track, const Unit& unit);
    void mark_all();
    void mark(Track& track);
    void record(Unit unit);
    std::list<Unit>::iterator erase(std::list<Unit>::iterator unit);
    static std::size_t cost(const Unit& unit);
    // Counts what has been read; false when it cannot be.
    bool restored();

    const Policy& policy_;
    Stats& stats_;
    ActionList& actions_;
    ClientLeg& client_;
    std::uint64_t seed_;
    std::string secret_;
    std::vector<Track> tracks_;
    std::list<Unit> units_;  // a list: empty it owns nothing, and any unit can go
    std::size_t bytes_ = 0;
    std::uint64_t sequence_ = 0;                   // of the last unit
    std::size_t run_packets_ = 0, run_bytes_ = 0;  // sent since the last marker
};

}  // namespace forestay::session
