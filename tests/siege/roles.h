// The three parts of the siege around forestay, each a process of its own. They throw when they cannot go on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace forestay::siege {

// The app behind forestay; for ever.
void run_app(std::uint16_t port);

// Clients from 127.0.0.1 that ask at fixed times, `rate` requests a second together, and `newcomers` a second
// that join, ask once and leave. Says "ready" when all have joined. Each byte on standard input ends a phase,
// which is written as one line of JSON; so does the end of the input, and the process with it.
void run_good_clients(std::uint16_t port, std::size_t clients, double rate, double newcomers);

// Says "ready" when the attack stands; goes on until standard input ends, then writes one line of JSON: what
// it did and what it got. `scale` multiplies numbers of connections and rates.
void run_attack(std::uint16_t port, std::string_view name, double scale);

}  // namespace forestay::siege
