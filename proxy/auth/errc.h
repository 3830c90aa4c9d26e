// Why a credential or an origin was refused: stable names, used as metric labels and in logs.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string_view>

namespace forestay::auth {

enum class errc {
    no_credential = 1,  // nothing where a credential may be
    ambiguous,          // different credentials in two places, or one place twice
    malformed,          // not a credential of any configured kind
    bad_signature,      // no key verifies it
    expired,            // its time is over, or not yet come (session cookie from the future)
    not_yet_valid,      // nbf or iat in the future
    bad_algorithm,      // none, not configured, or not fitting the key
    unknown_key,        // kid or algorithm without a key
    bad_claims,         // issuer, audience, or a claim of the wrong type
    bad_identity,       // no subject where it should be, too long, or with control characters
    unknown_token,      // no configured token
    denied,             // a forward-auth server says no
    locked_out,         // not judged: too many bad ones came from there, or this one too often
    no_keys,            // not judged: the keys for it cannot be had at present
};
constexpr errc errc_last = errc::no_keys;

const boost::system::error_category& error_category() noexcept;
inline boost::system::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), error_category()};
}
// "no_credential", "expired", ...
[[nodiscard]] std::string_view name(errc e) noexcept;

template <class T>
using result = boost::system::result<T>;

}  // namespace forestay::auth

template <>
struct boost::system::is_error_code_enum<forestay::auth::errc> : std::true_type {};
