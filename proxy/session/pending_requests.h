// The requests of a session that wait for their answer, and those that already had a fallback.
//
// Each request is in one slot from its registration until it is answered, forgotten, or its tombstone ages.
// Deadlines need no heap: all requests of a rule have the same timeout, so a list per rule in order of
// receipt is in order of deadline.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/policy.h"
#include "proxy/session/stats.h"
#include "proxy/session/time.h"

namespace forestay::session {

class PendingRequests {
  public:
    using Slot = std::uint32_t;

    // What is known of a request. `nsp` is the serial number of its namespace.
    struct Request {
        std::uint32_t nsp = 0;
        std::uint32_t rule = 0;
        std::optional<std::uint64_t> ack;  // the ack id, when it has one
        TimePoint received;

        template <class Archive>
        void archive(Archive& archive) {
            archive(nsp, rule, ack, received);
            archive.check(received != never);
        }
    };
    // What else is kept of a request when its rule needs it.
    struct Texts {
        std::string key;     // rules::id_key of its id; IdSource::pointer
        std::string id;      // raw JSON of the same
        std::string event;   // its name, when the rule tracks any
        std::string packet;  // its text, when it may be said again

        template <class Archive>
        void archive(Archive& archive) {
            archive(key, id, event, packet);
        }
    };
    struct Found {
        Slot slot = 0;
        bool late = false;  // the fallback was given before
    };

    PendingRequests(const Policy& policy, Stats& stats, std::uint64_t seed);
    ~PendingRequests();

    // Registers a request; empty when one with the same id is outstanding or there is no room. `texts` may be
    // null.
    [[nodiscard]] std::optional<Slot> add(const Request& request, std::unique_ptr<Texts> texts,
                                          TimePoint now);

    [[nodiscard]] std::optional<Found> find_ack(std::uint32_t nsp, std::uint64_t ack) const;
    [[nodiscard]] std::optional<Found> find_key(std::uint32_t nsp, std::uint32_t rule,
                                                std::string_view key) const;
    // The oldest outstanding request of the rule; a late one when all of them had their fallback.
    [[nodiscard]] std::optional<Found> find_oldest(std::uint32_t nsp, std::uint32_t rule) const;
    [[nodiscard]] const Request& request(Slot slot) const { return slots_[slot].request; }
    [[nodiscard]] const Texts* texts(Slot slot) const { return slots_[slot].texts.get(); }

    // The upstream's answer is there: the slot is free.
    void answered(Slot slot, TimePoint now);
    // Something that nobody waits for was said: its answer is late from the beginning.
    void expect_late(const Request& request, std::unique_ptr<Texts> texts, TimePoint now);
    // It has been sent to the upstream.
    void sent(Slot slot) { slots_[slot].sent = true; }
    // The upstream is lost: those that were sent to it and wait for an answer, in order of receipt. They
    // count as not sent.
    [[nodiscard]] std::vector<Slot> lost_with_upstream();
    // It may be said again once more; false when its rule or its attempts are against it.
    [[nodiscard]] bool may_resend(Slot slot);
    // Its fallback is due at once.
    void give_up(Slot slot, TimePoint now);
    // The answer has begun but its attachments are missing: no deadline until answered() or due again by
    // resume().
    void suspend(Slot slot);
    void resume(Slot slot, TimePoint now);  // the answer came to nothing: due at once
    void wait_again(Slot slot);             // the same, but it keeps its deadline
    // A late answer has come.
    void late_answered(Slot slot);

    [[nodiscard]] TimePoint next_deadline() const;
    // Takes one request whose deadline is past off its list; call until empty, then give each its fallback or
    // defer it.
    [[nodiscard]] std::optional<Slot> next_due(TimePoint now);
    // Its namespace is not joined yet: it waits for release().
    void defer(Slot slot);
    // One deferred request of the namespace, now that it is joined.
    [[nodiscard]] std::optional<Slot> release(std::uint32_t nsp);
    // The fallback has been given: a tombstone remembers the request.
    void fallback_given(Slot slot, TimePoint now);
    void age_tombstones(TimePoint now);
    // The namespace is gone: its requests are abandoned, nobody waits for them.
    void forget_nsp(std::uint32_t nsp);
    void forget_all();

    // It waits for an answer of whatever kind.
    [[nodiscard]] bool is_outstanding(Slot slot) const {
        return slot < slots_.size() && slots_[slot].phase != Phase::free &&
               slots_[slot].phase != Phase::tombstone;
    }
    // For each that is remembered: its namespace is there.
    template <class Condition>
    [[nodiscard]] bool all(const Condition& condition) const {
        return std::all_of(slots_.begin(), slots_.end(), [&](const Entry& entry) {
            return entry.phase == Phase::free || condition(entry.request);
        });
    }
    template <class Archive>
    void archive(Archive& archive);

    [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_; }
    [[nodiscard]] std::size_t tombstones() const noexcept { return tombstones_; }

  private:
    enum class Phase : std::uint8_t { free, waiting, suspended, due, deferred, tombstone };
    static constexpr Slot none = UINT32_MAX;
    struct Entry {
        Request request;
        std::unique_ptr<Texts> texts;  // its key is the full one, that of the index
        TimePoint deadline{};
        Phase phase = Phase::free;
        bool sent = false;          // to the upstream's present life
        std::uint8_t attempts = 0;  // how often it was said again
        Slot previous = none, next = none;

        template <class Archive>
        void archive(Archive& archive) {
            archive(request, texts, deadline);
            archive.one_of(phase, Phase::tombstone);
            archive(sent, attempts, next);
        }
    };
    struct List {
        Slot head = none, tail = none;

        template <class Archive>
        void archive(Archive& archive) {
            archive(head);
        }
    };
    struct AckKey {
        std::uint32_t nsp;
        std::uint64_t ack;
        friend bool operator==(const AckKey&, const AckKey&) = default;
    };
    // Clients choose ack ids and request ids: the hash is keyed, so that they cannot choose collisions.
    struct Hash {
        using is_avalanching = void;  // boost need not mix once more
        std::uint64_t seed;
        std::size_t operator()(const AckKey& key) const noexcept;
        std::size_t operator()(const std::string& key) const noexcept;
    };
    struct Index;

    void make_index();
    // Links, ids, counts and gauges of what has been read; false when it cannot be.
    bool restored();
    // Links backwards what is linked forwards; counts what it meets.
    bool restore_list(List& list, Phase phase, std::optional<std::uint32_t> rule, std::size_t& met);

    void bury(Slot slot, TimePoint now);
    // It is not said again.
    void forget_packet(Entry& entry);
    Slot take_slot();
    void free_slot(Slot slot);
    void append(List& list, Slot slot);
    void unlink(List& list, Slot slot);
    // The slot that has the request's id in the index; `slot` itself when it is the first.
    Slot claim_id(const Request& request, const Texts* texts, Slot slot);
    void drop_id(const Entry& entry);
    void abandon(Slot slot);
    [[nodiscard]] std::string full_key(std::uint32_t nsp, std::uint32_t rule, std::string_view key) const;

    const Policy& policy_;
    Stats& stats_;
    std::uint64_t seed_;
    std::unique_ptr<Index> index_;  // made with the first request: an idle session has none
    std::vector<Entry> slots_;
    Slot free_ = none;
    std::vector<List> lists_;  // by rule
    List tombs_;
    std::size_t outstanding_ = 0;
    std::size_t tombstones_ = 0;
    std::size_t packet_bytes_ = 0;  // of all texts' packets
};

}  // namespace forestay::session
