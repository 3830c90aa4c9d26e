#include "proxy/net/upstream_set.h"

#include <algorithm>
#include <deque>
#include <tuple>
#include <vector>

#include "proxy/net/byte_stream.h"
#include "proxy/net/loop.h"
#include "proxy/net/upstream.h"
#include "proxy/session/token_bucket.h"

namespace forestay::net {

using session::TimePoint;

void UpstreamPin::move_to(Upstream* upstream) noexcept {
    if (at_ != nullptr) --at_->stats().sessions;
    at_ = upstream;
    if (at_ != nullptr) ++at_->stats().sessions;
}

struct UpstreamSet::Impl final : TimerEntry {
    Impl(Loop& l, UpstreamSet& set);

    void due(TimePoint now) override { let_in(now); }
    [[nodiscard]] Upstream* choose(const UpstreamPin& pin, TimePoint now) const;
    void let_in(TimePoint now);

    Loop& loop;
    std::vector<std::unique_ptr<Upstream>> all;  // by index into UpstreamOptions::urls
    StreamGroup streams;

    struct Waiter {
        UpstreamTurn* turn;
        UpstreamPin* pin;
    };
    std::deque<Waiter> sessions;
    std::deque<UpstreamTurn*> plain;
    std::size_t plain_taken = 0;
    session::TokenBucket rate;
    unsigned per_second = 1;
    unsigned burst = 1;
    bool letting_in = false;
    std::size_t last_asked = 0;  // of ordinary requests: they go round
};

// A bucket lets its burst and its rate through in one second: together they stay below our share.
UpstreamSet::Impl::Impl(Loop& l, UpstreamSet& set) : loop(l) {
    const Shared& shared = loop.shared();
    const unsigned total = shared.options.upstream.connects_per_second;
    const unsigned rest = loop.index() < total % shared.loops ? 1 : 0;
    const unsigned share = std::max(total / shared.loops + rest, 1U);
    burst = std::max(share / 20, 1U);
    per_second = std::max(share * 9 / 10, 1U);
    loop.stats().upstreams.resize(shared.options.upstream.urls.size());
    for (std::size_t i = 0; i < shared.options.upstream.urls.size(); ++i) {
        all.push_back(std::make_unique<Upstream>(loop, set, i));
    }
}

UpstreamSet::UpstreamSet(Loop& loop) : impl_(std::make_unique<Impl>(loop, *this)) {}

UpstreamSet::~UpstreamSet() = default;

Upstream& UpstreamSet::for_request(const Upstream* failed) {
    Impl& impl = *impl_;
    Upstream* second = nullptr;
    for (std::size_t i = 0; i < impl.all.size(); ++i) {
        Upstream& next = *impl.all[++impl.last_asked % impl.all.size()];
        if (&next == failed || next.down_since()) continue;
        if (next.healthy(impl.loop.now())) return next;
        second = &next;
    }
    if (second != nullptr) return *second;
    return *impl.all[++impl.last_asked % impl.all.size()];
}

bool UpstreamSet::another_answers(const Upstream& than) const {
    return std::any_of(impl_->all.begin(), impl_->all.end(),
                       [&](const auto& each) { return each.get() != &than && !each->down_since(); });
}

void UpstreamSet::enter(UpstreamTurn& waiter, UpstreamPin* pin, Place place) {
    Impl& impl = *impl_;
    if (pin == nullptr) {
        if (impl.plain_taken == turns) return impl.plain.push_back(&waiter);
        ++impl.plain_taken;
        return waiter.begin(for_request());
    }
    if (place == Place::first) {
        impl.sessions.push_front({&waiter, pin});
    } else {
        impl.sessions.push_back({&waiter, pin});
    }
    impl.let_in(impl.loop.now());
}

void UpstreamSet::leave_line(UpstreamTurn& waiter) {
    std::erase_if(impl_->sessions, [&](const Impl::Waiter& each) { return each.turn == &waiter; });
    std::erase(impl_->plain, &waiter);
}

void UpstreamSet::give_turn_back(Upstream* upstream) {
    Impl& impl = *impl_;
    if (upstream != nullptr) {
        --upstream->turns_taken;
        return impl.let_in(impl.loop.now());
    }
    if (impl.plain.empty()) {
        --impl.plain_taken;
        return;
    }
    UpstreamTurn* next = impl.plain.front();
    impl.plain.pop_front();
    next->begin(for_request());
}

// Its own; else the least loaded of those that are well; else of those that answer at all. One that takes
// connections and does not answer them keeps some sessions for a while, and not the line: what has few
// handshakes under way comes before what has few sessions.
Upstream* UpstreamSet::Impl::choose(const UpstreamPin& pin, TimePoint now) const {
    const auto has_turn = [](const Upstream& each) { return !each.down_since() && each.turns_taken < turns; };
    if (pin.at() != nullptr && pin.at()->healthy(now) && has_turn(*pin.at())) return pin.at();
    const auto load = [now](const Upstream& each) {
        return std::tuple(!each.healthy(now), each.turns_taken / 8, each.stats().sessions);
    };
    Upstream* best = nullptr;
    for (const auto& each : all) {
        if (has_turn(*each) && (best == nullptr || load(*each) < load(*best))) best = each.get();
    }
    return best;
}

void UpstreamSet::Impl::let_in(TimePoint now) {
    if (letting_in) return;  // what begin() sets off comes back here
    letting_in = true;
    const auto leave = [](bool* flag) { *flag = false; };
    const std::unique_ptr<bool, decltype(leave)> leaving(&letting_in, leave);  // thrown through, too
    while (!sessions.empty()) {
        const Waiter first = sessions.front();
        Upstream* const upstream = choose(*first.pin, now);
        if (upstream == nullptr) break;  // look_again() or give_turn_back() follows
        if (upstream->is_being_learned(now) || !rate.take(per_second, burst, now)) {
            loop.wheel().schedule(*this, now);  // the next slot
            break;
        }
        sessions.pop_front();
        ++upstream->turns_taken;
        first.pin->move_to(upstream);
        first.turn->begin(*upstream);
    }
}

void UpstreamSet::heard(std::size_t index, bool up) {
    static_cast<void>(impl_->all[index]->heard(up));
}

void UpstreamSet::look_again() {
    impl_->let_in(impl_->loop.now());
}

std::optional<TimePoint> UpstreamSet::down_since() const {
    std::optional<TimePoint> last;
    for (const auto& each : impl_->all) {
        const auto since = each->down_since();
        if (!since) return {};
        last = std::max(last, since);
    }
    return last;
}

void UpstreamSet::watch() {
    for (const auto& each : impl_->all) each->watch();
}

StreamGroup& UpstreamSet::streams() noexcept {
    return impl_->streams;
}

}  // namespace forestay::net
