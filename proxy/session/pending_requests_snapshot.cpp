// The pending requests of a session that is written down, and read again.
#include <algorithm>

#include "proxy/session/pending_requests.h"
#include "proxy/session/snapshot.h"

namespace forestay::session {

template <class Archive>
void PendingRequests::archive(Archive& archive) {
    bool used = index_ != nullptr;
    archive(used);
    if (!used) return;
    archive(slots_, free_, lists_, tombs_);
    if constexpr (Archive::reading) {
        const bool sound = !archive.failed() && restored();
        if (!sound) slots_.clear();
        archive.check(sound);
    }
}
template void PendingRequests::archive(SnapshotWriter&);
template void PendingRequests::archive(SnapshotReader&);

bool PendingRequests::restored() {
    const auto& rules = policy_.rules.rules();
    if (lists_.size() != rules.size()) return false;
    const auto phases = [&](Phase phase) {
        return static_cast<std::size_t>(std::count_if(
            slots_.begin(), slots_.end(), [phase](const Entry& entry) { return entry.phase == phase; }));
    };
    // Each slot is in the list of its phase, once.
    std::size_t met = 0;
    for (std::uint32_t rule = 0; rule < lists_.size(); ++rule) {
        if (!restore_list(lists_[rule], Phase::waiting, rule, met)) return false;
    }
    if (met != phases(Phase::waiting)) return false;
    List free{free_, none};
    tombstones_ = met = 0;
    if (!restore_list(tombs_, Phase::tombstone, std::nullopt, tombstones_) ||
        tombstones_ != phases(Phase::tombstone) || tombstones_ > policy_.limits.tombstones ||
        !restore_list(free, Phase::free, std::nullopt, met) || met != phases(Phase::free))
        return false;
    outstanding_ = slots_.size() - tombstones_ - met;
    if (outstanding_ > policy_.limits.outstanding) return false;

    make_index();
    for (Slot slot = 0; slot < slots_.size(); ++slot) {
        const Entry& entry = slots_[slot];
        if (entry.phase == Phase::free) continue;
        if (entry.request.rule >= rules.size()) return false;
        const rules::IdSource source = rules[entry.request.rule].id_source;
        if ((source == rules::IdSource::ack && !entry.request.ack) ||
            (source == rules::IdSource::pointer && !entry.texts) ||
            (rules[entry.request.rule].match.name == "*" && !entry.texts))
            return false;
        if (entry.texts) packet_bytes_ += entry.texts->packet.size();
        if (claim_id(entry.request, entry.texts.get(), slot) != slot) return false;
    }
    for (const Entry& entry : slots_) {
        if (entry.phase != Phase::free && entry.phase != Phase::tombstone)
            ++stats_.rules[entry.request.rule].outstanding;
    }
    return true;
}

bool PendingRequests::restore_list(List& list, Phase phase, std::optional<std::uint32_t> rule,
                                   std::size_t& met) {
    Slot previous = none;
    // No more than there are: a ring would go round for ever.
    for (Slot slot = list.head; slot != none; slot = slots_[slot].next) {
        if (slot >= slots_.size() || ++met > slots_.size()) return false;
        Entry& entry = slots_[slot];
        if (entry.phase != phase || (rule && entry.request.rule != *rule)) return false;
        entry.previous = phase == Phase::free ? none : previous;
        previous = slot;
    }
    list.tail = previous;
    return true;
}

}  // namespace forestay::session
