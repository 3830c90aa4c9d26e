#include "proxy/auth/jwt.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <cmath>

#include "proxy/auth/base64url.h"
#include "proxy/auth/digest.h"
#include "proxy/wire/http/head.h"

namespace forestay::auth {

enum class Scheme : std::uint8_t { hmac, pkcs1, pss, ecdsa, eddsa };

struct Algorithm {
    std::string_view name;
    Scheme scheme;
    KeyType key;
    Digest digest;                 // eddsa has its own
    std::size_t coordinate_bytes;  // ecdsa: of r and of s
};

namespace {

// RFC 7518 section 3.1, RFC 8037. "none" is not here.
constexpr Algorithm table[] = {
    {"HS256", Scheme::hmac, KeyType::secret, Digest::sha256, 0},
    {"HS384", Scheme::hmac, KeyType::secret, Digest::sha384, 0},
    {"HS512", Scheme::hmac, KeyType::secret, Digest::sha512, 0},
    {"RS256", Scheme::pkcs1, KeyType::rsa, Digest::sha256, 0},
    {"RS384", Scheme::pkcs1, KeyType::rsa, Digest::sha384, 0},
    {"RS512", Scheme::pkcs1, KeyType::rsa, Digest::sha512, 0},
    {"PS256", Scheme::pss, KeyType::rsa, Digest::sha256, 0},
    {"PS384", Scheme::pss, KeyType::rsa, Digest::sha384, 0},
    {"PS512", Scheme::pss, KeyType::rsa, Digest::sha512, 0},
    {"ES256", Scheme::ecdsa, KeyType::p256, Digest::sha256, 32},
    {"ES384", Scheme::ecdsa, KeyType::p384, Digest::sha384, 48},
    {"ES512", Scheme::ecdsa, KeyType::p521, Digest::sha512, 66},
    {"EdDSA", Scheme::eddsa, KeyType::ed25519, Digest::sha512, 0},
};

constexpr std::size_t max_kid_bytes = 256;
constexpr std::size_t max_keys_tried = 4;  // when a token names none
constexpr double max_time = 9e15;          // exact as a double, and sums with it cannot overflow

const Algorithm* algorithm_named(std::string_view name) {
    const auto* found =
        std::find_if(std::begin(table), std::end(table), [&](const auto& line) { return line.name == name; });
    return found == std::end(table) ? nullptr : found;
}

bool fits(const Key& key, const Algorithm& algorithm) {
    return key.type == algorithm.key && (key.algorithm.empty() || key.algorithm == algorithm.name);
}

// JOSE writes r and s side by side, libcrypto wants them in DER. Empty: no signature of this curve.
std::string ecdsa_der(std::string_view raw, std::size_t coordinate_bytes) {
    if (raw.size() != 2 * coordinate_bytes) return "";
    const auto* bytes = reinterpret_cast<const unsigned char*>(raw.data());
    const auto size = static_cast<int>(coordinate_bytes);
    ECDSA_SIG* signature = ECDSA_SIG_new();
    BIGNUM* r = BN_bin2bn(bytes, size, nullptr);
    BIGNUM* s = BN_bin2bn(bytes + coordinate_bytes, size, nullptr);
    std::string der;
    if (signature != nullptr && r != nullptr && s != nullptr) {
        // r = s = 0 once passed for a valid signature of everything (CVE-2022-21449).
        const bool zero = BN_is_zero(r) || BN_is_zero(s);
        ECDSA_SIG_set0(signature, r, s);  // now owns both
        r = s = nullptr;
        const int length = zero ? 0 : i2d_ECDSA_SIG(signature, nullptr);
        if (length > 0) {
            der.resize(static_cast<std::size_t>(length));
            auto* out = reinterpret_cast<unsigned char*>(der.data());
            i2d_ECDSA_SIG(signature, &out);
        }
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return der;
}

bool set_pss(EVP_PKEY_CTX* context, const Algorithm& algorithm) {
    if (algorithm.scheme != Scheme::pss) return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

bool verify_with_pkey(const Algorithm& algorithm, EVP_PKEY* key, std::string_view input,
                      std::string_view signature) {
    std::string der;
    if (algorithm.scheme == Scheme::ecdsa) {
        der = ecdsa_der(signature, algorithm.coordinate_bytes);
        signature = der;
        if (der.empty()) return false;
    } else if (signature.size() != static_cast<std::size_t>(EVP_PKEY_get_size(key))) {
        return false;  // RSA: the modulus' length; Ed25519: 64
    }
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* key_context = nullptr;  // owned by context
    const char* digest = algorithm.scheme == Scheme::eddsa ? nullptr : openssl_name(algorithm.digest);
    const bool ok =
        context != nullptr &&
        EVP_DigestVerifyInit_ex(context, &key_context, digest, nullptr, nullptr, key, nullptr) == 1 &&
        set_pss(key_context, algorithm) &&
        EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                         reinterpret_cast<const unsigned char*>(input.data()), input.size()) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return ok;
}

bool verify_with(const Algorithm& algorithm, const Key& key, std::string_view input,
                 std::string_view signature) {
    if (algorithm.scheme != Scheme::hmac)
        return verify_with_pkey(algorithm, key.pkey.get(), input, signature);
    return same_bytes(hmac(algorithm.digest, key.secret.view(), input), signature);
}

// A NumericDate; whole or not. Empty optional when it is no number, or none that can be a date.
std::optional<double> numeric_date(simdjson::dom::element element) {
    double seconds = 0;
    if (element.get(seconds) != simdjson::SUCCESS || !(std::abs(seconds) < max_time)) return std::nullopt;
    return seconds;
}

// `aud` is a string or an array of strings. Empty optional when it is neither.
std::optional<bool> has_audience(simdjson::dom::element aud, const std::vector<std::string>& wanted) {
    const auto is_wanted = [&](std::string_view one) {
        return std::find(wanted.begin(), wanted.end(), one) != wanted.end();
    };
    if (const auto one = as_string(aud)) return is_wanted(*one);
    simdjson::dom::array array;
    if (aud.get(array) != simdjson::SUCCESS) return std::nullopt;
    bool found = false;
    for (const auto element : array) {
        const auto one = as_string(element);
        if (!one) return std::nullopt;
        found = found || is_wanted(*one);
    }
    return found;
}

// RFC 7515 section 4.1.9: a media type, whose "application/" may be left out.
bool is_type(std::string_view typ, std::string_view wanted) {
    constexpr std::string_view prefix = "application/";
    const auto bare = [&](std::string_view type) {
        const bool prefixed = wire::http::iequals(type.substr(0, prefix.size()), prefix);
        return prefixed ? type.substr(prefix.size()) : type;
    };
    return wire::http::iequals(bare(typ), bare(wanted));
}

// A claim is `wanted`, or has it among its elements (roles), or among its words (scope, RFC 8693).
bool has_word(const JsonObject& claims, std::string_view claim, std::string_view wanted) {
    simdjson::dom::element element = claims.root();
    const auto pointer = claim.starts_with('/') ? std::string(claim) : '/' + std::string(claim);
    if (element.at_pointer(pointer).get(element) != simdjson::SUCCESS) return false;
    if (auto text = as_string(element)) {
        if (*text == wanted) return true;
        while (!text->empty()) {
            const auto word = text->substr(0, text->find(' '));
            if (word == wanted) return true;
            text->remove_prefix(std::min(word.size() + 1, text->size()));
        }
        return false;
    }
    simdjson::dom::array array;
    if (element.get(array) != simdjson::SUCCESS) return false;
    return std::any_of(array.begin(), array.end(), [&](const auto one) { return as_string(one) == wanted; });
}

}  // namespace

JwtVerifier::JwtVerifier(const JwtOptions& options, std::vector<std::string>& problems)
    : issuer_(options.issuer),
      audience_(options.audience),
      leeway_s_(options.leeway.count()),
      require_typ_(options.require_typ),
      required_claims_(options.required_claims) {
    if (options.max_token_age) max_token_age_s_ = options.max_token_age->count();
    load_keys(options, problems);
    const auto jwks = jwks_->get();
    const auto any_key = [&](const auto& wanted) {
        return std::any_of(keys_.begin(), keys_.end(), wanted) ||
               (jwks && std::any_of(jwks->keys.begin(), jwks->keys.end(), wanted));
    };
    if (options.algorithms.empty()) problems.push_back("jwt: algorithms must name at least one");
    bool public_key_missing = false;
    for (const auto& name : options.algorithms) {
        const auto* algorithm = algorithm_named(name);
        if (algorithm == nullptr) {
            problems.push_back("jwt: unknown algorithm " + name);
            continue;
        }
        algorithms_.push_back(algorithm);
        if (any_key([&](const Key& key) { return fits(key, *algorithm); })) continue;
        if (algorithm->scheme == Scheme::hmac)
            problems.push_back("jwt: " + name + " needs a secret of at least 32 bytes");
        public_key_missing = public_key_missing || algorithm->scheme != Scheme::hmac;
    }
    // A provider may publish keys for one of the configured algorithms only.
    const bool any_public =
        any_key([&](const Key& key) { return key.type != KeyType::secret && is_usable(key); });
    if (published_ && !public_key_missing)
        problems.push_back("jwt: jwks_url without an algorithm that uses public keys");
    if (public_key_missing && !any_public && !published_)
        problems.push_back("jwt: no usable public key for the configured algorithms");
}

void JwtVerifier::load_keys(const JwtOptions& options, std::vector<std::string>& problems) {
    if (options.secret.find("-----BEGIN") != std::string::npos) {
        problems.push_back("jwt: the secret is a PEM key; a public key as HMAC secret lets anybody sign");
    } else if (options.secret.size() >= min_secret_bytes) {
        keys_.push_back({KeyType::secret, "", "", nullptr, Secret(options.secret)});
    }
    if (!options.public_key.empty()) {
        std::string problem;
        auto key = parse_pem_public_key(options.public_key, problem);
        if (key) keys_.push_back(std::move(*key));
        if (!key) problems.push_back("jwt: public key: " + problem);
    }
    jwks_ = std::make_unique<KeySlot>();
    published_ = !options.jwks_url.empty();
    replaceable_ = published_ || !options.jwks_file.empty();
    if (options.jwks.empty()) return;
    auto set = parse_jwks(options.jwks);
    if (!set) {
        problems.push_back("jwt: jwks is not a JWKS document ({\"keys\": [...]})");
        return;
    }
    // Providers publish keys of other kinds beside ours; they matter only when nothing is left.
    if (set->keys.empty()) {
        for (const auto& line : set->skipped) problems.push_back("jwt: jwks: " + line);
    }
    jwks_->set(std::make_shared<const KeySet>(std::move(*set)));
}

bool JwtVerifier::is_usable(const Key& key) const {
    return std::any_of(algorithms_.begin(), algorithms_.end(),
                       [&](const auto* algorithm) { return fits(key, *algorithm); });
}

std::shared_ptr<const KeySet> JwtVerifier::read_keys(std::string_view jwks, std::string& problem) const {
    auto set = parse_jwks(jwks);
    if (!set) {
        problem = "not a JWKS document ({\"keys\": [...]})";
        return nullptr;
    }
    if (published_) std::erase_if(set->keys, [](const Key& key) { return key.type == KeyType::secret; });
    if (std::any_of(set->keys.begin(), set->keys.end(), [&](const Key& key) { return is_usable(key); }))
        return std::make_shared<const KeySet>(std::move(*set));
    problem = "no usable key for the configured algorithms";
    if (!set->skipped.empty()) problem += "; " + set->skipped.front();
    return nullptr;
}

bool JwtVerifier::has_public_key() const noexcept {
    return replaceable_ || jwks_->get() != nullptr ||
           std::any_of(keys_.begin(), keys_.end(),
                       [](const Key& key) { return key.type != KeyType::secret; });
}

result<const Algorithm*> JwtVerifier::find_algorithm(std::string_view header_json, std::string& kid) const {
    const auto header = JsonObject::parse(header_json);
    if (!header || header->find("crit")) return errc::malformed;  // crit: an extension that we do not know
    if (const auto member = header->find("kid")) {
        const auto text = as_string(*member);
        if (!text || text->size() > max_kid_bytes) return errc::malformed;
        kid = *text;
    }
    if (!require_typ_.empty()) {
        const auto typ = header->find("typ");
        if (!is_type(typ ? as_string(*typ).value_or("") : "", require_typ_)) return errc::bad_claims;
    }
    const auto member = header->find("alg");
    const auto name = member ? as_string(*member) : std::nullopt;
    if (!name) return errc::malformed;
    for (const auto* algorithm : algorithms_) {
        if (algorithm->name == *name) return algorithm;
    }
    return errc::bad_algorithm;
}

// A key without an id fits any: a secret or a PEM key has none, whatever the issuer writes into its tokens.
errc JwtVerifier::check_signature(const Algorithm& algorithm, std::string_view kid, std::string_view input,
                                  std::string_view signature) const {
    const auto jwks = jwks_->get();
    std::size_t tried = 0;
    bool known = false;
    const auto verifies = [&](const Key& key) {
        if (!kid.empty() && !key.id.empty() && key.id != kid) return false;
        known = known || (!kid.empty() && key.id == kid);
        return fits(key, algorithm) && ++tried <= max_keys_tried &&
               verify_with(algorithm, key, input, signature);
    };
    if (std::any_of(keys_.begin(), keys_.end(), verifies)) return errc{};
    if (jwks && std::any_of(jwks->keys.begin(), jwks->keys.end(), verifies)) return errc{};
    if (tried > 0) return errc::bad_signature;
    if (replaceable_ && !jwks && algorithm.scheme != Scheme::hmac) return errc::no_keys;
    return known ? errc::bad_algorithm : errc::unknown_key;
}

result<std::int64_t> JwtVerifier::check_claims(const JsonObject& claims, std::int64_t now_unix) const {
    const auto now = static_cast<double>(now_unix);
    const auto leeway = static_cast<double>(leeway_s_);
    for (const auto* name : {"iss", "sub"}) {
        const auto member = claims.find(name);
        if (member && !as_string(*member)) return errc::bad_claims;
    }
    const auto exp_member = claims.find("exp");
    const auto exp = exp_member ? numeric_date(*exp_member) : std::nullopt;
    if (!exp) return errc::bad_claims;
    for (const auto* name : {"nbf", "iat"}) {
        const auto member = claims.find(name);
        if (!member) continue;
        const auto from = numeric_date(*member);
        if (!from) return errc::bad_claims;
        if (*from > now + leeway) return errc::not_yet_valid;
    }
    double last_valid = *exp + leeway;
    if (max_token_age_s_) {
        const auto iat = claims.find("iat");
        if (!iat) return errc::bad_claims;
        last_valid =
            std::min(last_valid, *numeric_date(*iat) + static_cast<double>(*max_token_age_s_) + leeway);
    }
    if (now > last_valid) return errc::expired;
    if (!issuer_.empty()) {
        const auto iss = claims.find("iss");
        if (!iss || *as_string(*iss) != issuer_) return errc::bad_claims;
    }
    if (!audience_.empty()) {
        const auto aud = claims.find("aud");
        if (!aud || !has_audience(*aud, audience_).value_or(false)) return errc::bad_claims;
    }
    for (const auto& [claim, wanted] : required_claims_) {
        if (!has_word(claims, claim, wanted)) return errc::bad_claims;
    }
    return static_cast<std::int64_t>(std::floor(last_valid));
}

result<Jwt> JwtVerifier::verify(std::string_view token, std::int64_t now_unix) const {
    if (token.size() > max_token_bytes) return errc::malformed;
    const auto first = token.find('.');
    const auto last = token.rfind('.');
    // Two dots and no more: five segments would be an encrypted token.
    if (first == token.npos || first == last || token.find('.', first + 1) != last) return errc::malformed;
    const auto header = decode_base64url(token.substr(0, first));
    auto payload = decode_base64url(token.substr(first + 1, last - first - 1));
    const auto signature = decode_base64url(token.substr(last + 1));
    if (!header || !payload || !signature) return errc::malformed;

    std::string kid;
    const auto algorithm = find_algorithm(*header, kid);
    if (!algorithm) return algorithm.error();
    const auto problem = check_signature(**algorithm, kid, token.substr(0, last), *signature);
    if (problem != errc{}) return problem;

    auto claims = JsonObject::parse(*payload);
    if (!claims) return errc::malformed;
    const auto last_valid = check_claims(*claims, now_unix);
    if (!last_valid) return last_valid.error();
    return Jwt{std::move(*payload), std::move(*claims), *last_valid};
}

}  // namespace forestay::auth
