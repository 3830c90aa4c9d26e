#include "rules/gate.h"

namespace forestay::rules {

struct Gate::Impl {
    std::vector<GateStats> stats;
};

Gate::Gate(const RuleSet&) : impl_(std::make_unique<Impl>()) {}
Gate::~Gate() = default;
void Gate::ask(Ticket, std::uint32_t, AskKind, std::string_view, TimePoint) {}
void Gate::done(Ticket, Outcome, TimePoint) {}
void Gate::forget(std::uint64_t, TimePoint) {}
void Gate::tick(TimePoint) {}
TimePoint Gate::next_deadline() const {
    return TimePoint::max();
}
std::optional<Verdict> Gate::next_verdict() {
    return std::nullopt;
}
const std::vector<GateStats>& Gate::stats() const {
    return impl_->stats;
}

}  // namespace forestay::rules
