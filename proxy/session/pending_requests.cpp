#include "proxy/session/pending_requests.h"

#include <bit>
#include <boost/unordered/unordered_flat_map.hpp>

namespace forestay::session {

namespace {

std::uint64_t mix(std::uint64_t value) noexcept {
    value ^= value >> 30U;
    value *= 0xbf58476d1ce4e5b9ULL;
    value ^= value >> 27U;
    value *= 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
}

std::uint64_t hash_text(std::uint64_t state, std::string_view text) noexcept {
    for (const char c : text)
        state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL + (state >> 29U);
    return state;
}

}  // namespace

struct PendingRequests::Index {
    boost::unordered_flat_map<AckKey, Slot, Hash> by_ack;
    boost::unordered_flat_map<std::string, Slot, Hash> by_key;
    boost::unordered_flat_map<std::uint64_t, Slot, Hash> by_number;
};

std::size_t PendingRequests::Hash::operator()(const AckKey& key) const noexcept {
    // Ack ids have 53 bits, so that few namespaces do not meet.
    return mix(seed ^ key.ack ^ std::rotl(std::uint64_t{key.nsp}, 53));
}
std::size_t PendingRequests::Hash::operator()(const std::string& key) const noexcept {
    return mix(hash_text(seed, key));
}
std::size_t PendingRequests::Hash::operator()(std::uint64_t number) const noexcept {
    return mix(seed ^ number);
}

std::string content_digest(std::uint64_t seed, std::string_view name, std::string_view body,
                           const std::vector<std::string>& attachments) {
    std::string digest = "=";  // no id begins so
    for (const std::uint64_t key : {mix(seed), mix(~seed)}) {
        std::uint64_t state = key;
        const auto add = [&state](std::string_view text) {
            state = mix(hash_text(state, text) + text.size());  // what ends here does not begin there
        };
        add(name);
        add(body);
        for (const std::string& attachment : attachments) add(attachment);
        digest += std::to_string(state);
        digest += '.';
    }
    return digest;
}

std::size_t PendingRequests::Texts::bytes() const {
    std::size_t sum = packet.size();
    for (const std::string& attachment : attachments) sum += sizeof(std::string) + attachment.size();
    return sum;
}

PendingRequests::PendingRequests(const Policy& policy, Stats& stats, std::uint64_t seed)
    : policy_(policy),
      stats_(stats),
      seed_(seed),
      index_(std::make_unique<Index>(Index{decltype(Index::by_ack)(0, Hash{seed}),
                                           decltype(Index::by_key)(0, Hash{seed}),
                                           decltype(Index::by_number)(0, Hash{seed})})) {}

// What is outstanding goes on elsewhere: these are gauges.
PendingRequests::~PendingRequests() {
    for (const Entry& entry : slots_) {
        if (!entry.outstanding()) continue;
        --stats_.rules[entry.request.rule].outstanding;
        if (entry.place == Place::asked) --stats_.rules[entry.request.rule].queued;
    }
}

std::optional<PendingRequests::Slot> PendingRequests::add(const Request& request,
                                                          std::unique_ptr<Texts> texts) {
    if (outstanding_ >= policy_.limits.outstanding) return std::nullopt;
    const rules::Rule& rule = policy_.rules.rules()[request.rule];
    if (rule.id_source == rules::IdSource::ack && !request.ack) return std::nullopt;

    const Slot slot = take_slot();
    const Slot holder = claim_id(request, texts.get(), slot);
    if (holder != slot && slots_[holder].outstanding()) {
        slots_[slot].next = free_;
        free_ = slot;
        return std::nullopt;
    }
    ++outstanding_;        // first: a store without any gives its memory back
    if (holder != slot) {  // the same id again after its fallback: a new request
        free(holder);
        static_cast<void>(claim_id(request, texts.get(), slot));
    }
    Entry& entry = slots_[slot];
    entry = Entry{};
    entry.request = request;
    entry.texts = std::move(texts);
    entry.phase = Phase::waiting;
    append(waiting_, slot);
    ++stats_.rules[request.rule].outstanding;
    return slot;
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

void PendingRequests::drop_ids(Slot slot) {
    const Entry& entry = slots_[slot];
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
    if (entry.number != 0) index_->by_number.erase(entry.number);
    if (!entry.texts || entry.texts->content.empty()) return;
    const auto found = index_->by_key.find(entry.texts->content);
    if (found != index_->by_key.end() && found->second == slot) index_->by_key.erase(found);
}

void PendingRequests::set_content(Slot slot, std::string full) {
    Entry& entry = slots_[slot];
    if (!entry.texts) entry.texts = std::make_unique<Texts>();
    entry.texts->content = std::move(full);
    const auto [found, fresh] = index_->by_key.try_emplace(entry.texts->content, slot);
    if (fresh || found->second == slot) return;
    Entry& earlier = slots_[std::exchange(found->second, slot)];
    if (earlier.texts) earlier.texts->content.clear();
}

void PendingRequests::set_number(Slot slot, std::uint64_t number) {
    index_->by_number.erase(slots_[slot].number);
    slots_[slot].number = number;
    index_->by_number.emplace(number, slot);
}

std::optional<PendingRequests::Slot> PendingRequests::find_ack(std::uint32_t nsp, std::uint64_t ack) const {
    const auto found = index_->by_ack.find(AckKey{nsp, ack});
    return found == index_->by_ack.end() ? std::nullopt : std::optional(found->second);
}
std::optional<PendingRequests::Slot> PendingRequests::find_key(const std::string& full) const {
    const auto found = index_->by_key.find(full);
    return found == index_->by_key.end() ? std::nullopt : std::optional(found->second);
}
std::optional<PendingRequests::Slot> PendingRequests::find_number(std::uint64_t number) const {
    const auto found = index_->by_number.find(number);
    return found == index_->by_number.end() ? std::nullopt : std::optional(found->second);
}

std::string PendingRequests::full_key(std::uint32_t nsp, std::uint32_t rule, std::string_view key) {
    std::string full = std::to_string(nsp);
    full += '/';
    full += std::to_string(rule);
    full += '/';
    full += key;
    return full;
}

// Texts that wait share one bound with messages that wait for the upstream.
bool PendingRequests::has_room(std::size_t bytes) const {
    return text_bytes_ + bytes <= policy_.resume_upstream.max_bytes;
}

void PendingRequests::keep(Slot slot, std::string text, std::vector<std::string> attachments) {
    Entry& entry = slots_[slot];
    if (!entry.texts) entry.texts = std::make_unique<Texts>();
    text_bytes_ -= entry.texts->bytes();
    entry.texts->packet = std::move(text);
    entry.texts->attachments = std::move(attachments);
    text_bytes_ += entry.texts->bytes();
}

void PendingRequests::forget_text(Slot slot) {
    Entry& entry = slots_[slot];
    if (!entry.texts) return;
    text_bytes_ -= entry.texts->bytes();
    std::string().swap(entry.texts->packet);
    std::vector<std::string>().swap(entry.texts->attachments);
}

void PendingRequests::set_due(Slot slot, TimePoint due) {
    Entry& entry = slots_[slot];
    if (entry.due == due) return;
    if (entry.due != never) due_.erase({entry.due, slot});
    entry.due = due;
    if (due != never) due_.emplace(due, slot);
}

std::optional<PendingRequests::Slot> PendingRequests::next_due(TimePoint now) {
    if (due_.empty() || due_.begin()->first > now) return std::nullopt;
    const Slot slot = due_.begin()->second;
    set_due(slot, never);
    return slot;
}

TimePoint PendingRequests::next_deadline() const {
    TimePoint next = due_.empty() ? never : due_.begin()->first;
    if (tombs_.head != none) next = std::min(next, slots_[tombs_.head].deadline);
    return next;
}

void PendingRequests::bury(Slot slot, TimePoint now) {
    if (tombstones_ >= policy_.limits.tombstones) {
        stats_.count(Drop::tombstone_overflow);
        if (tombs_.head == none) return free(slot);
        free(tombs_.head);
    }
    set_due(slot, never);
    forget_text(slot);
    Entry& entry = slots_[slot];
    unlink(waiting_, slot);
    --outstanding_;
    --stats_.rules[entry.request.rule].outstanding;
    ++tombstones_;
    entry.phase = Phase::tombstone;
    entry.deadline = now + policy_.limits.tombstone_age;
    append(tombs_, slot);
}

void PendingRequests::revive(Slot slot) {
    Entry& entry = slots_[slot];
    unlink(tombs_, slot);
    --tombstones_;
    ++outstanding_;
    ++stats_.rules[entry.request.rule].outstanding;
    entry.phase = Phase::waiting;
    append(waiting_, slot);
}

void PendingRequests::age_tombstones(TimePoint now) {
    while (tombs_.head != none && slots_[tombs_.head].deadline <= now) free(tombs_.head);
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

void PendingRequests::free(Slot slot) {
    Entry& entry = slots_[slot];
    set_due(slot, never);
    if (entry.phase == Phase::tombstone) {
        unlink(tombs_, slot);
        --tombstones_;
    } else {
        unlink(waiting_, slot);
        --outstanding_;
        --stats_.rules[entry.request.rule].outstanding;
    }
    drop_ids(slot);
    forget_text(slot);
    entry = Entry{};
    entry.next = free_;
    free_ = slot;
    if (outstanding_ == 0 && tombstones_ == 0 &&
        slots_.size() > 64) {  // a burst is over: give its memory back
        std::vector<Entry>().swap(slots_);
        index_->by_ack.rehash(0);
        index_->by_key.rehash(0);
        index_->by_number.rehash(0);
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

}  // namespace forestay::session
