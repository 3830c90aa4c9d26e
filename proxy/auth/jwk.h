// Keys that verify JWTs: from a JWKS document (RFC 7517), a PEM public key, or a shared secret.
//
// A key that is too weak, not on its curve, or not meant for signatures never becomes a Key.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/auth/secret.h"

namespace forestay::auth {

enum class KeyType : std::uint8_t { secret, rsa, p256, p384, p521, ed25519 };

struct FreePkey {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Pkey = std::unique_ptr<EVP_PKEY, FreePkey>;

struct Key {
    KeyType type;
    std::string id;         // kid; empty: none
    std::string algorithm;  // the one that the JWK is pinned to; empty: any that fits the type
    Pkey pkey;              // all types but secret
    Secret secret;          // KeyType::secret only
};

constexpr std::size_t min_secret_bytes = 32;

struct KeySet {
    std::vector<Key> keys;
    std::vector<std::string>
        skipped;  // one line per key that was left out: "key 2 (kid rsa-1024): RSA of 1024 bits"
};

// Empty optional when `json` is no JWKS document at all.
[[nodiscard]] std::optional<KeySet> parse_jwks(std::string_view json);
// One "BEGIN PUBLIC KEY". `problem` says why there is none.
[[nodiscard]] std::optional<Key> parse_pem_public_key(std::string_view pem, std::string& problem);

}  // namespace forestay::auth
