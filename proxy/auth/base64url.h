// base64url without padding (RFC 4648 section 5), strictly: one text for each byte string. And base64 with
// padding (section 4), as strictly.
//
// Python and many others accept padding, the other alphabet, junk characters and any unused bits in the last
// character. Two spellings of one signature are one too many, so all of that is refused here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace forestay::auth {

// Empty optional on any character outside A-Z a-z 0-9 - _, on a length of 1 modulo 4, and on unused bits that
// are set.
[[nodiscard]] std::optional<std::string> decode_base64url(std::string_view text);
// The same with + and / instead of - and _, and with = up to a length of 0 modulo 4.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace forestay::auth
