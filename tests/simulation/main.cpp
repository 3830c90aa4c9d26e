// Runs the session in many worlds and checks what must always hold.
//
//   simulation [--seeds N] [--first S]       N seeds from S on; stops at the first failure
//   simulation --seed S [--verbose]          one seed, with its operations (and every input and action)
//   simulation ... --all                     does not stop: one line for each failure
//   simulation ... --blinks                  clients lose their transport and come back, too
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "tests/simulation/world.h"

namespace {

using namespace forestay;
using simulation::Detail;
using simulation::Moving;
using simulation::Result;

Result simulate(const simulation::Scenario& scenario, std::uint64_t cutting, session::Workspace& workspace,
                Detail detail = Detail::none, Moving moving = Moving::never) {
    return simulation::World(scenario, cutting, workspace, detail, moving).run();
}

// One seed, up to three times: again in a workspace that others have used, with the session moved at random
// steps, and again with the bytes cut elsewhere.
std::string check(std::uint64_t seed, bool blinks, session::Workspace& used, std::uint64_t& steps) {
    const auto scenario = simulation::make_scenario(seed, blinks);
    session::Workspace fresh;
    const Result first = simulate(scenario, seed, fresh);
    steps += first.steps;
    if (!first.violation.empty()) return first.violation;
    const Result again = simulate(scenario, seed, used, Detail::none, Moving::at_random);
    if (!again.violation.empty()) return "in a workspace that was used before, moved: " + again.violation;
    if (first.trace != again.trace) {
        const bool same = simulate(scenario, seed, used).trace == first.trace;
        return same ? "a session that is moved gives another trace" : "the same seed gives another trace";
    }
    if (!scenario.comparable) return {};
    const Result otherwise = simulate(scenario, ~seed, used);
    if (!otherwise.violation.empty()) return "with other cuts: " + otherwise.violation;
    if (first.outcome != otherwise.outcome) return "the same bytes, cut elsewhere, give another result";
    return {};
}

void print_operations(std::uint64_t seed, bool blinks, Detail detail) {
    const auto scenario = simulation::make_scenario(seed, blinks);
    for (const std::uint64_t cutting : {seed, ~seed}) {
        if (cutting != seed && !scenario.comparable) continue;
        session::Workspace workspace;
        const Result result = simulate(scenario, cutting, workspace, detail);
        std::printf("---- seed %llu, cutting %llu\n", static_cast<unsigned long long>(seed),
                    static_cast<unsigned long long>(cutting));
        for (const auto& line : result.log) std::printf("%s\n", line.c_str());
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t seeds = 1000, first = 1;
    std::optional<std::uint64_t> only;
    bool verbose = false, blinks = false, all = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const auto value = [&]() -> std::uint64_t {
            return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0;
        };
        if (option == "--seeds") {
            seeds = value();
        } else if (option == "--first") {
            first = value();
        } else if (option == "--seed") {
            only = value();
        } else if (option == "--verbose") {
            verbose = true;
        } else if (option == "--blinks") {
            blinks = true;
        } else if (option == "--all") {
            all = true;
        } else {
            std::fprintf(
                stderr,
                "usage: simulation [--seeds N] [--first S] [--seed S [--verbose]] [--all] [--blinks]\n");
            return 2;
        }
    }
    if (only) {
        first = *only;
        seeds = 1;
        print_operations(first, blinks, verbose ? Detail::everything : Detail::operations);
    }
    session::Workspace used;
    std::uint64_t steps = 0, failures = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
        const std::string violation = check(seed, blinks, used, steps);
        if (violation.empty()) continue;
        ++failures;
        if (all) {
            std::printf("%llu: %s\n", static_cast<unsigned long long>(seed), violation.c_str());
            continue;
        }
        std::printf("\nSEED %llu: %s\n", static_cast<unsigned long long>(seed), violation.c_str());
        if (!only) print_operations(seed, blinks, Detail::operations);
        std::printf("\nagain: simulation --seed %llu --verbose\n", static_cast<unsigned long long>(seed));
        return 1;
    }
    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%llu seeds, %llu steps, %llu violations, %.1f s\n", static_cast<unsigned long long>(seeds),
                static_cast<unsigned long long>(steps), static_cast<unsigned long long>(failures), took);
    return failures == 0 ? 0 : 1;
}
