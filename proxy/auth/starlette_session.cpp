#include "proxy/auth/starlette_session.h"

#include "proxy/auth/base64url.h"

namespace forestay::auth {
namespace {

// itsdangerous' "django-concat" with the salt of a bare TimestampSigner, which Starlette leaves as it is.
constexpr std::string_view salt = "itsdangerous.Signersigner";

}  // namespace

SignedCookieVerifier starlette_session_verifier(const StarletteSessionOptions& options) {
    std::vector<Secret> derived;
    for (const auto& key : options.secret_keys) {
        std::string input = std::string(salt) + key;
        derived.emplace_back(hash(Digest::sha1, input));
        wipe(input);
    }
    return {std::move(derived), Digest::sha1, decode_base64, options.max_age, options.clock_skew};
}

}  // namespace forestay::auth
