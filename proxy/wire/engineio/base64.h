// Base64 (RFC 4648, section 4) as polling bodies carry binary packets.
#pragma once

#include <string>
#include <string_view>

namespace forestay::wire::engineio {

void append_base64(std::string& out, std::string_view bytes);

// Strict: padded, no other characters, no stray bits in the last one. False leaves `out` in between.
[[nodiscard]] bool decode_base64(std::string& out, std::string_view text);

}  // namespace forestay::wire::engineio
