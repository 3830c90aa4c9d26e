// HTTP/1.1 response heads of the upstream (RFC 9112): what a proxy must know to pass the answer on whole.
//
// Less strict than the gate for requests, because the app is ours; but bytes that would make the end of the
// body a matter of opinion are refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/wire/http/head.h"

namespace forestay::wire::http {

// How the body ends.
enum class ResponseFraming : std::uint8_t { none, length, chunked, until_close };

// Views into the bytes that were parsed.
struct ResponseHead {
    unsigned status = 0;  // 100 to 599
    std::string_view reason;
    std::vector<Field> fields;
    ResponseFraming framing = ResponseFraming::none;
    std::uint64_t content_length = 0;
    bool has_length =
        false;  // Content-Length is there; with framing none it says what a GET would have brought
    bool keep_alive = false;
    std::size_t size = 0;  // bytes of the head, empty line included
};

struct ResponseHeadResult {
    enum class State : std::uint8_t { incomplete, done, refused } state = State::incomplete;
    ResponseHead head;
    std::string_view reason;  // of the refusal: a stable short label
};

struct ResponseLimits {
    std::size_t header_bytes = 64 << 10;
    std::size_t header_count = 256;
};

// `to_head`: the request was a HEAD, its answer has no body.
[[nodiscard]] ResponseHeadResult parse_response_head(std::string_view bytes, bool to_head,
                                                     const ResponseLimits& limits);

}  // namespace forestay::wire::http
