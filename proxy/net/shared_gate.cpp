#include "proxy/net/shared_gate.h"

#include <map>
#include <utility>

#include "proxy/net/loop.h"

namespace forestay::net {

namespace {

// The first bits of a session's number are the index of its loop.
constexpr unsigned counter_bits = 48;

JournalEntry entry_for(rules::Breakers state, const std::string& rule) {
    switch (state) {
        case rules::Breakers::closed:
            return {Level::info, "breaker_closed", {{"rule", rule}}};
        case rules::Breakers::open:
            return {Level::warning, "breaker_open", {{"rule", rule}}};
        case rules::Breakers::half_open:
            break;
    }
    return {Level::info, "breaker_half_open", {{"rule", rule}}};
}

}  // namespace

SharedGate::SharedGate(Loop& loop) : loop_(loop) {}
SharedGate::~SharedGate() = default;

std::uint64_t SharedGate::enter(GateAsker& asker) {
    const std::uint64_t number = std::uint64_t{loop_.index()} << counter_bits | ++last_session_;
    askers_.emplace(number, &asker);
    return number;
}

void SharedGate::leave(std::uint64_t session) {
    askers_.erase(session);
    at_gate([session](rules::Gate& gate, session::TimePoint now) { gate.forget(session, now); });
}

void SharedGate::ask(std::uint64_t session, const session::action::AskGate& ask, std::string who) {
    at_gate([ticket = rules::Ticket{session, ask.request}, rule = ask.rule, kind = ask.kind,
             who = std::move(who)](rules::Gate& gate, session::TimePoint now) {
        gate.ask(ticket, rule, kind, who, now);
    });
}

void SharedGate::done(std::uint64_t session, const session::action::LeaveGate& done) {
    at_gate([ticket = rules::Ticket{session, done.request}, outcome = done.outcome](
                rules::Gate& gate, session::TimePoint now) { gate.done(ticket, outcome, now); });
}

template <class Work>
void SharedGate::at_gate(Work work) {
    Loop& first = loop_.peer(0);
    if (&first == &loop_) return do_at_gate(work, loop_.now());
    first.post([&first, work = std::move(work)] {
        first.read_clock();
        first.gate().do_at_gate(work, first.now());
    });
}

template <class Work>
void SharedGate::do_at_gate(const Work& work, session::TimePoint now) {
    if (!gate_) {
        const auto& rules = loop_.shared().policy.rules.rules();
        gate_ = std::make_unique<rules::Gate>(rules);
        breakers_.assign(rules.size(), rules::Breakers::closed);
    }
    work(*gate_, now);

    std::map<unsigned, std::vector<Said>> by_loop;
    while (const auto verdict = gate_->next_verdict()) {
        const auto loop = static_cast<unsigned>(verdict->ticket.session >> counter_bits);
        by_loop[loop].push_back(
            {verdict->ticket.session,
             {verdict->ticket.request, verdict->what, verdict->code, verdict->place, verdict->waiting}});
    }
    for (auto& [index, all] : by_loop) {
        Loop& loop = loop_.peer(index);
        loop.post([&loop, all = std::move(all)] { loop.gate().tell(all); });
    }
    journal_breakers();
    loop_.wheel().schedule(*this, gate_->next_deadline());
}

// A session may end by what it hears, and take others with it.
void SharedGate::tell(const std::vector<Said>& all) {
    loop_.read_clock();
    for (const Said& said : all) {
        const auto found = askers_.find(said.session);
        if (found != askers_.end()) found->second->gate_said(said.verdict);
    }
}

void SharedGate::due(session::TimePoint now) {
    do_at_gate([](rules::Gate& gate, session::TimePoint at) { gate.tick(at); }, now);
}

void SharedGate::journal_breakers() {
    for (std::size_t rule = 0; rule < breakers_.size(); ++rule) {
        const rules::Breakers state = gate_->stats()[rule].breaker;
        if (std::exchange(breakers_[rule], state) == state || !loop_.shared().journal) continue;
        loop_.shared().journal(entry_for(state, loop_.shared().policy.rules.rules()[rule].name));
    }
}

std::vector<rules::GateStats> SharedGate::stats() const {
    if (gate_) return gate_->stats();
    return std::vector<rules::GateStats>(loop_.shared().policy.rules.rules().size());
}

}  // namespace forestay::net
