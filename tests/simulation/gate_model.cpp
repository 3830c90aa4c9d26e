#include "tests/simulation/gate_model.h"

#include <algorithm>

#include "tests/simulation/shell.h"
#include "tests/simulation/world.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using rules::AskKind;
using rules::Breakers;
using rules::Outcome;
using What = rules::Verdict::What;

namespace {
constexpr std::uint64_t crowd_begins = 1'000'000;  // the numbers of its sessions
constexpr std::uint64_t crowd_size = 3;
}  // namespace

GateModel::GateModel(World& world, Random random)
    : world_(world),
      random_(random.branch()),
      crowd_random_(random.branch()),
      gate_(world.scenario().policy.rules.rules()),
      running_(gate_.stats().size()),
      probes_(gate_.stats().size()),
      let_go_(gate_.stats().size()) {
    for (std::uint32_t i = 0; i < running_.size(); ++i)
        if (rule(i).gated()) gated_.push_back(i);
}

const rules::Rule& GateModel::rule(std::uint32_t index) const {
    return world_.scenario().policy.rules.rules()[index];
}

std::chrono::microseconds GateModel::latency() {
    const auto most = static_cast<std::uint64_t>(world_.scenario().gate_latency.count());
    return std::chrono::microseconds(random_.below(most + 1));
}

// ---- to the gate

void GateModel::at_gate(std::function<void()> what) {
    there_ = std::max(there_, world_.schedule().now() + latency());
    world_.schedule().at(there_, [this, what = std::move(what)] {
        what();
        take_verdicts();
    });
}

void GateModel::ask(Shell& shell, const session::action::AskGate& ask) {
    const Key key{shell.number() + 1, ask.request};
    require(rule(ask.rule).gated(), "a request asked the gate though its rule has none");
    const auto known = asked_.find(key);
    require(known == asked_.end() || (ask.kind == AskKind::retry && known->second.running),
            "a request asked the gate twice");
    shells_[key.first] = &shell;
    asked_.try_emplace(key, Asked{ask.rule, false});
    at_gate([this, key, ask] {
        gate_.ask({key.first, key.second}, ask.rule, ask.kind, "client", world_.schedule().now());
    });
}

void GateModel::leave(Shell& shell, const session::action::LeaveGate& leave) {
    const Key key{shell.number() + 1, leave.request};
    require(asked_.erase(key) == 1, "a request left the gate that was not there");
    at_gate([this, key, leave] {
        gone(key);
        gate_.done({key.first, key.second}, leave.outcome, world_.schedule().now());
    });
}

void GateModel::forget(Shell& shell) {
    const std::uint64_t session = shell.number() + 1;
    shells_.erase(session);
    std::erase_if(asked_, [session](const auto& one) { return one.first.first == session; });
    at_gate([this, session] { forget_at_gate(session); });
}

void GateModel::forget_at_gate(std::uint64_t session) {
    for (auto* keys : {&running_, &probes_})
        for (auto& some : *keys)
            std::erase_if(some, [session](const Key& key) { return key.first == session; });
    gate_.forget(session, world_.schedule().now());
    take_verdicts();
}

void GateModel::gone(Key key) {
    for (auto* keys : {&running_, &probes_})
        for (auto& some : *keys) some.erase(key);
}

// ---- what it says

void GateModel::take_verdicts() {
    while (const auto next = gate_.next_verdict()) verdict(*next);
    for (const std::uint32_t i : gated_)
        require(gate_.stats()[i].running == running_[i].size(), "the gate's gauge of running is wrong");
    tick_when_due();
}

void GateModel::tick_when_due() {
    const TimePoint due = gate_.next_deadline();
    if (due == tick_at_) return;
    tick_at_ = due;
    const std::uint64_t mine = ++ticks_;
    if (due == TimePoint::max()) return;
    world_.schedule().at(due, [this, mine] {
        if (mine != ticks_) return;
        tick_at_ = session::never;
        gate_.tick(world_.schedule().now());
        take_verdicts();
        require(gate_.next_deadline() > world_.schedule().now(),
                "a deadline of the gate stays due after a tick");
    });
}

void GateModel::verdict(const rules::Verdict& verdict) {
    const rules::Rule& of = rule(verdict.rule);
    switch (verdict.what) {
        case What::go:
            went(verdict);
            break;
        case What::refused:
            break;
        case What::place:
            require(of.queue.status.has_value(), "the gate told a place that nobody wants to know");
            require(verdict.place >= 1 && verdict.place <= verdict.waiting, "a place that is not in line");
            break;
    }
    if (verdict.ticket.session < crowd_begins) return to_session(verdict);
    if (verdict.what != What::go) return;
    const auto dice = crowd_random_.below(100);
    const auto outcome = dice < 60 ? Outcome::answered : dice < 85 ? Outcome::failed : Outcome::released;
    world_.schedule().after(crowd_random_.pause(20ms, 2'000ms), [this, ticket = verdict.ticket, outcome] {
        gone({ticket.session, ticket.request});
        gate_.done(ticket, outcome, world_.schedule().now());
        take_verdicts();
    });
}

void GateModel::went(const rules::Verdict& verdict) {
    const rules::Rule& of = rule(verdict.rule);
    const Key key{verdict.ticket.session, verdict.ticket.request};
    auto& running = running_[verdict.rule];
    running.insert(key);
    require(of.concurrency == 0 || running.size() <= of.concurrency,
            "more requests run at once than the rule allows");
    if (key.first < crowd_begins) ++let_go_[verdict.rule];
    if (!of.breaker.on()) return;
    const Breakers state = gate_.stats()[verdict.rule].breaker;
    require(state != Breakers::open, "a request went though the breaker is open");
    auto& probes = probes_[verdict.rule];
    if (state == Breakers::closed) return probes.clear();
    probes.insert(key);
    require(probes.size() <= 1, "a second probe went");
}

void GateModel::to_session(const rules::Verdict& verdict) {
    back_ = std::max(back_, world_.schedule().now() + latency());
    world_.schedule().at(back_, [this, verdict] { at_session(verdict); });
}

void GateModel::at_session(const rules::Verdict& verdict) {
    const auto shell = shells_.find(verdict.ticket.session);
    if (shell == shells_.end()) return;
    const auto asked = asked_.find({verdict.ticket.session, verdict.ticket.request});
    if (asked != asked_.end()) {
        if (verdict.what == What::go) asked->second.running = true;
        if (verdict.what == What::refused && !asked->second.running) asked_.erase(asked);
    }
    shell->second->gate_said(
        {verdict.ticket.request, verdict.what, verdict.code, verdict.place, verdict.waiting});
}

// ---- the crowd

void GateModel::start() {
    if (world_.scenario().crowd && !gated_.empty()) crowd_later();
}

void GateModel::crowd_later() {
    world_.schedule().after(crowd_random_.pause(0ms, world_.scenario().client_pace * 3), [this] {
        if (world_.at_rest()) return;
        crowd_asks();
        crowd_later();
    });
}

void GateModel::crowd_asks() {
    const std::uint64_t session = crowd_begins + crowd_random_.below(crowd_size);
    if (crowd_random_.chance(5)) return forget_at_gate(session);
    const std::uint32_t of = gated_[crowd_random_.below(gated_.size())];
    gate_.ask({session, ++crowd_}, of, AskKind::fresh, std::to_string(session), world_.schedule().now());
    take_verdicts();
}

void GateModel::rest() {
    for (std::uint64_t i = 0; i < crowd_size; ++i) forget_at_gate(crowd_begins + i);
}

// ---- what must hold

void GateModel::check_places() const {
    if (gated_.empty()) return;
    std::vector<std::uint64_t> places(running_.size());
    for (const auto& [key, asked] : asked_) ++places[asked.rule];
    for (const std::uint32_t i : gated_)
        require(places[i] <= world_.stats_of(i).outstanding, "a place at the gate is nobody's any more");
}

void GateModel::check_end() const {
    require(asked_.empty(), "a session is over and still at the gate");
    for (const auto& stats : gate_.stats()) {
        require(stats.running == 0, "requests run at the gate after the end");
        require(stats.waiting == 0, "requests wait at the gate after the end");
    }
}

}  // namespace forestay::simulation
