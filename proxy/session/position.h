// What a client of connection state recovery holds: a `pid`, which names a namespace of a session, and an
// `offset`, which says how much of it the client has seen.
//
// The pid is the secret: its holder may ask for the session. A position only protects against mix-ups: that
// of another session or namespace, or an invented one, does not read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forestay::session {

// The event that carries a position in marker mode: no app listens to it.
constexpr std::string_view marker_event{"\0fs", 3};

struct Pid {
    std::string secret;           // Setup::secret of its session
    std::uint32_t serial = 0;     // of the namespace
    std::uint32_t announced = 0;  // how many CONNECT replies the namespace had before this one
};
void write_pid(std::string& out, const Pid& pid);
[[nodiscard]] std::optional<Pid> parse_pid(std::string_view text);

// `seed` is the session's, `serial` the namespace's.
void write_position(std::string& out, std::uint64_t seed, std::uint32_t serial, std::uint64_t sequence);
[[nodiscard]] std::optional<std::uint64_t> parse_position(std::string_view text, std::uint64_t seed,
                                                          std::uint32_t serial);

// What a CONNECT payload (validated JSON) says of an earlier session. Empty when there is no pid of ours:
// the app may use the same names.
struct Claim {
    Pid pid;
    std::optional<std::string> offset;  // as the client has it; empty: it has seen no event
};
[[nodiscard]] std::optional<Claim> find_claim(std::string_view connect_payload);
// The text of the CONNECT packet without `pid` and `offset`; `payload` is the part of it that has them.
void write_without_claim(std::string& out, std::string_view text, std::string_view payload);
// A CONNECT reply with a pid. False, and nothing written, when `payload` is no object to write it into, or
// has one already.
[[nodiscard]] bool write_with_pid(std::string& out, std::string_view text, std::string_view payload,
                                  const Pid& pid);

}  // namespace forestay::session
