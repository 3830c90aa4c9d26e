// The store of a session's requests: those that wait for their answer, and tombstones of those that had a
// fallback. It finds them by id, keeps them in order of receipt, and knows which is due next; what becomes of
// them is the desk's decision (request_desk.h).
//
// Each request is in one slot from its registration until it is freed, or its tombstone ages.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/session/policy.h"
#include "proxy/session/stats.h"
#include "proxy/session/time.h"
#include "rules/code.h"

namespace forestay::session {

class PendingRequests {
  public:
    using Slot = std::uint32_t;
    static constexpr Slot none = UINT32_MAX;

    // `nsp` is the serial number of its namespace.
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
        std::string key;      // full_key() of its id; IdSource::pointer
        std::string id;       // raw JSON of the same
        std::string event;    // its name, when the rule tracks any
        std::string content;  // full_key() of its content, when that is what it is repeated by
        std::string packet;   // its text, while it may be said or quoted
        std::vector<std::string> attachments;   // of that
        std::uint32_t body = 0, body_size = 0;  // in `packet`: what templates quote
        std::vector<std::uint64_t> joined;      // ack ids of the same request said again

        template <class Archive>
        void archive(Archive& archive) {
            archive(key, id, event, content, packet, attachments, body, body_size, joined);
            archive.check(packet.empty() || std::uint64_t{body} + body_size <= packet.size());
        }
        [[nodiscard]] std::string_view quoted() const {
            return packet.empty() ? std::string_view() : std::string_view(packet).substr(body, body_size);
        }
        [[nodiscard]] std::size_t bytes() const;
    };
    // `deferred`: it is over, and nothing may be said in its namespace yet.
    enum class Phase : std::uint8_t { free, waiting, suspended, deferred, tombstone };
    // Who has its text: the owner, who has sent or holds it; the desk; the desk, and next_send() gives it.
    enum class Stand : std::uint8_t { owner, kept, ready };
    // Of a place at the gate: none, asked for, given.
    enum class Place : std::uint8_t { none, asked, running };
    struct Entry {
        Request request;
        std::unique_ptr<Texts> texts;
        std::uint64_t number = 0;    // at the gate; 0: it does not go there
        TimePoint deadline = never;  // of all of it; of a tombstone: when it is forgotten
        TimePoint patience = never;  // for the next sign of progress
        TimePoint again = never;     // when it asks to be said again
        TimePoint due = never;       // the first of these, or at once: as the store knows it
        std::uint32_t line_place = 0, line_length = 0;
        Phase phase = Phase::free;
        Stand stand = Stand::owner;
        Place place = Place::none;
        rules::Code why{};            // given_up
        std::uint8_t sends = 0;       // how often it was said to the app,
        std::uint8_t sends_here = 0;  // to its present life,
        std::uint8_t retries = 0;     // and again, or is to be
        bool given_up = false;        // due at once
        bool whole = true;            // its attachments are there
        bool retrying = false;        // the gate is asked whether it may be said again
        bool progressed = false;
        bool parts = false;         // of its answer were delivered
        bool own_answered = false;  // its own ack id had a fallback; those in `joined` wait
        bool telling = false;       // its place in line is about to be told
        bool spent = false;         // of a tombstone: it was answered, and another answer may come
        Slot previous = none, next = none;

        [[nodiscard]] bool outstanding() const { return phase != Phase::free && phase != Phase::tombstone; }
        template <class Archive>
        void archive(Archive& archive) {
            archive(request, texts, number, deadline, patience, again, due, line_place, line_length);
            archive.one_of(phase, Phase::tombstone);
            archive.one_of(stand, Stand::ready);
            archive.one_of(place, Place::running);
            archive.one_of(why, rules::Code::shutdown);
            archive(sends, sends_here, retries, given_up, whole, retrying, progressed, parts);
            archive(own_answered, telling, spent, next);
        }
    };

    PendingRequests(const Policy& policy, Stats& stats, std::uint64_t seed);
    ~PendingRequests();

    // Empty when one with the same id is outstanding or there is no room. A tombstone with the same id goes.
    [[nodiscard]] std::optional<Slot> add(const Request& request, std::unique_ptr<Texts> texts);
    [[nodiscard]] Entry& at(Slot slot) { return slots_[slot]; }
    [[nodiscard]] const Entry& at(Slot slot) const { return slots_[slot]; }

    [[nodiscard]] std::optional<Slot> find_ack(std::uint32_t nsp, std::uint64_t ack) const;
    // By Texts::key or Texts::content.
    [[nodiscard]] std::optional<Slot> find_key(const std::string& full) const;
    [[nodiscard]] std::optional<Slot> find_number(std::uint64_t number) const;
    // The keys of different namespaces, rules and kinds differ.
    [[nodiscard]] static std::string full_key(std::uint32_t nsp, std::uint32_t rule, std::string_view key);
    // From now on it is found by this; another one that was is not any more.
    void set_content(Slot slot, std::string full);
    void set_number(Slot slot, std::uint64_t number);
    // In order of receipt; `none` ends it.
    [[nodiscard]] Slot oldest() const { return waiting_.head; }
    [[nodiscard]] Slot oldest_tombstone() const { return tombs_.head; }
    [[nodiscard]] Slot after(Slot slot) const { return slots_[slot].next; }

    // There is room for so much more text; what is kept is counted.
    [[nodiscard]] bool has_room(std::size_t bytes) const;
    void keep_text(Slot slot, std::string text);
    void keep_attachments(Slot slot, std::vector<std::string> attachments);
    void forget_text(Slot slot);

    void set_due(Slot slot, TimePoint due);
    // Takes one that is due; it is not due any more.
    [[nodiscard]] std::optional<Slot> next_due(TimePoint now);
    [[nodiscard]] TimePoint next_deadline() const;

    // It is over: a tombstone remembers it; or nothing does.
    void bury(Slot slot, TimePoint now);
    void free(Slot slot);
    // A tombstone waits for its answer again.
    void revive(Slot slot);
    void age_tombstones(TimePoint now);

    [[nodiscard]] bool has(Slot slot) const { return slot < slots_.size(); }
    [[nodiscard]] bool is_outstanding(Slot slot) const { return has(slot) && slots_[slot].outstanding(); }
    // For each that is remembered.
    template <class Condition>
    [[nodiscard]] bool all(const Condition& condition) const {
        return std::all_of(slots_.begin(), slots_.end(), [&](const Entry& entry) {
            return entry.phase == Phase::free || condition(entry);
        });
    }
    [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
    [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_; }
    [[nodiscard]] std::size_t tombstones() const noexcept { return tombstones_; }

    template <class Archive>
    void archive(Archive& archive);

  private:
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
        std::size_t operator()(std::uint64_t number) const noexcept;
    };
    struct Index;

    // Links, ids, counts and gauges of what has been read; false when it cannot be.
    bool restored();
    bool restore_ids();
    // Links backwards what is linked forwards; counts what it meets.
    template <class Belongs>
    bool restore_list(List& list, const Belongs& belongs, std::size_t& met);

    Slot take_slot();
    void append(List& list, Slot slot);
    void unlink(List& list, Slot slot);
    // The slot that has the request's id in the index; `slot` itself when it is the first.
    Slot claim_id(const Request& request, const Texts* texts, Slot slot);
    void drop_ids(Slot slot);
    void shrink_ids();

    const Policy& policy_;
    Stats& stats_;
    std::uint64_t seed_;
    std::unique_ptr<Index> index_;
    std::vector<Entry> slots_;
    // Sorted. Moving a few KiB at the worst costs less than a node for each request.
    std::vector<std::pair<TimePoint, Slot>> due_;
    Slot free_ = none;
    List waiting_;  // all that are outstanding
    List tombs_;
    std::size_t outstanding_ = 0;
    std::size_t tombstones_ = 0;
    std::size_t text_bytes_ = 0;
};

// What tells contents apart: 128 bits, keyed.
[[nodiscard]] std::string content_digest(std::uint64_t seed, std::string_view name, std::string_view body,
                                         const std::vector<std::string>& attachments);

}  // namespace forestay::session
