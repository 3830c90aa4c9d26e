// Session cookies as itsdangerous signs them with a time: payload "." timestamp "." signature.
//
// Flask and Starlette differ in how the key is derived and in how the payload is written; that is theirs to
// say.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/auth/digest.h"
#include "proxy/auth/errc.h"
#include "proxy/auth/json.h"
#include "proxy/auth/secret.h"

namespace forestay::auth {

struct SignedSession {
    std::string json;         // the session as the app wrote it
    JsonObject object;        // the same, parsed
    std::int64_t signed_at;   // unix seconds
    std::int64_t last_valid;  // the last second at which it is
};

class SignedCookieVerifier {
  public:
    static constexpr std::size_t max_json_bytes = 64 << 10;  // of a session, inflated

    // The payload's JSON, at most max_json_bytes of it; empty optional when there is none.
    using DecodePayload = std::optional<std::string> (*)(std::string_view payload);

    // `derived_keys`: what signs, not the app's secrets. All are tried.
    SignedCookieVerifier(std::vector<Secret> derived_keys, Digest digest, DecodePayload decode_payload,
                         std::chrono::seconds max_age, std::chrono::seconds clock_skew);

    // errc::bad_signature, errc::expired (from the future, too), errc::malformed.
    [[nodiscard]] result<SignedSession> verify(std::string_view cookie, std::int64_t now_unix) const;

  private:
    [[nodiscard]] bool is_signed(std::string_view value, std::string_view signature) const;

    std::vector<Secret> derived_keys_;
    Digest digest_;
    DecodePayload decode_payload_;
    std::int64_t max_age_s_;
    std::int64_t clock_skew_s_;
};

}  // namespace forestay::auth
