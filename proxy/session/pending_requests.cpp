#include "proxy/session/pending_requests.h"

#include <algorithm>

namespace forestay::session {

std::size_t PendingRequests::Texts::bytes() const {
    std::size_t sum = packet.size();
    for (const std::string& attachment : attachments) sum += sizeof(std::string) + attachment.size();
    return sum;
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

// Texts that wait share one bound with messages that wait for the upstream.
bool PendingRequests::has_room(std::size_t bytes) const {
    return text_bytes_ + bytes <= policy_.resume_upstream.max_bytes;
}

void PendingRequests::keep_text(Slot slot, std::string text) {
    Entry& entry = slots_[slot];
    if (!entry.texts) entry.texts = std::make_unique<Texts>();
    text_bytes_ -= entry.texts->bytes();
    entry.texts->packet = std::move(text);
    text_bytes_ += entry.texts->bytes();
}

void PendingRequests::keep_attachments(Slot slot, std::vector<std::string> attachments) {
    Entry& entry = slots_[slot];
    if (!entry.texts) return;
    text_bytes_ -= entry.texts->bytes();
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
    const auto place = [&] { return std::lower_bound(due_.begin(), due_.end(), std::pair(entry.due, slot)); };
    if (entry.due != never) due_.erase(place());
    entry.due = due;
    if (due != never) due_.emplace(place(), due, slot);
}

std::optional<PendingRequests::Slot> PendingRequests::next_due(TimePoint now) {
    if (due_.empty() || due_.front().first > now) return std::nullopt;
    const Slot slot = due_.front().second;
    set_due(slot, never);
    return slot;
}

TimePoint PendingRequests::next_deadline() const {
    TimePoint next = due_.empty() ? never : due_.front().first;
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
        decltype(due_)().swap(due_);
        shrink_ids();
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
