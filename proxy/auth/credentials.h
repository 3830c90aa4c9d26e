// Where in a request a credential is: finding candidates, not judging them.
#pragma once

#include <string>
#include <vector>

#include "proxy/auth/authenticator.h"

namespace forestay::auth {

constexpr std::size_t max_credential_bytes = 16 << 10;
constexpr std::size_t max_cookie_bytes = 8 << 10;
constexpr std::size_t max_cookie_pairs = 64;

// A credential that the client put there on purpose: header, query, subprotocol, CONNECT. At most one; the
// same in two places is one. errc::no_credential, errc::ambiguous (two that differ, or one place twice),
// errc::malformed.
[[nodiscard]] result<std::string> find_explicit_credential(const Presented& presented, const Sources& from);

// Which of several cookies of one name counts: werkzeug reads the first, Starlette the last.
enum class Duplicates : bool { first, last };

// The configured cookies, in the configured order: browsers send them by themselves. Quotes are taken off.
// Names are case-sensitive. errc::malformed at the limits
// above.
[[nodiscard]] result<std::vector<std::string_view>> find_cookies(std::string_view cookie_header,
                                                                 const std::vector<std::string>& names,
                                                                 Duplicates counts = Duplicates::first);

}  // namespace forestay::auth
