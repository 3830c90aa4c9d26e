// The envelope of JSON websockets as text: our number in the app's messages, and the few messages between the
// client and us. What the app wrote is never written anew, only added to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "proxy/session/policy.h"

namespace forestay::session {

// The client has seen everything up to this number.
struct Acknowledgement {
    std::uint64_t number = 0;
};
// The client had this session and has seen everything up to this number.
struct ReconnectRequest {
    std::string_view session;  // into the message
    std::uint64_t last = 0;
};
// What a text message of the client says to us; monostate: nothing, it is for the app.
using EnvelopeMessage = std::variant<std::monostate, Acknowledgement, ReconnectRequest>;
[[nodiscard]] EnvelopeMessage read_envelope(const EnvelopeNames& names, std::string_view text);

enum class Numbering : std::uint8_t {
    written,
    no_object,  // not JSON, nested too deep, or no object: it goes as it is
    name_taken  // the app uses the name itself
};
// Appends the app's message with our number as its first member. Appends nothing unless `written`.
[[nodiscard]] Numbering write_numbered(std::string& out, const EnvelopeNames& names, std::string_view text,
                                       std::uint64_t number);

// Our first message to a client, and the answer to its ReconnectRequest (`resumed`).
void write_established(std::string& out, const EnvelopeNames& names, std::string_view session,
                       std::optional<bool> resumed);

}  // namespace forestay::session
