// The pending requests of a session that is written down, and read again.
#include <algorithm>

#include "proxy/session/pending_requests.h"
#include "proxy/session/snapshot.h"

namespace forestay::session {

template <class Archive>
void PendingRequests::archive(Archive& archive) {
    archive(slots_, free_, waiting_, tombs_);
    if constexpr (Archive::reading) {
        const bool sound = !archive.failed() && restored();
        if (!sound) slots_.clear();
        archive.check(sound);
    }
}
template void PendingRequests::archive(SnapshotWriter&);
template void PendingRequests::archive(SnapshotReader&);

bool PendingRequests::restored() {
    const auto count = [&](const auto& condition) {
        return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), condition));
    };
    const auto is_free = [](const Entry& entry) { return entry.phase == Phase::free; };
    const auto is_tombstone = [](const Entry& entry) { return entry.phase == Phase::tombstone; };
    const auto is_outstanding = [](const Entry& entry) { return entry.outstanding(); };
    // Each slot is in the list of its phase, once.
    List free{free_, none};
    std::size_t met = 0;
    if (!restore_list(free, is_free, met) || met != count(is_free)) return false;
    if (!restore_list(waiting_, is_outstanding, outstanding_) || outstanding_ != count(is_outstanding) ||
        outstanding_ > policy_.limits.outstanding)
        return false;
    if (!restore_list(tombs_, is_tombstone, tombstones_) || tombstones_ != count(is_tombstone) ||
        tombstones_ > policy_.limits.tombstones)
        return false;
    if (!restore_ids()) return false;
    for (Slot slot = 0; slot < slots_.size(); ++slot) {
        Entry& entry = slots_[slot];
        if (entry.due != never) due_.emplace_back(entry.due, slot);
        if (!entry.outstanding()) continue;
        ++stats_.rules[entry.request.rule].outstanding;
        if (entry.place == Place::asked) ++stats_.rules[entry.request.rule].queued;
    }
    std::sort(due_.begin(), due_.end());
    return true;
}

bool PendingRequests::restore_ids() {
    const auto& rules = policy_.rules.rules();
    for (Slot slot = 0; slot < slots_.size(); ++slot) {
        const Entry& entry = slots_[slot];
        if (entry.phase == Phase::free) continue;
        if (entry.request.rule >= rules.size() || !rules[entry.request.rule].tracks) return false;
        const rules::Rule& rule = rules[entry.request.rule];
        if ((rule.id_source == rules::IdSource::ack && !entry.request.ack) ||
            (rule.id_source == rules::IdSource::pointer && !entry.texts) ||
            (rule.match.name == "*" && !entry.texts))
            return false;
        // What waits will be due; nothing else is, and tombstones age.
        if ((entry.due != never) != (entry.phase == Phase::waiting) ||
            (entry.phase != Phase::deferred && entry.deadline == never))
            return false;
        if (entry.place != Place::none && (entry.number == 0 || !entry.outstanding())) return false;
        if (entry.texts) text_bytes_ += entry.texts->bytes();
        if (claim_id(entry.request, entry.texts.get(), slot) != slot) return false;
        if (entry.number != 0) {
            if (find_number(entry.number)) return false;
            set_number(slot, entry.number);
        }
        if (entry.texts && !entry.texts->content.empty()) {
            if (find_key(entry.texts->content)) return false;
            set_content(slot, std::string(entry.texts->content));
        }
    }
    return true;
}

template <class Belongs>
bool PendingRequests::restore_list(List& list, const Belongs& belongs, std::size_t& met) {
    Slot previous = none;
    // No more than there are: a ring would go round for ever.
    for (Slot slot = list.head; slot != none; slot = slots_[slot].next) {
        if (slot >= slots_.size() || ++met > slots_.size()) return false;
        Entry& entry = slots_[slot];
        if (!belongs(entry)) return false;
        entry.previous = entry.phase == Phase::free ? none : previous;
        previous = slot;
    }
    list.tail = previous;
    return true;
}

}  // namespace forestay::session
