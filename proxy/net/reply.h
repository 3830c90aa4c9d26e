// The answers that are ours: refusals, errors, preflights.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "proxy/wire/http/forwarding.h"

namespace forestay::net {

struct Reply {
    unsigned status = 200;
    std::string body;
    std::string_view content_type = "application/json";
    wire::http::OwnedFields fields;
    std::string_view reason;  // why we refuse, for the journal and counters; empty: we do not
};

// {"error":"bad gateway","reason":"..."}: `reason` is one of our literals, never a peer's text.
[[nodiscard]] Reply error_reply(unsigned status, std::string_view reason);
// One of 429 or 503, with Retry-After.
[[nodiscard]] Reply retry_later(unsigned status, std::string_view reason, std::chrono::seconds after);
[[nodiscard]] std::string_view status_text(unsigned status) noexcept;

// The head of a reply; the body follows unless the request was a HEAD.
[[nodiscard]] std::string head_of(const Reply& reply, bool keep_alive);
void append_field(std::string& head, std::string_view name, std::string_view value);

}  // namespace forestay::net
