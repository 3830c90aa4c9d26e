// The session cookie of Flask: itsdangerous' URLSafeTimedSerializer, as flask.sessions configures it.
//
//     cookie    = payload "." timestamp "." signature            split from the right
//     derived   = HMAC(secret, "cookie-session")
//     signature = base64url(HMAC(derived, payload "." timestamp))
//     timestamp = base64url(big-endian unix seconds, no leading zero bytes)
//     payload   = base64url(json)  or  "." base64url(zlib(json))
//
// Only the cookie is looked at: a server-side session (Flask-Session) is an id that proves nothing here, and
// a logout does not make an older cookie invalid.
#pragma once

#include "proxy/auth/options.h"
#include "proxy/auth/signed_cookie.h"

namespace forestay::auth {

// Usable options only: keys that are not empty. The keys are derived here and not kept.
[[nodiscard]] SignedCookieVerifier flask_session_verifier(const FlaskSessionOptions& options);

}  // namespace forestay::auth
