// HTTP/1.1 request heads: the gate. Strict where upstreams differ from each other (RFC 9112, 9110).
//
// The whole head is checked here, byte by byte, before anything else looks at it: what passes means the same
// to every server behind us. Bodies in chunks are read by chunked.h; upstream responses by the HTTP library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forestay::wire::http {

struct HeadLimits {
    std::size_t header_bytes = 16 << 10;  // request line and fields
    std::size_t header_count = 100;
    std::size_t target_bytes = 8 << 10;
    bool drop_underscore_names = true;  // false: they are fields like others
};

struct Field {
    std::string_view name;   // as sent
    std::string_view value;  // trimmed
};

// How the body is delimited.
enum class Framing : std::uint8_t { none, length, chunked };

// Views into the bytes that were parsed.
struct RequestHead {
    std::string_view method;
    std::string_view target;    // origin-form, or "*" with OPTIONS
    std::string_view path;      // target up to '?'
    std::string_view query;     // behind '?', may be empty
    unsigned minor = 1;         // HTTP/1.minor: 0 or 1
    std::vector<Field> fields;  // without those dropped
    std::string_view host;      // checked host[:port]; empty only with HTTP/1.0
    Framing framing = Framing::none;
    std::uint64_t content_length = 0;
    bool keep_alive = true;
    bool expect_continue = false;
    bool upgrade_websocket = false;  // GET, HTTP/1.1, Connection: upgrade and Upgrade: exactly websocket
    std::size_t dropped_fields = 0;  // names with an underscore or dot: silently removed, counted
    std::size_t size = 0;            // bytes of the head, empty line included

    // The first field of that name (ASCII case-insensitive).
    [[nodiscard]] const Field* find(std::string_view name) const noexcept;
};

// A refusal: the status to answer with (0: close without a word); the connection closes after it. `reason` is
// a stable short label, empty when nothing is refused.
struct HeadRefusal {
    unsigned status = 400;
    std::string_view reason;
};

struct HeadResult {
    enum class State : std::uint8_t { incomplete, done, refused } state = State::incomplete;
    RequestHead head;
    HeadRefusal refusal;
};

// True for refusals of what two servers could read as different requests: they would disagree about where it
// ends, whom it is for, or which protocol follows.
[[nodiscard]] bool is_smuggling(std::string_view reason) noexcept;

// Reads a head from the front of `bytes`. Incomplete when the empty line is not there yet; refuses as early
// as it can, and at limits.
[[nodiscard]] HeadResult parse_request_head(std::string_view bytes, const HeadLimits& limits);

[[nodiscard]] bool iequals(std::string_view a, std::string_view b) noexcept;
// True when a comma-separated list has this token (case-insensitive).
[[nodiscard]] bool list_has(std::string_view list, std::string_view token) noexcept;
// Host grammar: reg-name of LDH labels and underscores, IPv4, or [IPv6]; optional port 1-65535.
[[nodiscard]] bool valid_host(std::string_view host) noexcept;

}  // namespace forestay::wire::http
