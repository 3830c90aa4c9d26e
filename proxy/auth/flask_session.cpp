#include "proxy/auth/flask_session.h"

#include <zlib.h>

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

// The buffer has the size of the bound from the start: what does not fit is refused, however much it would
// become.
std::optional<std::string> inflate_bounded(std::string_view compressed) {
    std::string out(FlaskSessionVerifier::max_json_bytes, '\0');
    auto size = static_cast<uLongf>(out.size());
    auto used = static_cast<uLong>(compressed.size());
    const int status = uncompress2(reinterpret_cast<Bytef*>(out.data()), &size,
                                   reinterpret_cast<const Bytef*>(compressed.data()), &used);
    if (status != Z_OK || used != compressed.size()) return std::nullopt;
    out.resize(size);
    out.shrink_to_fit();
    return out;
}

std::optional<std::string> decode_payload(std::string_view payload) {
    const bool compressed = payload.starts_with('.');
    if (compressed) payload.remove_prefix(1);
    auto bytes = decode_base64url(payload);
    if (bytes && compressed) bytes = inflate_bounded(*bytes);
    if (bytes && bytes->size() > FlaskSessionVerifier::max_json_bytes) return std::nullopt;
    return bytes;
}

}  // namespace

FlaskSessionVerifier::FlaskSessionVerifier(const FlaskSessionOptions& options)
    : digest_(options.digest),
      max_age_s_(options.max_age.count()),
      clock_skew_s_(options.clock_skew.count()) {
    for (const auto& key : options.secret_keys) derived_keys_.emplace_back(hmac(digest_, key, options.salt));
}

bool FlaskSessionVerifier::is_signed(std::string_view value, std::string_view signature) const {
    const auto bytes = decode_base64url(signature);
    if (!bytes) return false;
    for (const auto& key : derived_keys_) {
        if (same_bytes(hmac(digest_, key.view(), value), *bytes)) return true;
    }
    return false;
}

// Nothing of the cookie is decoded, inflated or parsed before its signature holds.
result<FlaskSession> FlaskSessionVerifier::verify(std::string_view cookie, std::int64_t now_unix) const {
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

    auto json = decode_payload(value.substr(0, middle_dot));
    if (!json) return errc::malformed;
    auto object = JsonObject::parse(*json);
    if (!object) return errc::malformed;
    return FlaskSession{std::move(*json), std::move(*object), *signed_at, *signed_at + max_age_s_};
}

}  // namespace forestay::auth
