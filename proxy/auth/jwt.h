// JSON Web Tokens, compact and signed (RFC 7515, 7519, 8725).
//
// The token's header selects nothing by itself: its algorithm must be configured, and the key's type, curve
// and pinned algorithm must fit. Keys come from the configuration only; jwk, jku, x5u and x5c in a header are
// not looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/auth/errc.h"
#include "proxy/auth/json.h"
#include "proxy/auth/jwk.h"
#include "proxy/auth/key_slot.h"
#include "proxy/auth/options.h"

namespace forestay::auth {

struct Algorithm;  // a line of the table in jwt.cpp

struct Jwt {
    std::string json;         // the claims
    JsonObject object;        // the same, parsed
    std::int64_t last_valid;  // the last second at which it is, leeway included
};

class JwtVerifier {
  public:
    static constexpr std::size_t max_token_bytes = 16 << 10;

    // `problems` gets one line per unusable option; then there is nothing to verify with.
    JwtVerifier(const JwtOptions& options, std::vector<std::string>& problems);

    // RSA, ECDSA or EdDSA: dear to verify.
    [[nodiscard]] bool has_public_key() const noexcept;
    // A JWKS document that would do in place of the present one; else null, and why.
    [[nodiscard]] std::shared_ptr<const KeySet> read_keys(std::string_view jwks, std::string& problem) const;
    // In place of those of the JWKS document. Null: errc::no_keys, from now on. From any thread.
    void replace_keys(std::shared_ptr<const KeySet> keys) const { jwks_->set(std::move(keys)); }
    [[nodiscard]] result<Jwt> verify(std::string_view token, std::int64_t now_unix) const;

  private:
    void load_keys(const JwtOptions& options, std::vector<std::string>& problems);
    [[nodiscard]] result<const Algorithm*> find_algorithm(std::string_view header_json,
                                                          std::string& kid) const;
    [[nodiscard]] errc check_signature(const Algorithm& algorithm, std::string_view kid,
                                       std::string_view input, std::string_view signature) const;
    [[nodiscard]] result<std::int64_t> check_claims(const JsonObject& claims, std::int64_t now_unix) const;

    std::vector<const Algorithm*> algorithms_;
    [[nodiscard]] bool is_usable(const Key& key) const;

    std::vector<Key> keys_;          // that stay
    std::unique_ptr<KeySlot> jwks_;  // those of a JWKS document
    bool replaceable_ = false;       // by another one, so that having none is passing
    bool published_ = false;         // fetched: a secret among them is none
    std::string issuer_;
    std::vector<std::string> audience_;
    std::int64_t leeway_s_;
    std::optional<std::int64_t> max_token_age_s_;
    std::string require_typ_;
    std::vector<std::pair<std::string, std::string>> required_claims_;
};

}  // namespace forestay::auth
