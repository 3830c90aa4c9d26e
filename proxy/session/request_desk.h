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
//
// A request that is said again has the same text and the same id. After parts of its answer have been
// delivered it is not said again: they would come twice.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/session/action_list.h"
#include "proxy/session/held_messages.h"
#include "proxy/session/input.h"
#include "proxy/session/pending_requests.h"
#include "proxy/session/policy.h"
#include "proxy/session/stats.h"

namespace forestay::session {

class RequestDesk {
  public:
    using Slot = PendingRequests::Slot;

    RequestDesk(const Policy& policy, Stats& stats, ActionList& actions, std::uint64_t seed);
    ~RequestDesk();

    struct Incoming {
        rules::Message message;
        std::uint32_t nsp = 0;             // serial of its namespace; 0 without Socket.IO
        std::optional<std::uint64_t> ack;  // ack id
        std::string_view text;             // as it would be said to the app; message.body is in it
        unsigned attachments = 0;          // that follow
    };
    enum class Verdict : std::uint8_t {
        untracked,  // nobody's request: forward it
        forward,    // tracked: forward it, or hold it with its slot, and say sent()
        keep,       // tracked: it is kept here and comes back from next_send(). Its attachments: kept_whole()
        done,       // not forwarded: joined to one that is outstanding, answered again, or refused
        invalid  // a JSON message that breaks the schema of its rule: not forwarded; `problem` says why, the
                 // owner answers. (An event gets the rule's fallback: done.)
    };
    struct Intake {
        Verdict verdict = Verdict::untracked;
        std::optional<Slot> slot;  // forward, keep
        std::string problem;       // invalid
    };
    // Before it is forwarded: its answer must find it.
    [[nodiscard]] Intake take(const Incoming& incoming, const rules::Peer& peer, TimePoint now);
    // The attachments of what is kept have come; without them they are missing for ever.
    void kept_whole(HeldMessage message, TimePoint now);
    // It is outstanding, and kept here: its attachments belong to kept_whole().
    [[nodiscard]] bool keeps(Slot slot) const;
    // It has been sent to the upstream as it is now.
    void sent(Slot slot, TimePoint now);
    // It goes nowhere any more, or all of them: the fallback is due at once.
    void give_up(Slot slot, rules::Code why, TimePoint now);
    void give_up_all(rules::Code why, TimePoint now);
    // Something was said in the name of nobody: its answer is late from the beginning.
    void expect_late(const rules::Message& message, std::uint32_t nsp, const rules::Peer& peer,
                     TimePoint now);

    enum class Heard : std::uint8_t { nothing, answer, progress, late };
    struct Hearing {
        Heard what = Heard::nothing;
        Slot slot = 0;
        // False: it is not for the client. Of an answer, which answered() still follows, when nobody but
        // those who joined waits for it; of what is late when the rule says so.
        bool deliver = true;
        // late: it is delivered under this name.
        const std::string* rename = nullptr;
    };
    // An event of the app, or a message of a JSON websocket: answer, then answered() when it is whole;
    // progress, and late: late_answered(), unless it was progress only.
    // No event of the app is anything to us.
    [[nodiscard]] bool deaf() const noexcept { return !book_; }
    [[nodiscard]] Hearing hear(const rules::Message& message, std::uint32_t nsp, TimePoint now);
    [[nodiscard]] Hearing hear_ack(std::uint32_t nsp, std::uint64_t ack) const;
    // The answer is on its way to the client, whole: `text` as it was said. It is recorded when the rule
    // repeats it; those who joined get theirs from next_say(). The slot is free then.
    void answered(Slot slot, std::string_view text, const std::vector<std::string>& attachments,
                  TimePoint now);
    // The same of a late one. With attachments it is not recorded.
    void late_answered(Slot slot, std::string_view text, unsigned attachments, TimePoint now);
    // The answer has begun but its attachments are missing: no deadline until answered() or one of these.
    void suspend(Slot slot);
    void resume(Slot slot, TimePoint now);  // it came to nothing: the fallback is due at once
    void wait_again(Slot slot);             // the same, but it keeps its deadline

    void gate_said(const input::GateSaid& said, TimePoint now);
    // The upstream is lost, and with it what was sent there: said again, given up or waited for, by rule.
    void upstream_lost(TimePoint now);
    // This very text is to be said again, to an upstream that has not heard it.
    [[nodiscard]] bool says_again(std::uint32_t nsp, std::string_view text) const;
    // The namespace is gone: nobody waits for its requests. Or for any: the session is over, which the shell
    // tells the gate.
    void forget_nsp(std::uint32_t nsp);
    void forget_all();

    // What is to be sent to the app now: its turn has come. `request` is its slot; sent() follows, perhaps
    // after it was held.
    [[nodiscard]] std::optional<HeldMessage> next_send(TimePoint now);
    // What is to be said to the client now.
    struct Say {
        enum class What : std::uint8_t {
            fallback,  // to each ack id that waits, or once; the request is over: what is held of it is
                       // forgotten
            status,    // its place in line: rule.queue.status
            again      // an answer that was given before: `text` and `attachments`, for `ack` when it has one
        };
        What what{};
        std::optional<Slot> slot;  // none: of one that was not taken in
        std::uint32_t nsp = 0;
        std::optional<std::uint64_t> ack;
        const rules::Fallback* words = nullptr;  // fallback, status; its `data` is rendered in `text`
        std::string text;
        std::vector<std::string> attachments;
    };
    // The session may say something in the name of this namespace: its CONNECT has been answered.
    using MaySay = std::function<bool(std::uint32_t nsp)>;
    // In namespaces where nothing may be said yet it waits until joined() and the next call. Ticks of
    // next_deadline() need no other call.
    [[nodiscard]] std::optional<Say> next_say(TimePoint now, const MaySay& may_say = {});
    void joined(std::uint32_t nsp, TimePoint now);
    [[nodiscard]] TimePoint next_deadline() const;
    // Neither has anything: what most inputs find.
    [[nodiscard]] bool quiet(TimePoint now) const;

    // Between two inputs; to a fresh desk of the same policy.
    template <class Archive>
    void archive(Archive& archive);
    [[nodiscard]] bool is_outstanding(Slot slot) const;
    // For each that is remembered: its namespace is there.
    [[nodiscard]] bool all_in(const std::function<bool(std::uint32_t nsp)>& condition) const;

  private:
    using Entry = PendingRequests::Entry;
    // All of it, made with the first request: an idle session has none.
    struct Book;

    [[nodiscard]] const rules::Rule& rule_of(const Entry& entry) const;
    [[nodiscard]] RuleStats& counters(const Entry& entry) const;
    Book& book();
    // When what is due of it next; after each change of its deadlines.
    void set_due(Slot slot);
    // What has been read fits together.
    bool restored();
    void queue_again(std::uint32_t nsp, std::uint32_t rule, std::optional<std::uint64_t> ack,
                     std::string_view text, const std::vector<std::string>& attachments);
    [[nodiscard]] Hearing heard(Slot slot) const;
    [[nodiscard]] std::optional<Slot> find_signal(const rules::Hearing& signal, const rules::Message& message,
                                                  std::uint32_t nsp) const;
    [[nodiscard]] std::optional<Slot> find_oldest(std::uint32_t nsp, std::uint32_t rule) const;
    void progressed(Slot slot, rules::SignalKind kind, TimePoint now);
    void progressed_all(Slot found, const rules::Hearing& signal, TimePoint now);
    Intake register_request(const Incoming& incoming, std::uint32_t rule, TimePoint now);
    // It gets its fallback without ever being outstanding.
    void refuse(const Incoming& incoming, std::uint32_t rule, rules::Code why, std::string_view detail,
                TimePoint now);
    void abandon(Slot slot);

    // request_desk_repeat.cpp
    //
    // The same request was said before: joined to it, or answered again.
    bool repeats(const Incoming& incoming, std::uint32_t rule, TimePoint now);
    bool join(Slot slot, const std::optional<std::uint64_t>& ack, TimePoint now);
    bool say_again(const Incoming& incoming, std::uint32_t rule, const std::string& key, TimePoint now);
    [[nodiscard]] std::string repeat_key(const Entry& entry) const;
    // Its attachments are there, and its content is known: it may turn out to be another one's.
    bool repeats_whole(Slot slot, TimePoint now);
    void record(const Entry& entry, std::string_view text, const std::vector<std::string>& attachments,
                TimePoint now);

    // request_desk_gate.cpp
    void ask_gate(Slot slot);
    void leave_gate(Entry& entry, rules::Outcome outcome);
    void set_place(Entry& entry, PendingRequests::Place place);
    [[nodiscard]] bool may_say_again(const Entry& entry) const;
    void back_off(Slot slot, TimePoint now);
    static void cancel_retry(Entry& entry);
    // What is due of it: a fallback, or it goes on.
    std::optional<rules::Code> decide(Slot slot, TimePoint now);
    void make_ready(Slot slot);

    // request_desk_say.cpp
    void give_fallback(Slot slot, rules::Code why, const MaySay& may_say, TimePoint now);
    void queue_fallback(const Entry& entry, std::optional<Slot> slot, const rules::Rule& rule,
                        rules::Code why, std::string_view detail, TimePoint now);
    void count_fallback(const Entry& entry, rules::Code why, TimePoint now);
    void render(std::string& out, const rules::Fallback& words, const Entry& entry, rules::Code why,
                std::string_view detail, TimePoint now) const;

    const Policy& policy_;
    Stats& stats_;
    ActionList& actions_;
    std::uint64_t seed_;
    std::unique_ptr<Book> book_;
};

}  // namespace forestay::session
