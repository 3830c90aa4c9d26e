// What is said between forestay and a client about the end of its identity, beside Socket.IO's own words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/session/policy.h"

namespace forestay::session {

// The event, or the type of the message, that says that the end is near. Its data: {"expires_in": seconds}.
constexpr std::string_view expiring_event = "forestay:token_expiring";

// The fresh credential in what the client says: in the first argument, or in the JSON message. Empty
// optional: none is there.
[[nodiscard]] std::optional<std::string> fresh_credential(const Expiry& expiry, std::string_view object);
// `"ok":true`, or `"ok":false,"code":"expired"`; `code` is a word of ours.
[[nodiscard]] std::string renewal_verdict(std::string_view code);

}  // namespace forestay::session
