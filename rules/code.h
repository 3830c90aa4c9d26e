// Why a request got a fallback, or a message an error: one stable word each, the same in templates, logs and
// metrics. rules/README.md has the table with meaning, cause and what to do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace forestay::rules {

// The first word of the name is the class: timeout, connection, overload, breaker, protocol, shutdown. (Auth
// has its own words, auth::errc.) Names never change; new ones go to the end.
enum class Code : std::uint8_t {
    timeout,                 // no answer within `timeout`
    timeout_idle,            // no sign of progress within `idle_timeout`
    connection_lost,         // the app went away with the request
    connection_unavailable,  // the app was not there to take it: it fell out of a bound of resume.upstream
    overload_queue_full,     // queue.max requests wait already
    overload_queue_timeout,  // it waited in line for queue.timeout
    overload_rate,           // more than `rate` of one identity
    overload_memory,         // what waits of this session has no room for it
    breaker_open,            // the breaker is open: the app is not asked
    protocol_json,           // the message is not JSON, or no object
    protocol_schema,         // it breaks the shape that the rule's `schema` declares
    shutdown,                // forestay is going away
};
constexpr std::array<std::string_view, 12> code_names{"timeout",
                                                      "timeout_idle",
                                                      "connection_lost",
                                                      "connection_unavailable",
                                                      "overload_queue_full",
                                                      "overload_queue_timeout",
                                                      "overload_rate",
                                                      "overload_memory",
                                                      "breaker_open",
                                                      "protocol_json",
                                                      "protocol_schema",
                                                      "shutdown"};
// One sentence for people, without values of the request: {{reason}}.
constexpr std::array<std::string_view, 12> code_reasons{
    "no answer in time",
    "no sign of progress in time",
    "the connection to the server was lost",
    "the server is not available",
    "too many requests are waiting",
    "the request waited too long for its turn",
    "too many requests in a short time",
    "too much is waiting for the server",
    "the server has failed repeatedly and is given a rest",
    "the message is not valid JSON",
    "the message does not have the expected shape",
    "the service is shutting down"};

[[nodiscard]] constexpr std::string_view name(Code code) {
    return code_names[static_cast<std::size_t>(code)];
}
[[nodiscard]] constexpr std::string_view reason(Code code) {
    return code_reasons[static_cast<std::size_t>(code)];
}

}  // namespace forestay::rules
