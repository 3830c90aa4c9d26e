#include "rules/gate_line.h"

#include <algorithm>

namespace forestay::rules {

GateLine::Turn GateLine::enter(Ticket ticket, bool in_front, TimePoint now) {
    const Turn turn = ++last_turn_;
    changed_ |= !waiting_.empty();
    waiting_.emplace(turn, Waiter{ticket, in_front, now, 0, {}});
    if (in_front) {
        front_.insert(turn);
        return turn;
    }
    auto [lane, is_new] = lanes_.try_emplace(ticket.session);
    if (is_new) lane->second = ring_.insert(ring_.end(), Lane{ticket.session, {}});
    lane->second->turns.insert(turn);
    return turn;
}

void GateLine::leave(Turn turn) {
    const auto waiter = waiting_.find(turn);
    if (waiter == waiting_.end()) return;
    if (waiter->second.in_front) {
        front_.erase(turn);
    } else {
        const auto lane = lanes_.find(waiter->second.ticket.session);
        lane->second->turns.erase(turn);
        if (lane->second->turns.empty()) {
            ring_.erase(lane->second);
            lanes_.erase(lane);
        }
    }
    waiting_.erase(waiter);
    changed_ = !waiting_.empty();
}

Ticket GateLine::next() {
    Turn turn = 0;
    if (!front_.empty()) {
        turn = *front_.begin();
    } else {
        turn = *ring_.front().turns.begin();
        ring_.splice(ring_.end(), ring_, ring_.begin());
    }
    const Ticket ticket = waiting_.at(turn).ticket;
    leave(turn);
    return ticket;
}

// Before it go all in front, of each lane as many as it has turns itself, and one more of those lanes that
// come earlier in the ring.
std::size_t GateLine::place(Turn turn, TimePoint now) {
    Waiter& waiter = waiting_.at(turn);
    std::size_t place = 0;
    if (waiter.in_front) {
        place = front_.size();
    } else {
        const Ring::iterator own = lanes_.at(waiter.ticket.session);
        const std::size_t round = own->turns.size();
        place = front_.size() + round;
        if (round == 1) {
            place = front_.size() + ring_.size();
        } else {
            bool earlier = true;
            for (auto lane = ring_.begin(); lane != ring_.end(); ++lane) {
                if (lane == own) {
                    earlier = false;
                } else {
                    place += std::min(lane->turns.size(), earlier ? round : round - 1);
                }
            }
        }
    }
    waiter.told = place;
    waiter.told_at = now;
    return place;
}

std::vector<GateLine::Turn> GateLine::in_order() const {
    std::vector<Turn> order(front_.begin(), front_.end());
    std::vector<std::pair<std::set<Turn>::const_iterator, std::set<Turn>::const_iterator>> lanes;
    for (const Lane& lane : ring_) lanes.emplace_back(lane.turns.begin(), lane.turns.end());
    while (!lanes.empty()) {
        for (auto& [turn, end] : lanes) order.push_back(*turn++);
        std::erase_if(lanes, [](const auto& lane) { return lane.first == lane.second; });
    }
    return order;
}

std::vector<std::pair<Ticket, std::size_t>> GateLine::changed_places(TimePoint now) {
    std::vector<std::pair<Ticket, std::size_t>> changes;
    if (now < next_change()) return changes;
    changed_ = false;
    changes_told_ = now;
    std::size_t place = 0;
    for (const Turn turn : in_order()) {
        Waiter& waiter = waiting_.at(turn);
        if (++place == waiter.told) continue;
        if (now < waiter.told_at + status_every_) {
            changed_ = true;
            continue;
        }
        waiter.told = place;
        waiter.told_at = now;
        changes.emplace_back(waiter.ticket, place);
    }
    return changes;
}

TimePoint GateLine::next_change() const {
    return changed_ ? changes_told_ + status_every_ : TimePoint::max();
}

}  // namespace forestay::rules
