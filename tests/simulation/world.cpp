#include "tests/simulation/world.h"

#include <cstdio>
#include <utility>

#include "tests/simulation/client_model.h"
#include "tests/simulation/memory_meter.h"
#include "tests/simulation/shell.h"
#include "tests/simulation/upstream_model.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using session::CloseReason;

namespace {

std::string shown(std::string_view bytes) {
    std::string text;
    for (const char c : bytes.substr(0, 4000)) {
        const auto byte = static_cast<unsigned char>(c);
        constexpr std::string_view digits = "0123456789abcdef";
        if (byte >= 0x20 && byte < 0x7f)
            text += c;
        else
            text.append({'\\', digits[byte >> 4U], digits[byte & 15U]});
    }
    return text + (bytes.size() > 4000 ? "..." : "");
}

}  // namespace

World::World(const Scenario& scenario, std::uint64_t cutting, session::Workspace& workspace, Detail detail,
             Moving moving)
    : scenario_(scenario),
      shell_random_(scenario.seed ^ 0x1),
      network_random_(scenario.seed ^ 0x2),
      cut_random_(cutting),
      app_random_(scenario.seed ^ 0x4),
      gate_(*this, Random(scenario.seed ^ 0x6)),
      ledger_(scenario, stats_, schedule_, gate_.let_go()),
      workspace_(workspace),
      detail_(detail),
      client_(std::make_unique<ClientModel>(*this, Random(scenario.seed ^ 0x3))) {
    if (moving == Moving::at_random) move_random_.emplace(scenario.seed ^ 0x5);
}

World::~World() = default;

const session::RuleStats& World::stats_of(std::uint32_t rule) const {
    static const session::RuleStats none;
    return rule < stats_.rules.size() ? stats_.rules[rule] : none;
}

void World::note(std::string what) {
    if (detail_ == Detail::none) return;
    const auto since = std::chrono::duration<double>(schedule_.now().time_since_epoch() - 1h).count();
    char time[32];
    std::snprintf(time, sizeof time, "%10.6f  ", since);
    result_.log.push_back(time + std::move(what));
}

void World::trace(unsigned shell, std::string_view what, std::string_view bytes, std::uint64_t number) {
    std::uint64_t hash = result_.trace;
    for (const std::string_view part : {what, bytes})
        for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    hash = (hash ^ number) * 0x100000001b3ULL;
    result_.trace =
        (hash ^ static_cast<std::uint64_t>(schedule_.now().time_since_epoch().count())) * 0x100000001b3ULL;
    if (detail_ == Detail::everything)
        note("    " + std::to_string(shell) + " " + std::string(what) + " " +
             (number != 0 ? std::to_string(number) + " " : "") + shown(bytes));
}

Result World::run() {
    try {
        live();
    } catch (const Violation& violation) {
        result_.violation = violation.what();
        note("VIOLATION: " + result_.violation);
    }
    result_.outcome = ledger_.outcome();
    return std::move(result_);
}

void World::live() {
    MemoryMeter::reset();
    gate_.start();
    client_->start();
    run_until(schedule_.now() + scenario_.length);
    rest();
    // A client that polls over a long way catches up slowly: so many packets per answer.
    run_until(schedule_.now() + (starts_polling(scenario_.kind) ? 180s : 45s));
    if (!over()) {
        if (!client_->gone()) {  // else its session waits for the end
            client_->check_at_rest();
            require(!client_->in_some_namespace() || current()->attached(),
                    "a client in a namespace has no upstream");
            if (life() != nullptr) life()->check_at_rest();
            ledger_.check_complete(client_->left_a_namespace());
        }
        client_->leave();
        const auto& policy = scenario_.policy;
        run_until(schedule_.now() + policy.ping_interval + policy.ping_timeout * 2 +
                  policy.resume_upstream.hold + policy.resume_client.hold + 20s);
    }
    run_until(schedule_.now() + 1s);
    for (const auto& shell : shells_) shell->check_end();
    gate_.check_end();
    ledger_.check_totals(shells_.size(), taken_);
}

void World::rest() {
    resting_ = true;
    note("rest");
    down_until_ = schedule_.now();
    client_->rest();
    gate_.rest();
    for (const auto& one : lives_) one->rest();
}

void World::run_until(TimePoint when) {
    while (schedule_.next() <= when) {
        schedule_.run_next();
        if (++result_.steps > 3'000'000) throw Violation("the world does not come to rest");
    }
    schedule_.advance(when);
}

bool World::over() const {
    for (const auto& shell : shells_)
        if (!shell->over()) return false;
    return true;
}

// ---- sessions

void World::new_session(ClientLink& link) {
    session::Setup setup;
    const auto number = static_cast<unsigned>(shells_.size());
    char name[21];
    std::snprintf(name, sizeof name, "simulatedsession%04u", number);
    setup.sid = name;
    std::snprintf(name, sizeof name, "secretofasession%04u", number);
    setup.secret = name;
    setup.dialect = scenario_.kind == Kind::plain ? session::Dialect::plain
                    : is_v3(scenario_.kind)       ? session::Dialect::engineio3
                                                  : session::Dialect::engineio4;
    setup.seed = scenario_.seed + number;
    setup.websocket = !starts_polling(scenario_.kind);
    setup.credential_in_connect = scenario_.credential;
    shells_.push_back(std::make_unique<Shell>(*this, number, std::move(setup), link));
    shells_.back()->start();
}

Shell* World::find(std::string_view secret) {
    for (const auto& shell : shells_)
        if (!shell->over() && shell->secret() == secret) return shell.get();
    return nullptr;
}

Shell* World::current() {
    for (const auto& shell : shells_)
        if (!shell->over()) return shell.get();
    return shells_.back().get();
}

void World::shut_down() {
    ledger_.allow(CloseReason::shutdown);
    for (const auto& shell : shells_) {
        if (shell->over()) continue;
        shell->trace("Shutdown");
        shell->input(session::input::Shutdown{});
    }
}

// ---- the app

UpstreamModel& World::new_life(Shell& shell) {
    lives_.push_back(std::make_unique<UpstreamModel>(*this, shell, ledger_.new_life(shell.number()),
                                                     app_random_.branch()));
    return *lives_.back();
}

UpstreamModel* World::life() {
    return current()->life();
}

World::Verdict World::judge_connect() {
    Verdict verdict;
    verdict.delay = scenario_.upstream_latency * 2 + shell_random_.pause(0ms, 300ms);
    const bool refused = scenario_.troubles.upstream_refuses && !resting_ && shell_random_.chance(50);
    if (refused && shell_random_.chance(50)) verdict.status = shell_random_.chance(50) ? 401 : 503;
    verdict.accepted = !refused;
    return verdict;
}

void World::refused(unsigned status) {
    if (is_v3(scenario_.kind) && status == 401) ledger_.upstream_left("/");  // final, as the app says
    // Without a second attempt, or when it is final, the session may end by it.
    if (scenario_.policy.resume_upstream.hold > 0ms && (status == 0 || status >= 500)) return;
    for (const auto reason : {CloseReason::refused, CloseReason::upstream_timeout, CloseReason::unauthorised})
        ledger_.allow(reason);
}

void World::app_crashes() {
    note("upstream: crashes");
    const auto hold = scenario_.policy.resume_upstream.hold;
    if (hold == 0ms) ledger_.allow(CloseReason::connection_lost);
    if (!resting_) {
        const auto dice = app_random_.below(100);
        const auto longest = dice < 60 ? std::min(Duration{2'000}, hold) : dice < 90 ? hold : hold * 3 / 2;
        app_down_until(schedule_.now() + app_random_.pause(0ms, longest));
    }
    for (std::size_t i = 0; i < lives_.size(); ++i) lives_[i]->die();
}

}  // namespace forestay::simulation
