// Signs what a test needs, independently of the code that verifies.
#pragma once

#include <string>
#include <string_view>

#include "proxy/auth/digest.h"

namespace forestay::auth {

inline std::string encode_base64url(std::string_view bytes) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    unsigned bits = 0;
    unsigned count = 0;
    for (const char c : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (count += 8; count >= 6; count -= 6) out.push_back(alphabet[bits >> (count - 6) & 63]);
    }
    if (count > 0) out.push_back(alphabet[bits << (6 - count) & 63]);
    return out;
}

inline std::string sign_with_time(std::string_view derived, std::string_view payload, std::int64_t at) {
    std::string seconds;
    for (; at > 0; at >>= 8) seconds.insert(seconds.begin(), static_cast<char>(at & 0xFF));
    const auto value = std::string(payload) + '.' + encode_base64url(seconds);
    return value + '.' + encode_base64url(hmac(Digest::sha1, derived, value));
}

inline std::string sign_flask(std::string_view key, std::string_view encoded_payload, std::int64_t at) {
    return sign_with_time(hmac(Digest::sha1, key, "cookie-session"), encoded_payload, at);
}

inline std::string sign_starlette(std::string_view key, std::string_view encoded_payload, std::int64_t at) {
    return sign_with_time(hash(Digest::sha1, "itsdangerous.Signersigner" + std::string(key)), encoded_payload,
                          at);
}

inline std::string starlette_cookie(std::string_view key, std::string_view json, std::int64_t at) {
    auto payload = encode_base64url(json);
    for (char& c : payload) c = c == '-' ? '+' : c == '_' ? '/' : c;
    payload.append((4 - payload.size() % 4) % 4, '=');
    return sign_starlette(key, payload, at);
}

inline std::string flask_cookie(std::string_view key, std::string_view json, std::int64_t at) {
    return sign_flask(key, encode_base64url(json), at);
}

inline std::string hs256(std::string_view secret, std::string_view claims,
                         std::string_view header = R"({"alg":"HS256"})") {
    const auto input = encode_base64url(header) + '.' + encode_base64url(claims);
    return input + '.' + encode_base64url(hmac(Digest::sha256, secret, input));
}

}  // namespace forestay::auth
