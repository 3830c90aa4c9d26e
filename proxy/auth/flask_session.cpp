#include "proxy/auth/flask_session.h"

#include <zlib.h>

#include "proxy/auth/base64url.h"

namespace forestay::auth {
namespace {

// The buffer has the size of the bound from the start: what does not fit is refused, however much it would
// become.
std::optional<std::string> inflate_bounded(std::string_view compressed) {
    std::string out(SignedCookieVerifier::max_json_bytes, '\0');
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
    return bytes;
}

}  // namespace

SignedCookieVerifier flask_session_verifier(const FlaskSessionOptions& options) {
    std::vector<Secret> derived;  // key_derivation "hmac"
    for (const auto& key : options.secret_keys) derived.emplace_back(hmac(options.digest, key, options.salt));
    return {std::move(derived), options.digest, decode_payload, options.max_age, options.clock_skew};
}

}  // namespace forestay::auth
