// The requests of a session, whatever its dialect: which of the client's messages are some, what is to be
// done with them, and which of the app's messages belong to them.
//
//   client's message ── take() ──> forward, keep or done
//   app's message    ── hear() ──> answer, progress, too late, or nothing of ours
//   after each input ── next_send(), next_say() until empty
//
// It decides and remembers; its owner, a Conversation or a JSON websocket, writes what is to be said in its
// dialect and knows whether the legs are there. What waits for the gate or for another attempt waits here,
// whole; what waits for the upstream leg waits with its owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/action_list.h"
#include "proxy/session/held_messages.h"
#include "proxy/session/pending_requests.h"
#include "proxy/session/policy.h"
#include "proxy/session/stats.h"

namespace forestay::session {

class RequestDesk {
  public:
    using Slot = PendingRequests::Slot;

    struct Incoming {
        rules::Message message;
        std::uint32_t nsp = 0;             // serial of its namespace; 0 without Socket.IO
        std::optional<std::uint64_t> ack;  // ack id
        std::string_view text;             // as it would be said to the app
        unsigned attachments = 0;          // that follow
    };
    enum class Verdict : std::uint8_t {
        untracked,  // nobody's request: forward it
        forward,    // tracked: forward it, or hold it with its slot, and say sent()
        keep,       // tracked: it is kept here and comes back from next_send(). Its attachments: kept_whole()
        done,       // not forwarded: joined to one that is outstanding, answered again, or refused
        invalid     // breaks the schema of a rule that is no request, or of a JSON message: not forwarded;
                 // `problem` says why, the owner answers. (A request of Socket.IO gets its fallback: done.)
    };
    struct Intake {
        Verdict verdict = Verdict::untracked;
        std::optional<Slot> slot;  // forward, keep
        std::string problem;       // invalid
    };
    [[nodiscard]] Intake take(const Incoming& incoming, const rules::Peer& peer, TimePoint now);
    // The attachments of what is kept have come; without them they are missing for ever.
    void kept_whole(HeldMessage message, TimePoint now);

    enum class Heard : std::uint8_t { nothing, answer, progress, late };
    struct Hearing {
        Heard what = Heard::nothing;
        Slot slot = 0;
        bool deliver = true;  // progress, late: what the rule says about it
    };
    // An event of the app, or a message of a JSON websocket. Progress is counted by this.
    [[nodiscard]] Hearing hear(const rules::Message& message, std::uint32_t nsp, TimePoint now);
    [[nodiscard]] Hearing hear_ack(std::uint32_t nsp, std::uint64_t ack) const;
    // The answer is on its way to the client, whole: `text` as it was said. It is recorded when the rule
    // repeats it; those who joined get theirs from next_say().
    void answered(Slot slot, std::string_view text, const std::vector<std::string>& attachments,
                  TimePoint now);

    // What is to be sent to the app now: its turn has come. `request` is its slot.
    [[nodiscard]] std::optional<HeldMessage> next_send();
    // What is to be said to the client now.
    struct Say {
        enum class What : std::uint8_t {
            fallback,  // of `slot`; fallback_given() follows, or defer() when nothing may be said yet
            status,    // its place in line: rule.queue.status
            again      // an answer that was given before: `text` and `attachments`, for `ack` when it has one
        };
        What what{};
        Slot slot = 0;
        std::uint32_t nsp = 0;
        std::optional<std::uint64_t> ack;
        const rules::Fallback* words = nullptr;  // fallback, status; its `data` is rendered in `text`
        std::string text;
        std::vector<std::string> attachments;
    };
    [[nodiscard]] std::optional<Say> next_say(TimePoint now);
};

}  // namespace forestay::session
