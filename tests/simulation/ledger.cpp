#include "tests/simulation/ledger.h"

#include <algorithm>

namespace forestay::simulation {

using namespace std::chrono_literals;
using rules::LateAnswer;
using session::Drop;
using session::OnReturn;

void Ledger::mix(std::uint64_t kind, std::uint64_t value) {
    const auto now = static_cast<std::uint64_t>(schedule_.now().time_since_epoch().count());
    for (const std::uint64_t part : {kind, value, now}) outcome_ = (outcome_ ^ part) * 0x100000001b3ULL;
}

// ---- client to upstream

Ledger::Number Ledger::client_sends(std::string_view nsp, std::string_view event) {
    said_.push_back({std::string(nsp), std::string(event), session::never, 0, false, true, false, {}});
    return client_sent();
}

void Ledger::session_read(Number n, unsigned session) {
    Said& one = said_[n];
    one.read = schedule_.now();
    one.session = session;
    one.nobodys = false;
}

void Ledger::link_lost() {
    for (Said& one : said_) one.nobodys = one.nobodys || one.read == session::never || !one.whole;
}

void Ledger::upstream_lost() {
    last_loss_ = schedule_.now();
    ++losses_;
}

bool Ledger::upstream_got(unsigned life, Number n) {
    mix(1, n);
    require(n < said_.size() && n > 0, "the upstream got a message that nobody sent");
    Said& one = said_[n];
    const auto before = [&](unsigned of) {
        const auto last = lives_[of].last.find(one.nsp);
        return last == lives_[of].last.end() ? 0 : last->second;
    };
    const bool again = !one.lives.empty();
    if (again) got_again(life, n);
    if (requests_.contains(n)) request_arrived(life, n);
    if (!again && !may_overtake(n)) {
        for (unsigned of = 0; of <= life; ++of) {
            if (lives_[of].session == lives_[life].session && n <= before(of))
                throw Violation("the upstream got message " + std::to_string(n) + " of the client after " +
                                std::to_string(before(of)));
        }
        lives_[life].last[one.nsp] = n;
    }
    one.lives.push_back(life);
    return again;
}

// Only what a rule says may be said again.
void Ledger::got_again(unsigned life, Number n) {
    const Said& one = said_[n];
    if (requests_.contains(n)) return;  // request_arrived()
    const auto what = "the upstream got message " + std::to_string(n) + " of the client again: ";
    if (std::find(one.lives.begin(), one.lives.end(), life) != one.lives.end())
        throw Violation(what + "the same upstream");
    const auto& policy = scenario_.policy;
    const auto& events = policy.resume_upstream.rebuild;
    if (policy.resume_upstream.on_return != OnReturn::rebuild ||
        std::find(events.begin(), events.end(), one.event) == events.end())
        throw Violation(what + "nobody says so");
    for (Number later = n + 1; later < said_.size(); ++later) {
        const Said& other = said_[later];
        if (other.session == one.session && other.nsp == one.nsp && other.event == one.event &&
            !other.lives.empty() && other.lives.front() < life)
            throw Violation(what + "it is not the last of its name");
    }
}

std::uint64_t Ledger::told_as_lost() const {
    std::uint64_t told = 0;
    for (const auto what : {Drop::in_doubt, Drop::held_overflow, Drop::held_expired, Drop::left_namespace,
                            Drop::stale_ack, Drop::unknown_ack, Drop::invalid_message})
        told += drops(what);
    // What the gate would not let pass, when so much is refused at once that not all can be told.
    if (scenario_.full_rules) told += drops(Drop::untracked_request);
    return told;
}

bool Ledger::answered(Number n) const {
    const auto found = requests_.find(n);
    if (found == requests_.end()) return false;
    const Request& one = found->second;
    if (left_by_client_.contains(said_[n].nsp)) return true;  // nobody waits for it
    if (one.rule == line_rule) return some_left_ || line_answers_ >= lines_ || tracking_is_full();
    return one.answers + one.fallbacks > 0;
}

void Ledger::check_client_messages() const {
    std::uint64_t lost = 0;
    std::string which;
    for (Number n = 1; n < said_.size(); ++n) {
        const Said& one = said_[n];
        if (!one.lives.empty() || one.nobodys || left_.contains(one.nsp) || answered(n)) continue;
        if (one.read != session::never && one.session != session_) continue;  // the client was told
        if (one.ack && losses_ > 0 && last_loss_ >= one.read) continue;
        if (one.read == session::never)
            throw Violation("message " + std::to_string(n) + " of the client was never read");
        ++lost;
        which += " " + std::to_string(n);
    }
    if (lost > told_as_lost())
        throw Violation(std::to_string(lost) + " messages of the client were lost, " +
                        std::to_string(told_as_lost()) + " were told:" + which);
}

// ---- upstream to client

void Ledger::session_heard(Number m, unsigned session) {
    position_[m] = completed_.size();
    completed_.push_back({m, session});
}

bool Ledger::client_got(Number m, std::string_view nsp) {
    mix(2, m);
    const auto position = position_.find(m);
    require(position != position_.end(), "the client got a message that the upstream did not finish");
    auto& again = again_[std::string(nsp)];
    if (again.erase(m) > 0) return false;
    if (!received_.insert(m).second)
        throw Violation("the client got message " + std::to_string(m) + " twice");
    std::size_t& next = next_in_[std::string(nsp)];
    if (position->second < (returns_ == 0 ? next_position_ : next))
        throw Violation("the client got message " + std::to_string(m) + " out of order");
    next = next_position_ = position->second + 1;
    again.clear();  // a replay comes first, and in order
    return true;
}

// ---- the client's transports

void Ledger::client_is_with(unsigned session) {
    away_ = false;
    if (session == session_) return;
    session_ = session;
    again_.clear();
    unpositioned_.clear();
    announced_.clear();
    connected_.clear();
    line_answers_ = lines_ = 0;
}

void Ledger::taken(unsigned from, unsigned by) {
    away_ = false;
    for (Said& one : said_)
        if (one.read != session::never && one.session == from) one.session = by;
}

void Ledger::client_returns() {
    ++returns_;
    again_.clear();
    for (const auto& [nsp, all] : unpositioned_)
        for (const auto& [number, ack] : all) again_[nsp].insert(number);
}

void Ledger::position_moves(std::string_view nsp, bool marker) {
    const auto found = unpositioned_.find(nsp);
    if (found == unpositioned_.end()) return;
    std::erase_if(found->second, [marker](const auto& one) { return !marker || !one.second; });
}

void Ledger::client_cannot_point_at(std::string_view nsp, Number m, bool ack) {
    auto& all = unpositioned_[std::string(nsp)];
    if (!ack)
        for (auto& [number, is_ack] : all) is_ack = false;
    all[m] = ack;
}

void Ledger::client_cannot_point_at_fallback(std::string_view nsp, std::optional<Number> n, bool ack) {
    if (n)
        client_cannot_point_at(nsp, ~*n, ack);
    else
        ++unpositioned_lines_;
}

void Ledger::client_connected(std::string_view nsp) {
    const unsigned connected = ++connected_[std::string(nsp)];
    const unsigned announced = announced_[std::string(nsp)];
    require(connected <= 1 + returns_ || scenario_.policy.resume_upstream.on_return == OnReturn::reannounce,
            "a second CONNECT reply");
    require(connected <= announced + returns_, "a CONNECT reply that the upstream did not give");
}

// A request older than its timeout must have had its fallback, whatever the bytes and the sockets do.
void Ledger::check_deadlines() {
    const TimePoint now = schedule_.now();
    for (std::size_t rule = 0; rule < stats_.rules.size(); ++rule) {
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

// ---- the end

void Ledger::ended(const session::action::End& end) const {
    if (allowed_.contains(end.reason)) return;
    const auto& resume = scenario_.policy.resume_client;
    if (end.reason == session::CloseReason::away_too_long && resume.recovery != session::Recovery::off &&
        away_since_ != TimePoint{} &&
        // A client that came back with another session has left one that may wait for it since the first
        // time.
        schedule_.now() >= (session_ > 0 ? first_away_ : away_since_) + resume.left_hold)
        return;
    throw Violation("the session ended by the " +
                    std::string(session::close_side_names[static_cast<std::size_t>(end.side)]) +
                    " without a cause: " +
                    std::string(session::close_reason_names[static_cast<std::size_t>(end.reason)]));
}

void Ledger::check_upstream_messages() const {
    std::uint64_t late = 0, lost = 0;
    std::string late_ones;
    Number example = 0;
    for (const auto& [m, session] : completed_) {
        if (session != session_) continue;
        if (received_.contains(m) || excused_.contains(m)) continue;
        const auto answer = answer_of_.find(m);
        // A late binary ACK has no form under another name: dropped and counted, too.
        if (answer != answer_of_.end()) {
            const Request& one = requests_.at(answer->second);
            const bool delivers = rule(one.rule).late_answer == LateAnswer::deliver;
            const bool over =
                (one.rule == line_rule && (!delivers || asked_again_)) || (one.fallbacks > 0 && !delivers);
            if (over || one.arrivals > 1 || signs_.contains(m)) {
                ++late;
                late_ones += " " + std::to_string(m);
                continue;
            }
        }
        ++lost;
        example = m;
    }
    // Behind attachments that never came, for longer when we did not read the upstream meanwhile.
    // An answer that comes while another one of the same request misses attachments is one too many.
    const bool doubted = scenario_.troubles.upstream_half_binary || asked_again_;
    const auto torn = doubted ? drops(Drop::upstream_violation) : 0;
    if (late > drops(Drop::late_answer) + torn)
        throw Violation("more late answers are missing than were counted:" + late_ones);
    if (lost > drops(Drop::record_overflow) + torn)
        throw Violation("message " + std::to_string(example) + " of the upstream was lost in silence");
}

void Ledger::check_complete(bool namespaces_left) {
    some_left_ = namespaces_left;
    check_client_messages();
    if (namespaces_left) return;
    check_upstream_messages();
    if (tracking_is_full()) return;
    for (const auto& [n, one] : requests_) {
        if (one.rule == line_rule || said_[n].session != session_ || said_[n].nobodys) continue;
        for (const auto& [ack, asker] : one.askers) {
            if (asker.got == 0) throw Violation("request " + std::to_string(n) + " got no answer at all");
            if (asker.last_got < asker.last_asked)
                throw Violation("request " + std::to_string(n) + " was said again and got no answer");
        }
    }
    require(line_answers_ >= lines_, "a request in order got no answer at all");
}

void Ledger::check_totals(std::uint64_t sessions, std::uint64_t taken) const {
    std::uint64_t started = 0, read = 0;
    for (const auto& rule : stats_.rules) {
        require(rule.outstanding == 0, "requests are outstanding after the end");
        require(rule.queued == 0, "requests are in line after the end");
        require(rule.started == rule.answered_by_upstream + rule.answered_by_fallback + rule.abandoned,
                "requests are missing from the sum of answered and abandoned");
        started += rule.started;
    }
    for (const auto& [n, one] : requests_) read += one.asked;
    require(started <= read, "more requests were tracked than sent");
    for (const auto legs : stats_.client_legs) require(legs == 0, "a client leg is left over in the gauge");
    for (const auto legs : stats_.upstream_legs)
        require(legs == 0, "an upstream leg is left over in the gauge");
    std::uint64_t closes = 0;
    for (const auto& side : stats_.closes)
        for (const auto count : side) closes += count;
    require(stats_.sessions == sessions && closes + taken == sessions,
            "a session did not end exactly once in the counters");
}

}  // namespace forestay::simulation
