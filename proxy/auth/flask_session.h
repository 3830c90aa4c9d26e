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

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/auth/errc.h"
#include "proxy/auth/json.h"
#include "proxy/auth/options.h"
#include "proxy/auth/secret.h"

namespace forestay::auth {

struct FlaskSession {
    std::string json;         // the session, with Flask's tags in it
    JsonObject object;        // the same, parsed
    std::int64_t signed_at;   // unix seconds
    std::int64_t last_valid;  // the last second at which it is
};

class FlaskSessionVerifier {
  public:
    static constexpr std::size_t max_json_bytes = 64 << 10;  // after inflating

    // Usable options only: keys that are not empty. The keys are derived here and not kept.
    explicit FlaskSessionVerifier(const FlaskSessionOptions& options);

    [[nodiscard]] result<FlaskSession> verify(std::string_view cookie, std::int64_t now_unix) const;

  private:
    [[nodiscard]] bool is_signed(std::string_view value, std::string_view signature) const;

    std::vector<Secret> derived_keys_;
    Digest digest_;
    std::int64_t max_age_s_;
    std::int64_t clock_skew_s_;
};

}  // namespace forestay::auth
