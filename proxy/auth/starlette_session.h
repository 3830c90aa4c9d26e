// The session cookie of Starlette and FastAPI (SessionMiddleware), which is not Flask's: other derivation,
// other base64, never deflated.
//
//     derived   = SHA1("itsdangerous.Signer" "signer" secret)
//     signature = base64url(HMAC(derived, payload "." timestamp))
//     payload   = base64(json), with padding
//
// A logout writes "null", which nobody signed.
#pragma once

#include "proxy/auth/options.h"
#include "proxy/auth/signed_cookie.h"

namespace forestay::auth {

// Usable options only: keys that are not empty. The keys are derived here and not kept.
[[nodiscard]] SignedCookieVerifier starlette_session_verifier(const StarletteSessionOptions& options);

}  // namespace forestay::auth
