#include "tests/simulation/ledger.h"

namespace forestay::simulation {

using rules::LateAnswer;
using session::Drop;

void Ledger::mix(std::uint64_t kind, std::uint64_t value) {
    const auto now = static_cast<std::uint64_t>(schedule_.now().time_since_epoch().count());
    for (const std::uint64_t part : {kind, value, now}) outcome_ = (outcome_ ^ part) * 0x100000001b3ULL;
}

Ledger::Number Ledger::client_sends(std::string_view nsp) {
    namespace_of_.emplace_back(nsp);
    return ++client_sent_;
}

void Ledger::skip_what_may_be_missing(Number before) {
    while (upstream_received_ + 1 < before && left_.contains(namespace_of_[upstream_received_ + 1]))
        ++upstream_received_;
}

void Ledger::upstream_got(Number n) {
    mix(1, n);
    skip_what_may_be_missing(n);
    if (n == upstream_received_ + 1) {
        ++upstream_received_;
        return;
    }
    throw Violation("the upstream got message " + std::to_string(n) + " of the client after " +
                    std::to_string(upstream_received_));
}

void Ledger::upstream_completed(Number m) {
    position_[m] = completed_.size();
    completed_.push_back(m);
}

void Ledger::client_got(Number m) {
    mix(2, m);
    const auto position = position_.find(m);
    require(position != position_.end(), "the client got a message that the upstream did not finish");
    if (!received_.insert(m).second)
        throw Violation("the client got message " + std::to_string(m) + " twice");
    if (position->second < next_position_)
        throw Violation("the client got message " + std::to_string(m) + " out of order");
    next_position_ = position->second + 1;
}

void Ledger::request_sent(Number n, RuleIndex rule) {
    requests_[n].rule = rule;
}

void Ledger::request_read(Number n) {
    Request& one = request(n);
    one.read = schedule_.now();
    young_[one.rule].push_back(one.read);
    if (one.rule == line_rule) ++lines_;
}

void Ledger::answer_made(Number n, Number m) {
    answer_of_[m] = n;
}
void Ledger::answer_broken(Number n) {
    request(n).broken = true;
}

Ledger::Request& Ledger::request(Number n) {
    const auto found = requests_.find(n);
    require(found != requests_.end(), "an answer to something that is no request");
    return found->second;
}

void Ledger::client_got_answer(Number n) {
    mix(3, n);
    Request& one = request(n);
    ++one.answers;
    if (tracking_is_full()) return;
    require(one.answers == 1, "a request got two answers of the upstream");
    require(one.fallbacks == 0 || scenario_.late == LateAnswer::deliver,
            "a request got an answer after its fallback");
}

void Ledger::client_got_late_answer(Number n) {
    mix(4, n);
    Request& one = request(n);
    ++one.late;
    require(scenario_.late == LateAnswer::rename, "an answer was renamed though the rule does not say so");
    if (one.rule == line_rule) return;  // in order: whose answer it was is anybody's guess
    require(one.late == 1 && one.fallbacks == 1 && one.answers == 0,
            "a late answer without a fallback before it");
}

void Ledger::client_got_fallback(Number n) {
    mix(5, n);
    Request& one = request(n);
    ++one.fallbacks;
    require(one.fallbacks == 1, "a request got two fallbacks");
    require(one.answers == 0, "a request got a fallback after its answer");
    require(one.read != session::never, "a request got a fallback before it was read");
    const auto timeout = scenario_.policy.rules.rules()[one.rule].timeout;
    require(one.broken || one.read + timeout <= schedule_.now(), "a fallback came before its time");
}

void Ledger::client_got_line(bool fallback) {
    mix(6, fallback ? 1 : 0);
    ++line_answers_;
    if (scenario_.late == LateAnswer::deliver || tracking_is_full()) return;
    require(line_answers_ <= lines_, "more answers in order than requests");
}

// A request older than its timeout must have had its fallback, whatever the bytes and the sockets do.
void Ledger::check_deadlines() {
    const TimePoint now = schedule_.now();
    for (std::size_t rule = 0; rule < young_.size() && rule < stats_.rules.size(); ++rule) {
        const auto timeout = scenario_.policy.rules.rules()[rule].timeout + scenario_.tick_lateness;
        auto& young = young_[rule];
        while (!young.empty() && young.front() + timeout < now) young.pop_front();
        if (now <= slip_until_) continue;
        if (stats_.rules[rule].outstanding > young.size())
            throw Violation(
                "rule " + std::to_string(rule) + " has " + std::to_string(stats_.rules[rule].outstanding) +
                " requests outstanding, but only " + std::to_string(young.size()) + " are in time");
    }
}

void Ledger::ended(const session::action::End& end) const {
    if (allowed_.contains(end.reason)) return;
    throw Violation("the session ended by the " +
                    std::string(session::close_side_names[static_cast<std::size_t>(end.side)]) +
                    " without a cause: " +
                    std::string(session::close_reason_names[static_cast<std::size_t>(end.reason)]));
}

void Ledger::check_complete(bool namespaces_left) {
    skip_what_may_be_missing(client_sent_ + 1);
    if (upstream_received_ != client_sent_)
        throw Violation("the upstream got " + std::to_string(upstream_received_) + " of " +
                        std::to_string(client_sent_) + " messages of a session that lives");
    if (namespaces_left) return;
    std::uint64_t late = 0;
    for (const Number m : completed_) {
        if (received_.contains(m) || excused_.contains(m)) continue;
        const auto answer = answer_of_.find(m);
        // A late binary ACK has no form under another name: dropped and counted, too.
        if (scenario_.late != LateAnswer::deliver && answer != answer_of_.end()) {
            const Request& one = requests_.at(answer->second);
            if (one.rule == line_rule || one.fallbacks == 1) {
                ++late;
                continue;
            }
        }
        throw Violation("message " + std::to_string(m) + " of the upstream was lost in silence");
    }
    require(late <= drops(Drop::late_answer), "more late answers are missing than were counted");
    if (tracking_is_full()) return;
    for (const auto& [n, one] : requests_) {
        if (one.rule == line_rule || one.answers + one.fallbacks > 0) continue;
        throw Violation("request " + std::to_string(n) + " got no answer at all");
    }
    require(line_answers_ >= lines_, "a request in order got no answer at all");
}

void Ledger::check_totals() const {
    std::uint64_t started = 0, read = 0;
    for (const auto& rule : stats_.rules) {
        require(rule.outstanding == 0, "requests are outstanding after the end");
        require(rule.started == rule.answered_by_upstream + rule.answered_by_fallback + rule.abandoned,
                "requests are missing from the sum of answered and abandoned");
        started += rule.started;
    }
    for (const auto& [n, one] : requests_) read += one.read != session::never ? 1 : 0;
    require(started <= read, "more requests were tracked than sent");
    for (const auto legs : stats_.client_legs) require(legs == 0, "a client leg is left over in the gauge");
    for (const auto legs : stats_.upstream_legs)
        require(legs == 0, "an upstream leg is left over in the gauge");
    std::uint64_t closes = 0;
    for (const auto& side : stats_.closes)
        for (const auto count : side) closes += count;
    require(stats_.sessions == 1 && closes == 1, "one session did not end exactly once in the counters");
}

}  // namespace forestay::simulation
