#include "proxy/session/pending_requests.h"

#include <algorithm>
#include <bit>
#include <boost/unordered/unordered_flat_map.hpp>
#include <utility>

namespace forestay::session {

namespace {

std::uint64_t mix(std::uint64_t value) noexcept {
    value ^= value >> 30U;
    value *= 0xbf58476d1ce4e5b9ULL;
    value ^= value >> 27U;
    value *= 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
}

}  // namespace

struct PendingRequests::Index {
    boost::unordered_flat_map<AckKey, Slot, Hash> by_ack;
    boost::unordered_flat_map<std::string, Slot, Hash> by_key;
};

std::size_t PendingRequests::Hash::operator()(const AckKey& key) const noexcept {
    // Ack ids have 53 bits, so that few namespaces do not meet.
    return mix(seed ^ key.ack ^ std::rotl(std::uint64_t{key.nsp}, 53));
}

std::size_t PendingRequests::Hash::operator()(const std::string& key) const noexcept {
    std::uint64_t state = seed;
    for (const char c : key)
        state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL + (state >> 29U);
    return mix(state);
}

PendingRequests::PendingRequests(const Policy& policy, Stats& stats, std::uint64_t seed)
    : policy_(policy), stats_(stats), seed_(seed) {}

PendingRequests::~PendingRequests() {
    for (const Entry& entry : slots_) {
        if (entry.phase != Phase::free && entry.phase != Phase::tombstone)
            --stats_.rules[entry.request.rule].outstanding;
    }
}

void PendingRequests::make_index() {
    index_ = std::make_unique<Index>(
        Index{decltype(Index::by_ack)(8, Hash{seed_}), decltype(Index::by_key)(0, Hash{seed_})});
}

std::optional<PendingRequests::Slot> PendingRequests::add(const Request& request,
                                                          std::unique_ptr<Texts> texts, TimePoint now) {
    if (outstanding_ >= policy_.limits.outstanding) return std::nullopt;
    if (!index_) {
        make_index();
        lists_.resize(policy_.rules.rules().size());
    }
    const rules::Rule& rule = policy_.rules.rules()[request.rule];
    if (rule.id_source == rules::IdSource::ack && !request.ack) return std::nullopt;
    if (texts) texts->key = full_key(request.nsp, request.rule, texts->key);

    const Slot slot = take_slot();
    const Slot holder = claim_id(request, texts.get(), slot);
    if (holder != slot && slots_[holder].phase != Phase::tombstone) {
        slots_[slot].next = free_;
        free_ = slot;
        return std::nullopt;
    }
    ++outstanding_;
    if (holder != slot) {  // the same id again after its fallback: a new request
        free_slot(holder);
        static_cast<void>(claim_id(request, texts.get(), slot));
    }
    // What may be said again is kept within the bounds of what waits.
    if (texts && packet_bytes_ + texts->packet.size() > policy_.resume_upstream.max_bytes)
        std::string().swap(texts->packet);
    if (texts) packet_bytes_ += texts->packet.size();
    Entry& entry = slots_[slot];
    entry.request = request;
    entry.texts = std::move(texts);
    entry.deadline = now + rule.timeout;
    entry.phase = Phase::waiting;
    entry.sent = false;
    entry.attempts = 0;
    append(lists_[request.rule], slot);
    RuleStats& counters = stats_.rules[request.rule];
    ++counters.started;
    ++counters.outstanding;
    return slot;
}

void PendingRequests::expect_late(const Request& request, std::unique_ptr<Texts> texts, TimePoint now) {
    const auto slot = add(request, std::move(texts), now);
    if (!slot) return;
    unlink(lists_[request.rule], *slot);
    RuleStats& counters = stats_.rules[request.rule];
    --counters.started;
    --counters.outstanding;
    --outstanding_;
    bury(*slot, now);
}

std::vector<PendingRequests::Slot> PendingRequests::lost_with_upstream() {
    std::vector<Slot> lost;
    for (const List& list : lists_) {
        for (Slot slot = list.head; slot != none; slot = slots_[slot].next) {
            if (std::exchange(slots_[slot].sent, false)) lost.push_back(slot);
        }
    }
    std::stable_sort(lost.begin(), lost.end(), [this](Slot a, Slot b) {
        return slots_[a].request.received < slots_[b].request.received;
    });
    return lost;
}

bool PendingRequests::may_resend(Slot slot) {
    Entry& entry = slots_[slot];
    if (entry.attempts >= policy_.rules.rules()[entry.request.rule].retry.attempts || !entry.texts ||
        entry.texts->packet.empty())
        return false;
    ++entry.attempts;
    return true;
}

void PendingRequests::give_up(Slot slot, TimePoint now) {
    if (slots_[slot].phase != Phase::waiting) return;
    suspend(slot);
    resume(slot, now);
}

PendingRequests::Slot PendingRequests::claim_id(const Request& request, const Texts* texts, Slot slot) {
    switch (policy_.rules.rules()[request.rule].id_source) {
        case rules::IdSource::ack:
            return index_->by_ack.try_emplace(AckKey{request.nsp, *request.ack}, slot).first->second;
        case rules::IdSource::pointer:
            return index_->by_key.try_emplace(texts->key, slot).first->second;
        case rules::IdSource::order:
            break;
    }
    return slot;
}

std::optional<PendingRequests::Found> PendingRequests::find_ack(std::uint32_t nsp, std::uint64_t ack) const {
    if (!index_) return std::nullopt;
    const auto found = index_->by_ack.find(AckKey{nsp, ack});
    if (found == index_->by_ack.end()) return std::nullopt;
    return Found{found->second, slots_[found->second].phase == Phase::tombstone};
}

std::optional<PendingRequests::Found> PendingRequests::find_key(std::uint32_t nsp, std::uint32_t rule,
                                                                std::string_view key) const {
    if (!index_) return std::nullopt;
    const auto found = index_->by_key.find(full_key(nsp, rule, key));
    if (found == index_->by_key.end()) return std::nullopt;
    return Found{found->second, slots_[found->second].phase == Phase::tombstone};
}

std::optional<PendingRequests::Found> PendingRequests::find_oldest(std::uint32_t nsp,
                                                                   std::uint32_t rule) const {
    if (!index_) return std::nullopt;
    const auto is_of = [&](Slot slot) {
        return slots_[slot].request.nsp == nsp && slots_[slot].request.rule == rule;
    };
    for (Slot slot = lists_[rule].head; slot != none; slot = slots_[slot].next) {
        if (is_of(slot)) return Found{slot, false};
    }
    for (Slot slot = tombs_.head; slot != none; slot = slots_[slot].next) {
        if (is_of(slot)) return Found{slot, true};
    }
    return std::nullopt;
}

void PendingRequests::answered(Slot slot, TimePoint now) {
    Entry& entry = slots_[slot];
    if (entry.phase == Phase::waiting) unlink(lists_[entry.request.rule], slot);
    RuleStats& counters = stats_.rules[entry.request.rule];
    ++counters.answered_by_upstream;
    --counters.outstanding;
    counters.duration.observe(now - entry.request.received);
    --outstanding_;
    free_slot(slot);
}

void PendingRequests::suspend(Slot slot) {
    if (slots_[slot].phase != Phase::waiting) return;
    unlink(lists_[slots_[slot].request.rule], slot);
    slots_[slot].phase = Phase::suspended;
}

void PendingRequests::resume(Slot slot, TimePoint now) {
    if (slots_[slot].phase != Phase::suspended) return;
    slots_[slot].deadline = now;
    wait_again(slot);
}

void PendingRequests::wait_again(Slot slot) {
    Entry& entry = slots_[slot];
    if (entry.phase != Phase::suspended) return;
    entry.phase = Phase::waiting;
    // Where its deadline belongs: what is due must not wait behind younger requests of its rule.
    List& list = lists_[entry.request.rule];
    Slot next = list.head;
    while (next != none && slots_[next].deadline < entry.deadline) next = slots_[next].next;
    entry.next = next;
    entry.previous = next == none ? list.tail : slots_[next].previous;
    (entry.previous == none ? list.head : slots_[entry.previous].next) = slot;
    (next == none ? list.tail : slots_[next].previous) = slot;
}

void PendingRequests::late_answered(Slot slot) {
    const std::uint32_t rule = slots_[slot].request.rule;
    ++stats_.rules[rule].late;
    // By order the next late answer is another request's; by id an app may say the same again.
    if (policy_.rules.rules()[rule].id_source == rules::IdSource::order) free_slot(slot);
}

TimePoint PendingRequests::next_deadline() const {
    TimePoint next = never;
    for (const List& list : lists_) {
        if (list.head != none) next = std::min(next, slots_[list.head].deadline);
    }
    if (tombs_.head != none) next = std::min(next, slots_[tombs_.head].deadline);
    return next;
}

std::optional<PendingRequests::Slot> PendingRequests::next_due(TimePoint now) {
    for (List& list : lists_) {
        const Slot slot = list.head;
        if (slot == none || slots_[slot].deadline > now) continue;
        unlink(list, slot);
        slots_[slot].phase = Phase::due;
        return slot;
    }
    return std::nullopt;
}

void PendingRequests::defer(Slot slot) {
    slots_[slot].phase = Phase::deferred;
}

std::optional<PendingRequests::Slot> PendingRequests::release(std::uint32_t nsp) {
    for (Slot slot = 0; slot < slots_.size(); ++slot) {
        if (slots_[slot].phase == Phase::deferred && slots_[slot].request.nsp == nsp) return slot;
    }
    return std::nullopt;
}

void PendingRequests::fallback_given(Slot slot, TimePoint now) {
    const Entry& entry = slots_[slot];
    RuleStats& counters = stats_.rules[entry.request.rule];
    ++counters.answered_by_fallback;
    --counters.outstanding;
    counters.duration.observe(now - entry.request.received);
    --outstanding_;
    bury(slot, now);
}

void PendingRequests::bury(Slot slot, TimePoint now) {
    if (tombstones_ >= policy_.limits.tombstones) {
        stats_.count(Drop::tombstone_overflow);
        free_slot(tombs_.head);
    }
    Entry& entry = slots_[slot];
    forget_packet(entry);
    ++tombstones_;
    entry.phase = Phase::tombstone;
    entry.deadline = now + policy_.limits.tombstone_age;
    append(tombs_, slot);
}

void PendingRequests::forget_packet(Entry& entry) {
    if (!entry.texts) return;
    packet_bytes_ -= entry.texts->packet.size();
    std::string().swap(entry.texts->packet);
}

void PendingRequests::age_tombstones(TimePoint now) {
    while (tombs_.head != none && slots_[tombs_.head].deadline <= now) free_slot(tombs_.head);
}

void PendingRequests::forget_nsp(std::uint32_t nsp) {
    for (Slot slot = 0; slot < slots_.size(); ++slot) {
        if (slots_[slot].phase != Phase::free && slots_[slot].request.nsp == nsp) abandon(slot);
    }
}

void PendingRequests::forget_all() {
    for (Slot slot = 0; slot < slots_.size(); ++slot) {
        if (slots_[slot].phase != Phase::free) abandon(slot);
    }
}

void PendingRequests::abandon(Slot slot) {
    Entry& entry = slots_[slot];
    if (entry.phase != Phase::tombstone) {
        if (entry.phase == Phase::waiting) unlink(lists_[entry.request.rule], slot);
        ++stats_.rules[entry.request.rule].abandoned;
        --stats_.rules[entry.request.rule].outstanding;
        --outstanding_;
    }
    free_slot(slot);
}

PendingRequests::Slot PendingRequests::take_slot() {
    if (free_ == none) {
        slots_.emplace_back();
        return static_cast<Slot>(slots_.size() - 1);
    }
    const Slot slot = free_;
    free_ = slots_[slot].next;
    slots_[slot].next = none;
    return slot;
}

void PendingRequests::free_slot(Slot slot) {
    Entry& entry = slots_[slot];
    if (entry.phase == Phase::tombstone) {
        unlink(tombs_, slot);
        --tombstones_;
    }
    drop_id(entry);
    forget_packet(entry);
    entry.texts.reset();
    entry.phase = Phase::free;
    entry.previous = none;
    entry.next = free_;
    free_ = slot;
    if (outstanding_ == 0 && tombstones_ == 0 &&
        slots_.size() > 64) {  // a burst is over: give its memory back
        std::vector<Entry>().swap(slots_);
        index_->by_ack.rehash(0);
        index_->by_key.rehash(0);
        free_ = none;
    }
}

void PendingRequests::append(List& list, Slot slot) {
    Entry& entry = slots_[slot];
    entry.previous = list.tail;
    entry.next = none;
    (list.tail == none ? list.head : slots_[list.tail].next) = slot;
    list.tail = slot;
}

void PendingRequests::unlink(List& list, Slot slot) {
    Entry& entry = slots_[slot];
    (entry.previous == none ? list.head : slots_[entry.previous].next) = entry.next;
    (entry.next == none ? list.tail : slots_[entry.next].previous) = entry.previous;
    entry.previous = entry.next = none;
}

void PendingRequests::drop_id(const Entry& entry) {
    switch (policy_.rules.rules()[entry.request.rule].id_source) {
        case rules::IdSource::ack:
            index_->by_ack.erase(AckKey{entry.request.nsp, *entry.request.ack});
            break;
        case rules::IdSource::pointer:
            index_->by_key.erase(entry.texts->key);
            break;
        case rules::IdSource::order:
            break;
    }
}

std::string PendingRequests::full_key(std::uint32_t nsp, std::uint32_t rule, std::string_view key) const {
    std::string full = std::to_string(nsp);
    full += '/';
    full += std::to_string(rule);
    full += '/';
    full += key;
    return full;
}

}  // namespace forestay::session
