// What must hold about tracked requests: one answer for each time they are asked, in time, and the app is
// asked no more often than their rule says.
#include <algorithm>

#include "tests/simulation/ledger.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using rules::Code;
using rules::LateAnswer;
using rules::OnUpstreamLost;
using session::Drop;

namespace {

// Repetitions are recognised for longer than any world lasts.
constexpr Duration for_ever{600'000};

[[nodiscard]] Violation about(std::uint64_t n, const std::string& what) {
    return Violation("request " + std::to_string(n) + " " + what);
}

}  // namespace

void Ledger::request_sent(Number n, RuleIndex rule, bool invalid) {
    requests_[n].rule = rule;
    requests_[n].invalid = invalid;
}

void Ledger::request_read(Number n, std::uint64_t ack) {
    const TimePoint now = schedule_.now();
    Request& one = request(n);
    young_[one.rule].push_back(now);
    if (one.rule == line_rule) ++lines_;
    if (one.asked++ == 0) one.first_asked = now;
    Asker& asker = one.askers[ack];
    ++asker.asked;
    asker.last_asked = now;
}

void Ledger::answer_made(Number n, Number m) {
    answer_of_[m] = n;
}
void Ledger::sign_made(Number n, Number m) {
    answer_of_[m] = n;
    signs_.insert(m);
}
void Ledger::answer_heard(Number n, bool binary) {
    Request& one = request(n);
    one.answered = std::min(one.answered, schedule_.now());
    one.unrecorded = one.unrecorded || binary;
}
void Ledger::sign_heard(Number n) {
    request(n).signs.push_back(schedule_.now());
}
void Ledger::answer_broken(Number n) {
    request(n).broken = true;
}

Ledger::Request& Ledger::request(Number n) {
    const auto found = requests_.find(n);
    require(found != requests_.end(), "an answer to something that is no request");
    return found->second;
}

// ---- at the app

bool Ledger::may_overtake(Number n) const {
    const auto found = requests_.find(n);
    if (found == requests_.end()) return false;
    const rules::Rule& of = rule(found->second.rule);
    return found->second.asked > 1 || of.gated() || of.repeat.by == rules::RepeatBy::content;
}

void Ledger::request_arrived(unsigned life, Number n) {
    Request& one = request(n);
    const rules::Rule& of = rule(one.rule);
    ++one.arrivals;
    ++arrivals_[one.rule];
    asked_again_ = asked_again_ || one.arrivals > 1;
    if (one.invalid) throw about(n, "breaks the schema and came to the app");
    require(!of.gated() || arrivals_[one.rule] <= let_go_[one.rule],
            "the app got a request that the gate has not let go");
    const unsigned times = 1 + of.retry.attempts;
    if (one.arrivals > times * one.asked) throw about(n, "came to the app too often");
    if (one.asked == 1 && one.fallbacks > 0 && one.arrivals > one.tries)
        throw about(n, "came to the app after its fallback");
    if (tracking_is_full() || (one.asked > 1 && of.repeat.window < for_ever)) return;
    if (one.rule == line_rule) return;  // in order: whose answer it was is anybody's guess
    const auto& before = said_[n].lives;
    const auto here = static_cast<unsigned>(std::count(before.begin(), before.end(), life)) + 1;
    const bool forgotten = drops(Drop::repeat_overflow) > 0 || one.unrecorded || one.broken;
    if (forgotten && one.asked > 1) return;
    if (here > (of.retry.timeout ? times : 1)) throw about(n, "came to the same app again");
    if (one.answered < lives_[life].begun) throw about(n, "came to an app though it was answered");
}

// ---- at the client

void Ledger::check_got(const Request& one, const Asker& asker) const {
    const rules::Rule& of = rule(one.rule);
    unsigned most = asker.asked;
    // What is late and delivered is one more, and what the app was asked twice when nobody remembers it.
    if (of.late_answer == LateAnswer::deliver) most += one.arrivals;
    if (of.id_source == rules::IdSource::pointer && one.asked > 1) most += std::max(one.arrivals, 1U) - 1;
    require(tracking_is_full() || asker.got <= most, "a request got more answers than it was asked for");
}

bool Ledger::client_got_answer(Number n, std::uint64_t ack, Number m, std::string_view nsp) {
    Request& one = request(n);
    const auto of = answer_of_.find(m);
    require(of != answer_of_.end() && of->second == n, "a request got another one's answer");
    bool known = false;
    if (one.asked == 1) {
        if (!client_got(m, nsp)) return false;
    } else {  // from the record, or behind what else the app has said meanwhile
        mix(2, m);
        require(position_.contains(m), "the client got an answer that the upstream did not finish");
        known = !received_.insert(m).second;
    }
    mix(3, n);
    if (!known) ++one.answers;
    Asker& asker = one.askers[ack];
    ++asker.got;
    asker.last_got = schedule_.now();
    check_got(one, asker);
    if (tracking_is_full() || one.asked > 1) return !known;
    // A request that was said again may be answered by both upstreams; the second answer is a late one.
    const bool deliver = rule(one.rule).late_answer == LateAnswer::deliver;
    if (!deliver || one.fallbacks == 0)
        require(one.answers == 1, "a request got two answers of the upstream");
    require(one.fallbacks == 0 || deliver, "a request got an answer after its fallback");
    return !known;
}

bool Ledger::is_repetition(Number m) const {
    const auto of = answer_of_.find(m);
    return of != answer_of_.end() && requests_.at(of->second).asked > 1 && received_.contains(m);
}

void Ledger::client_got_sign(Number n, bool part) {
    Request& one = request(n);
    if (part) ++one.parts;
    const rules::Rule& of = rule(one.rule);
    if (of.id_source != rules::IdSource::pointer || one.asked > 1 || tracking_is_full()) return;
    require(one.fallbacks == 0 || of.late_answer == LateAnswer::deliver,
            "a sign of progress came after the fallback");
}

void Ledger::client_got_status(RuleIndex index, std::optional<Number> n, std::uint64_t place,
                               std::uint64_t waiting) {
    require(rule(index).queue.status.has_value(), "a place in line that no rule tells");
    require(place >= 1 && place <= waiting, "a place that is not in line");
    if (!n || returns_ > 0) return;
    const Request& one = request(*n);
    require(one.asked > 1 || one.answers + one.fallbacks == 0, "a place in line after the answer");
}

void Ledger::client_got_late_answer(Number n) {
    mix(4, n);
    Request& one = request(n);
    ++one.late;
    require(rule(one.rule).late_answer == LateAnswer::rename,
            "an answer was renamed though the rule does not say so");
    if (one.rule == line_rule) return;  // in order: whose answer it was is anybody's guess
    require(one.late <= one.arrivals && one.fallbacks > 0, "a late answer without a fallback before it");
    require(one.asked > 1 || one.answers == 0, "a late answer after an answer");
}

bool Ledger::client_got_fallback(Number n, std::uint64_t ack, const Fallback& fallback,
                                 std::string_view nsp) {
    mix(5, n);
    if (again_[std::string(nsp)].erase(~n) > 0) return false;
    Request& one = request(n);
    ++one.fallbacks;
    one.tries = fallback.tries;
    Asker& asker = one.askers[ack];
    ++asker.got;
    asker.last_got = schedule_.now();
    check_got(one, asker);
    require(said_[n].read != session::never, "a request got a fallback before it was read");
    if (one.asked == 1) {
        require(one.fallbacks == 1, "a request got two fallbacks");
        require(one.answers == 0 || tracking_is_full(), "a request got a fallback after its answer");
    }
    check_code(one, fallback);
    return true;
}

void Ledger::client_got_line(const std::optional<Fallback>& fallback) {
    mix(6, fallback ? 1 : 0);
    ++line_answers_;
    if (fallback) check_code(rule(line_rule), *fallback);
    if (rule(line_rule).late_answer == LateAnswer::deliver || tracking_is_full() || asked_again_) return;
    require(line_answers_ <= lines_ + unpositioned_lines_, "more answers in order than requests");
}

// ---- why there is no answer

// What the code says has happened, and the rule says that it may.
void Ledger::check_code(const rules::Rule& of, const Fallback& fallback) const {
    const auto elapsed = fallback.elapsed + 1ms;  // it is rounded down
    require(fallback.tries <= 1 + of.retry.attempts, "a fallback says that the app was asked too often");
    switch (fallback.code) {
        case Code::timeout:
            require(elapsed >= of.timeout || scenario_.troubles.upstream_half_binary,
                    "a fallback came before its time");
            return;
        case Code::timeout_idle: {
            const auto first = of.idle_first, next = of.idle_next;
            require(first + next > 0ms, "a fallback for want of progress that the rule does not want");
            const auto least = first == 0ms ? next : next == 0ms ? first : std::min(first, next);
            require(elapsed >= least && fallback.tries > 0, "a fallback for want of progress came too early");
            return;
        }
        case Code::connection_lost:
            if (upstream_ended_) return;  // all that is outstanding, when the session goes with its upstream
            require(of.on_upstream_lost == OnUpstreamLost::answer, "the rule does not answer a loss");
            require(losses_ > 0 && fallback.tries > 0, "a fallback for a loss that was none");
            return;
        case Code::overload_queue_full:
            require(of.concurrency > 0 && fallback.tries == 0, "a line was full that is none");
            return;
        case Code::overload_queue_timeout:
            require(of.concurrency > 0 && elapsed >= of.queue.timeout, "a request left the line too early");
            return;
        case Code::overload_rate:
            require(of.rate.per_second > 0 && fallback.tries == 0, "a rate that the rule does not have");
            return;
        case Code::breaker_open:
            require(of.breaker.on(), "a breaker that the rule does not have");
            return;
        case Code::protocol_schema:
            require(of.schema.has_value() && fallback.tries == 0, "a schema that the rule does not have");
            return;
        case Code::shutdown:
            require(allowed_.contains(session::CloseReason::shutdown), "a fallback for a shutdown");
            return;
        case Code::connection_unavailable:
        case Code::overload_memory:
            return;
        case Code::protocol_json:
            break;
    }
    throw Violation("a fallback with the code of another dialect");
}

// `said`: when the fallback was, rounded down.
void Ledger::check_patience(const Request& one, TimePoint said) const {
    const auto next = rule(one.rule).idle_next;
    for (const TimePoint sign : one.signs) {
        if (sign >= said || last_loss_ >= sign) continue;
        require(next > 0ms && said + 1ms >= sign + next, "no progress, though there was");
    }
}

void Ledger::check_code(const Request& one, const Fallback& fallback) const {
    const rules::Rule& of = rule(one.rule);
    const TimePoint now = schedule_.now();
    if (!one.broken) check_code(of, fallback);
    require(one.invalid == (fallback.code == Code::protocol_schema), "the wrong requests break the schema");
    if (slip_until_ < one.first_asked + of.timeout)
        require(fallback.elapsed <= of.timeout + scenario_.tick_lateness + 1ms, "a fallback came too late");
    if (one.asked > 1) return;
    require(one.first_asked + fallback.elapsed <= now, "a fallback says that it is older than its request");
    require(one.arrivals <= fallback.tries, "the app was asked more often than the fallback says");
    require(fallback.code != Code::connection_lost || upstream_ended_ || last_loss_ >= one.first_asked,
            "a fallback for a loss that was before the request");
    if (fallback.code == Code::timeout_idle && of.id_source == rules::IdSource::pointer)
        check_patience(one, one.first_asked + fallback.elapsed);
    if (of.abort && of.id_source == rules::IdSource::pointer && returns_ == 0)
        require(fallback.abort == (one.parts > 0), "the wrong words after parts of the answer");
}

}  // namespace forestay::simulation
