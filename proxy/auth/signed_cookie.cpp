#include "proxy/auth/signed_cookie.h"

#include <utility>

#include "proxy/auth/base64url.h"

namespace forestay::auth {
namespace {

// At most 7 bytes, so that sums with it cannot overflow; the year is then far beyond any calendar.
std::optional<std::int64_t> parse_timestamp(std::string_view text) {
    const auto bytes = decode_base64url(text);
    if (!bytes || bytes->size() > 7) return std::nullopt;
    std::int64_t seconds = 0;
    for (const char c : *bytes) seconds = seconds << 8 | static_cast<unsigned char>(c);
    return seconds;
}

}  // namespace

SignedCookieVerifier::SignedCookieVerifier(std::vector<Secret> derived_keys, Digest digest,
                                           DecodePayload decode_payload, std::chrono::seconds max_age,
                                           std::chrono::seconds clock_skew)
    : derived_keys_(std::move(derived_keys)),
      digest_(digest),
      decode_payload_(decode_payload),
      max_age_s_(max_age.count()),
      clock_skew_s_(clock_skew.count()) {}

bool SignedCookieVerifier::is_signed(std::string_view value, std::string_view signature) const {
    const auto bytes = decode_base64url(signature);
    if (!bytes) return false;
    for (const auto& key : derived_keys_) {
        if (same_bytes(hmac(digest_, key.view(), value), *bytes)) return true;
    }
    return false;
}

// Nothing of the cookie is decoded, inflated or parsed before its signature holds.
result<SignedSession> SignedCookieVerifier::verify(std::string_view cookie, std::int64_t now_unix) const {
    const auto last_dot = cookie.rfind('.');
    if (last_dot == cookie.npos) return errc::bad_signature;
    const auto value = cookie.substr(0, last_dot);
    const auto middle_dot = value.rfind('.');
    if (middle_dot == value.npos) return errc::bad_signature;
    if (!is_signed(value, cookie.substr(last_dot + 1))) return errc::bad_signature;

    const auto signed_at = parse_timestamp(value.substr(middle_dot + 1));
    if (!signed_at) return errc::malformed;
    // itsdangerous calls a session from the future expired, too, and has no leeway; hosts' clocks differ a
    // little.
    if (now_unix - *signed_at > max_age_s_ || *signed_at - now_unix > clock_skew_s_) return errc::expired;

    auto json = decode_payload_(value.substr(0, middle_dot));
    if (!json || json->size() > max_json_bytes) return errc::malformed;
    auto object = JsonObject::parse(*json);
    if (!object) return errc::malformed;
    return SignedSession{std::move(*json), std::move(*object), *signed_at, *signed_at + max_age_s_};
}

}  // namespace forestay::auth
