#include "proxy/auth/jwk.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "proxy/auth/base64url.h"
#include "proxy/auth/json.h"

namespace forestay::auth {
namespace {

template <auto F>
struct Free {
    template <class T>
    void operator()(T* object) const noexcept {
        F(object);
    }
};
using Bignum = std::unique_ptr<BIGNUM, Free<BN_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using ParamBuild = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;

struct Curve {
    KeyType type;
    std::string_view jose;  // "crv"
    const char* openssl;    // as EVP_PKEY_get_group_name says it
    std::size_t coordinate_bytes;
};
constexpr Curve curves[] = {{KeyType::p256, "P-256", "prime256v1", 32},
                            {KeyType::p384, "P-384", "secp384r1", 48},
                            {KeyType::p521, "P-521", "secp521r1", 66}};

constexpr std::size_t max_keys = 256;  // a check of an elliptic point costs a tenth of a millisecond
constexpr int min_rsa_bits = 2048;
constexpr int max_rsa_bits = 8192;  // a check costs the square of it

const unsigned char* octets(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

Bignum bignum(std::string_view bytes) {
    return Bignum(BN_bin2bn(octets(bytes), static_cast<int>(bytes.size()), nullptr));
}

Pkey from_params(const char* type, OSSL_PARAM_BLD* build) {
    const Params params(OSSL_PARAM_BLD_to_param(build));
    const Context context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        return nullptr;
    }
    return Pkey(key);
}

// The bounds that every public key must keep, whichever way it came. Sets key.type; else says why not.
std::string check_rsa(const Key& key) {
    const int bits = EVP_PKEY_get_bits(key.pkey.get());
    if (bits < min_rsa_bits || bits > max_rsa_bits) return "RSA of " + std::to_string(bits) + " bits";
    BIGNUM* e = nullptr;
    if (EVP_PKEY_get_bn_param(key.pkey.get(), OSSL_PKEY_PARAM_RSA_E, &e) != 1)
        return "RSA without an exponent";
    const Bignum exponent(e);
    if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > 64) return "RSA with a bad exponent";
    return "";
}

std::string check_ec(Key& key) {
    char group[64] = {};
    if (EVP_PKEY_get_group_name(key.pkey.get(), group, sizeof group, nullptr) != 1)
        return "EC without a named curve";
    const Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.pkey.get(), nullptr));
    if (!context || EVP_PKEY_public_check(context.get()) != 1) return "EC point not on its curve";
    for (const auto& curve : curves) {
        if (group == std::string_view(curve.openssl)) {
            key.type = curve.type;
            return "";
        }
    }
    return std::string("EC curve ") + group;
}

std::string check_public_key(Key& key) {
    if (EVP_PKEY_is_a(key.pkey.get(), "RSA") == 1) {
        key.type = KeyType::rsa;
        return check_rsa(key);
    }
    if (EVP_PKEY_is_a(key.pkey.get(), "EC") == 1) return check_ec(key);
    if (EVP_PKEY_is_a(key.pkey.get(), "ED25519") == 1) {
        key.type = KeyType::ed25519;
        return "";
    }
    return "a type of key that verifies nothing here";
}

// A member that holds bytes in base64url; empty when it is not there or no base64url.
std::string bytes_of(const JsonObject& jwk, std::string_view name) {
    const auto member = jwk.find(name);
    const auto text = member ? as_string(*member) : std::nullopt;
    return text ? decode_base64url(*text).value_or("") : "";
}

std::string string_of(const JsonObject& jwk, std::string_view name) {
    const auto member = jwk.find(name);
    return std::string(member ? as_string(*member).value_or("") : "");
}

Pkey rsa_key(const JsonObject& jwk) {
    const auto n = bignum(bytes_of(jwk, "n"));
    const auto e = bignum(bytes_of(jwk, "e"));
    const ParamBuild build(OSSL_PARAM_BLD_new());
    if (!n || !e || !build || BN_is_zero(n.get()) || BN_is_zero(e.get())) return nullptr;
    if (OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
        return nullptr;
    }
    return from_params("RSA", build.get());
}

Pkey ec_key(const JsonObject& jwk) {
    const auto name = string_of(jwk, "crv");
    const auto x = bytes_of(jwk, "x");
    const auto y = bytes_of(jwk, "y");
    for (const auto& curve : curves) {
        if (name != curve.jose || x.size() != curve.coordinate_bytes || y.size() != curve.coordinate_bytes)
            continue;
        const auto point = '\x04' + x + y;  // uncompressed
        const ParamBuild build(OSSL_PARAM_BLD_new());
        if (!build ||
            OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.openssl, 0) != 1 ||
            OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                             point.size()) != 1) {
            return nullptr;
        }
        return from_params("EC", build.get());
    }
    return nullptr;
}

Pkey okp_key(const JsonObject& jwk) {
    if (string_of(jwk, "crv") != "Ed25519") return nullptr;
    const auto x = bytes_of(jwk, "x");
    return Pkey(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, octets(x), x.size()));
}

// Fills in the key, or says why it is left out.
std::string parse_jwk(const JsonObject& jwk, Key& key) {
    const auto type = string_of(jwk, "kty");
    if (jwk.find("use") && string_of(jwk, "use") != "sig") return "not for signatures";
    key.algorithm = string_of(jwk, "alg");
    if (type == "oct") {
        key.type = KeyType::secret;
        key.secret = Secret(bytes_of(jwk, "k"));
        return key.secret.view().size() < min_secret_bytes ? "a secret under 32 bytes" : "";
    }
    if (type == "RSA")
        key.pkey = rsa_key(jwk);
    else if (type == "EC")
        key.pkey = ec_key(jwk);
    else if (type == "OKP")
        key.pkey = okp_key(jwk);
    else
        return "unknown kty \"" + type + '"';
    return key.pkey ? check_public_key(key) : "not a usable " + type + " key";
}

Key empty_key() {
    return Key{KeyType::secret, "", "", nullptr, Secret("")};
}

}  // namespace

std::optional<KeySet> parse_jwks(std::string_view json) {
    const auto document = JsonObject::parse(json);
    simdjson::dom::array array;
    if (!document || !document->find("keys") || document->find("keys")->get(array) != simdjson::SUCCESS)
        return std::nullopt;
    KeySet set;
    for (const auto element : array) {
        if (set.keys.size() + set.skipped.size() == max_keys) {
            set.skipped.push_back("all behind key " + std::to_string(max_keys));
            break;
        }
        Key key = empty_key();
        // Parsed again by itself, so that each key is held to the same strictness as a document.
        const auto jwk = JsonObject::parse(simdjson::minify(element));
        if (jwk) key.id = string_of(*jwk, "kid");
        const auto problem = jwk ? parse_jwk(*jwk, key) : "not an object, or with a member twice";
        if (problem.empty()) {
            set.keys.push_back(std::move(key));
        } else {
            const auto number = std::to_string(set.keys.size() + set.skipped.size() + 1);
            set.skipped.push_back("key " + number + " (kid \"" + key.id + "\"): " + problem);
        }
    }
    ERR_clear_error();
    return set;
}

std::optional<Key> parse_pem_public_key(std::string_view pem, std::string& problem) {
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    // Without a callback of ours, libcrypto would ask the terminal for an encrypted key's password.
    const auto no_password = [](char*, int, int, void*) { return -1; };
    Key key = empty_key();
    key.pkey.reset(bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr) : nullptr);
    problem = key.pkey ? check_public_key(key) : "not a PEM public key (-----BEGIN PUBLIC KEY-----)";
    ERR_clear_error();
    if (!problem.empty()) return std::nullopt;
    return key;
}

}  // namespace forestay::auth
