#include "rules/gate.h"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "rules/gate_breaker.h"
#include "rules/gate_line.h"
#include "rules/gate_rate.h"

namespace forestay::rules {

namespace {

// Of each rule that has a rate.
constexpr std::size_t identities_max = 100'000;

// Retries under way: so many, and a fifth of what is outstanding.
constexpr std::uint64_t retries_free = 3;
constexpr std::uint64_t retries_share = 5;

}  // namespace

struct Gate::Impl {
    struct Entry {
        std::uint32_t rule = 0;
        bool running = false;
        bool retry = false;
        GateBreaker::Life life = 0;
        GateLine::Turn turn = 0;  // while it waits
    };
    using Entries = std::map<std::uint64_t, Entry>;  // by request
    // Of one rule.
    struct Gated {
        explicit Gated(const Rule& r)
            : rule(r), line(r.queue.status_every), breaker(r.breaker), rate(r.rate, identities_max) {}
        const Rule& rule;
        GateLine line;
        GateBreaker breaker;
        GateRate rate;
        std::uint64_t retries = 0;  // under way
    };

    explicit Impl(const std::vector<Rule>& rules) : stats(rules.size()) {
        for (const Rule& rule : rules) gated.emplace_back(rule);
    }

    [[nodiscard]] Entry* find(Ticket ticket);
    [[nodiscard]] bool must_wait(std::uint32_t rule) const;
    [[nodiscard]] bool within_budget(std::uint32_t rule, bool one_more) const;
    void refuse(Ticket ticket, std::uint32_t rule, Code code);
    void go(Ticket ticket, Entry& entry);

    void ask_fresh(Ticket ticket, std::uint32_t rule, std::string_view who, TimePoint now);
    void ask_again(Ticket ticket, std::uint32_t rule, TimePoint now);
    void repeat(Ticket ticket, Entry& running);
    void admit(Ticket ticket, std::uint32_t rule, bool retry, TimePoint now);

    void remove(Ticket ticket, Outcome outcome, TimePoint now);
    void refuse_all(std::uint32_t rule, TimePoint now);
    void settle(std::uint32_t rule, TimePoint now);

    std::deque<Gated> gated;  // by rule, as are the
    std::vector<GateStats> stats;
    std::unordered_map<std::uint64_t, Entries> sessions;
    std::deque<Verdict> verdicts;
};

Gate::Impl::Entry* Gate::Impl::find(Ticket ticket) {
    const auto session = sessions.find(ticket.session);
    if (session == sessions.end()) return nullptr;
    const auto entry = session->second.find(ticket.request);
    return entry == session->second.end() ? nullptr : &entry->second;
}

// Nobody is in line while there is a free place (settle).
bool Gate::Impl::must_wait(std::uint32_t rule) const {
    const unsigned places = gated[rule].rule.concurrency;
    return places > 0 && stats[rule].running >= places;
}

bool Gate::Impl::within_budget(std::uint32_t rule, bool one_more) const {
    const std::uint64_t outstanding = stats[rule].running + gated[rule].line.size();
    return gated[rule].retries + (one_more ? 1 : 0) <= outstanding / retries_share + retries_free;
}

void Gate::Impl::refuse(Ticket ticket, std::uint32_t rule, Code code) {
    verdicts.push_back({ticket, rule, Verdict::What::refused, code, 0, 0});
}

void Gate::Impl::go(Ticket ticket, Entry& entry) {
    entry.running = true;
    ++stats[entry.rule].running;
    verdicts.push_back({ticket, entry.rule, Verdict::What::go, {}, 0, 0});
}

// In this order, so that who is refused has paid no token and is no probe.
void Gate::Impl::ask_fresh(Ticket ticket, std::uint32_t rule, std::string_view who, TimePoint now) {
    Gated& at = gated[rule];
    GateStats& count = stats[rule];
    if (at.breaker.refuses()) {
        ++count.refused_breaker;
        return refuse(ticket, rule, Code::breaker_open);
    }
    if (must_wait(rule) && at.line.size() >= at.rule.queue.max) {
        ++count.refused_queue_full;
        return refuse(ticket, rule, Code::overload_queue_full);
    }
    if (!at.rate.take(who, now)) {
        ++count.refused_rate;
        return refuse(ticket, rule, Code::overload_rate);
    }
    admit(ticket, rule, false, now);
}

void Gate::Impl::ask_again(Ticket ticket, std::uint32_t rule, TimePoint now) {
    if (gated[rule].breaker.refuses()) {
        ++stats[rule].refused_breaker;
        return refuse(ticket, rule, Code::breaker_open);
    }
    if (!within_budget(rule, true)) {
        ++stats[rule].retries_refused;
        return refuse(ticket, rule, Code::connection_lost);
    }
    ++stats[rule].retries;
    admit(ticket, rule, true, now);
}

void Gate::Impl::repeat(Ticket ticket, Entry& running) {
    Gated& at = gated[running.rule];
    if (at.breaker.refuses()) {
        ++stats[running.rule].refused_breaker;
        return refuse(ticket, running.rule, Code::breaker_open);
    }
    if (!within_budget(running.rule, !running.retry)) {
        ++stats[running.rule].retries_refused;
        return refuse(ticket, running.rule, Code::timeout_idle);
    }
    ++stats[running.rule].retries;
    if (!running.retry) ++at.retries;
    running.retry = true;
    running.life = at.breaker.admit();
    verdicts.push_back({ticket, running.rule, Verdict::What::go, {}, 0, 0});
}

void Gate::Impl::admit(Ticket ticket, std::uint32_t rule, bool retry, TimePoint now) {
    Gated& at = gated[rule];
    if (retry) ++at.retries;
    Entry& entry = sessions[ticket.session][ticket.request];
    entry = {rule, false, retry, at.breaker.admit(), 0};
    if (!must_wait(rule)) return go(ticket, entry);
    entry.turn = at.line.enter(ticket, retry, now);
    if (at.rule.queue.status) {
        verdicts.push_back(
            {ticket, rule, Verdict::What::place, {}, at.line.place(entry.turn, now), at.line.size()});
    }
}

// Only of a ticket that is known; settle() follows.
void Gate::Impl::remove(Ticket ticket, Outcome outcome, TimePoint now) {
    const auto session = sessions.find(ticket.session);
    const auto found = session->second.find(ticket.request);
    const Entry entry = found->second;
    session->second.erase(found);
    if (session->second.empty()) sessions.erase(session);

    Gated& at = gated[entry.rule];
    if (entry.retry) --at.retries;
    if (entry.running) {
        --stats[entry.rule].running;
    } else {
        at.line.leave(entry.turn);
        outcome = Outcome::released;  // the app has not been asked
    }
    if (!at.breaker.heard(entry.life, outcome, now)) return;
    ++stats[entry.rule].opened;
    refuse_all(entry.rule, now);
}

void Gate::Impl::refuse_all(std::uint32_t rule, TimePoint now) {
    GateLine& line = gated[rule].line;
    while (!line.empty()) {
        const Ticket ticket = line.next();
        remove(ticket, Outcome::released, now);
        ++stats[rule].refused_breaker;
        refuse(ticket, rule, Code::breaker_open);
    }
}

// What follows from the time, or from a place that is free.
void Gate::Impl::settle(std::uint32_t rule, TimePoint now) {
    Gated& at = gated[rule];
    at.breaker.advance(now);
    while (!at.line.empty() && now >= at.line.oldest_since() + at.rule.queue.timeout) {
        const Ticket ticket = at.line.oldest();
        remove(ticket, Outcome::released, now);
        ++stats[rule].refused_queue_timeout;
        refuse(ticket, rule, Code::overload_queue_timeout);
    }
    while (!at.line.empty() && !must_wait(rule)) {
        const Ticket ticket = at.line.next();
        go(ticket, *find(ticket));
    }
    if (at.rule.queue.status) {
        for (const auto& [ticket, place] : at.line.changed_places(now))
            verdicts.push_back({ticket, rule, Verdict::What::place, {}, place, at.line.size()});
    }
    stats[rule].waiting = at.line.size();
    stats[rule].breaker = at.breaker.state();
}

Gate::Gate(const std::vector<Rule>& rules) : impl_(std::make_unique<Impl>(rules)) {}
Gate::~Gate() = default;

void Gate::ask(Ticket ticket, std::uint32_t rule, AskKind kind, std::string_view who, TimePoint now) {
    if (rule >= impl_->gated.size()) return;
    Impl::Entry* known = impl_->find(ticket);
    if (known != nullptr) rule = known->rule;
    impl_->settle(rule, now);
    known = impl_->find(ticket);
    switch (kind) {
        case AskKind::fresh:
            if (known == nullptr) impl_->ask_fresh(ticket, rule, who, now);
            break;
        case AskKind::retry:
            if (known == nullptr) {
                impl_->ask_again(ticket, rule, now);
            } else if (known->running) {
                impl_->repeat(ticket, *known);
            }
            break;
    }
    impl_->settle(rule, now);
}

void Gate::done(Ticket ticket, Outcome outcome, TimePoint now) {
    const Impl::Entry* known = impl_->find(ticket);
    if (known == nullptr) return;
    const std::uint32_t rule = known->rule;
    impl_->remove(ticket, outcome, now);
    impl_->settle(rule, now);
}

// First those in line: no place that becomes free here is offered to them.
void Gate::forget(std::uint64_t session, TimePoint now) {
    const auto found = impl_->sessions.find(session);
    if (found == impl_->sessions.end()) return;
    Impl::Entries entries = found->second;
    for (const bool running : {false, true}) {
        for (const auto& [request, entry] : entries) {
            if (entry.running == running) impl_->remove({session, request}, Outcome::released, now);
        }
    }
    for (const auto& [request, entry] : entries) impl_->settle(entry.rule, now);
}

void Gate::tick(TimePoint now) {
    for (std::uint32_t rule = 0; rule < impl_->gated.size(); ++rule) impl_->settle(rule, now);
}

TimePoint Gate::next_deadline() const {
    TimePoint next = TimePoint::max();
    for (const Impl::Gated& each : impl_->gated) {
        next = std::min(next, each.breaker.next_deadline());
        if (each.line.empty()) continue;
        next = std::min(next, each.line.oldest_since() + each.rule.queue.timeout);
        if (each.rule.queue.status) next = std::min(next, each.line.next_change());
    }
    return next;
}

std::optional<Verdict> Gate::next_verdict() {
    if (impl_->verdicts.empty()) return std::nullopt;
    const Verdict verdict = impl_->verdicts.front();
    impl_->verdicts.pop_front();
    return verdict;
}

const std::vector<GateStats>& Gate::stats() const {
    return impl_->stats;
}

}  // namespace forestay::rules
