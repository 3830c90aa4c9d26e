#include "proxy/auth/verdict_cache.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <boost/test/unit_test.hpp>

#include "proxy/auth/jwk.h"
#include "tests/auth/make_credential.h"

using namespace forestay::auth;

namespace {

constexpr std::int64_t t0 = 1'767'225'600;
const std::string key(32, 'k');

Identity alice(std::optional<std::int64_t> expires = {}) {
    return {"alice", "jwt", expires, "{}"};
}

struct Cache : VerdictCache {
    explicit Cache(std::size_t entries = most_entries, std::size_t bytes = most_bytes)
        : VerdictCache(key, entries, bytes) {}
    bool knows(std::string_view credential, std::int64_t now = t0) {
        return find(key_of("jwt", credential), now) != nullptr;
    }
    void keep(std::string_view credential, std::string_view client = "10.0.0.1",
              const Identity& identity = alice(), std::int64_t now = t0) {
        store(key_of("jwt", credential), client, {identity}, now, longest_s);
    }
};

// A key pair, and tokens that it signs.
struct Signer {
    Pkey pair{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};

    std::string public_pem() const {
        const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
        BOOST_REQUIRE(PEM_write_bio_PUBKEY(out.get(), pair.get()) == 1);
        char* text = nullptr;
        const long size = BIO_get_mem_data(out.get(), &text);
        return {text, static_cast<std::size_t>(size)};
    }
    std::string token(std::string_view claims) const {
        const std::string input = encode_base64url(R"({"alg":"EdDSA"})") + '.' + encode_base64url(claims);
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                              &EVP_MD_CTX_free);
        std::string signature(64, '\0');
        std::size_t size = signature.size();
        BOOST_REQUIRE(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, pair.get()) == 1);
        BOOST_REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                     reinterpret_cast<const unsigned char*>(input.data()),
                                     input.size()) == 1);
        return input + '.' + encode_base64url(signature);
    }
};

Authenticator authenticator(Method method) {
    AuthOptions options;
    options.any_of = {std::move(method)};
    std::vector<std::string> problems;
    Authenticator made(std::move(options), problems);
    BOOST_TEST(problems.empty());
    return made;
}

JwtOptions eddsa(const Signer& signer) {
    JwtOptions options;
    options.algorithms = {"EdDSA"};
    options.public_key = signer.public_pem();
    return options;
}

std::string subject(const Authenticator& by, const std::string& token, std::int64_t now,
                    VerdictCache& cache) {
    const std::string header = "Bearer " + token;
    Presented presented;
    presented.authorization = {header};
    const Remembering remembering{cache, "10.0.0.1"};
    const auto identity = by.check(presented, now, &remembering);
    return identity ? identity->subject : '<' + identity.error().message() + '>';
}

}  // namespace

BOOST_AUTO_TEST_SUITE(verdict_cache)

BOOST_AUTO_TEST_CASE(what_was_proven_is_known_for_half_a_minute) {
    Cache cache;
    BOOST_TEST(!cache.knows("token"));
    cache.keep("token");
    BOOST_TEST(cache.knows("token"));
    BOOST_TEST(cache.knows("token", t0 + 30));
    BOOST_TEST(!cache.knows("token", t0 + 31));
    BOOST_TEST(cache.size() == 0U);
    BOOST_TEST(cache.counts().hits == 2U);
    BOOST_TEST(cache.counts().misses == 2U);
}

BOOST_AUTO_TEST_CASE(a_hit_prolongs_nothing) {
    Cache cache;
    cache.keep("token");
    for (int i = 0; i <= 30; ++i) BOOST_TEST(cache.knows("token", t0 + i));
    BOOST_TEST(!cache.knows("token", t0 + 31));
}

BOOST_AUTO_TEST_CASE(no_identity_outlives_its_expiry) {
    Cache cache;
    cache.keep("token", "10.0.0.1", alice(t0 + 5));
    BOOST_TEST(cache.knows("token", t0 + 5));
    BOOST_TEST(!cache.knows("token", t0 + 6));
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_set_back_prolongs_nothing) {
    Cache cache;
    cache.keep("token");
    BOOST_TEST(!cache.knows("token", t0 - 1));
    BOOST_TEST(!cache.knows("token", t0));
}

BOOST_AUTO_TEST_CASE(a_key_depends_on_the_kind_the_credential_and_the_secret) {
    const Cache cache;
    const VerdictCache other(std::string(32, 'o'), 16, 1 << 20);
    BOOST_TEST((cache.key_of("jwt", "token") == cache.key_of("jwt", "token")));
    BOOST_TEST((cache.key_of("jwt", "token") != cache.key_of("jwt", "tokem")));
    BOOST_TEST((cache.key_of("jwt 1", "token") != cache.key_of("jwt 2", "token")));
    BOOST_TEST((cache.key_of("jwt 1", "1token") != cache.key_of("jwt 11", "token")));
    BOOST_TEST((cache.key_of("jwt", "token") != other.key_of("jwt", "token")));
}

BOOST_AUTO_TEST_CASE(the_least_recently_used_makes_room) {
    Cache cache(32);
    for (int i = 0; i < 32; ++i) cache.keep(std::to_string(i), "client " + std::to_string(i));
    BOOST_TEST(cache.knows("0"));
    cache.keep("new", "another client");
    BOOST_TEST(cache.size() == 32U);
    BOOST_TEST(cache.knows("0"));
    BOOST_TEST(!cache.knows("1"));
    BOOST_TEST(cache.knows("2"));
}

BOOST_AUTO_TEST_CASE(a_client_pushes_out_its_own_when_it_has_its_share) {
    Cache cache(64);
    cache.keep("theirs", "10.0.0.2");
    for (int i = 0; i < 100; ++i) cache.keep(std::to_string(i));
    BOOST_TEST(cache.size() == 5U);
    BOOST_TEST(cache.knows("theirs"));
    BOOST_TEST(!cache.knows("95"));
    BOOST_TEST(cache.knows("96"));
    BOOST_TEST(cache.knows("99"));
}

BOOST_AUTO_TEST_CASE(its_memory_is_bounded_too) {
    Cache cache(VerdictCache::most_entries, 64 << 10);
    Identity large = alice();
    large.claims.assign(1000, 'x');
    for (int i = 0; i < 100; ++i) cache.keep(std::to_string(i), std::to_string(i), large);
    BOOST_TEST(cache.bytes() <= 64U << 10);
    BOOST_TEST(cache.size() >= 40U);
    for (int i = 0; i < 100; ++i) cache.keep(std::to_string(i), "one client", large);
    BOOST_TEST(cache.bytes() <= 64U << 10);
    large.claims.assign(4096, 'x');  // more than a client's share
    cache.keep("large", "another", large);
    BOOST_TEST(!cache.knows("large"));
}

BOOST_AUTO_TEST_CASE(storing_again_replaces) {
    Cache cache;
    cache.keep("token", "10.0.0.1", alice(t0 + 5));
    cache.keep("token", "10.0.0.2", alice(), t0 + 6);
    BOOST_TEST(cache.size() == 1U);
    BOOST_TEST(cache.knows("token", t0 + 36));
}

BOOST_AUTO_TEST_CASE(other_keys_clear_it) {
    Cache cache;
    cache.keys_are(1);
    cache.keep("token");
    cache.keys_are(1);
    BOOST_TEST(cache.knows("token"));
    cache.keys_are(2);
    BOOST_TEST(cache.size() == 0U);
    BOOST_TEST(cache.bytes() == 0U);
    BOOST_TEST(!cache.knows("token"));
    cache.keep("token");
    BOOST_TEST(cache.knows("token"));
}

BOOST_AUTO_TEST_CASE(a_token_of_a_public_key_is_verified_once) {
    const Signer signer;
    const auto by = authenticator(eddsa(signer));
    Cache cache;
    const std::string token = signer.token(R"({"exp":1767225610,"sub":"alice"})");
    BOOST_TEST(subject(by, token, t0, cache) == "alice");
    BOOST_TEST(subject(by, token, t0 + 1, cache) == "alice");
    BOOST_TEST(cache.counts().hits == 1U);
    BOOST_TEST(cache.counts().misses == 1U);
    // Its exp and the leeway of 30 s are over: whatever is remembered.
    BOOST_TEST(subject(by, token, t0 + 30, cache) == "alice");
    BOOST_TEST(subject(by, token, t0 + 40, cache) == "alice");
    BOOST_TEST(subject(by, token, t0 + 41, cache) == "<expired>");
}

BOOST_AUTO_TEST_CASE(a_refused_token_is_not_remembered) {
    const Signer signer, other;
    const auto by = authenticator(eddsa(signer));
    Cache cache;
    const std::string token = other.token(R"({"exp":1767225700,"sub":"alice"})");
    BOOST_TEST(subject(by, token, t0, cache) == "<bad_signature>");
    BOOST_TEST(cache.size() == 0U);
    BOOST_TEST(subject(by, signer.token(R"({"exp":1767225700,"nbf":1767225700,"sub":"a"})"), t0, cache) ==
               "<not_yet_valid>");
    BOOST_TEST(cache.size() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_cheap_is_verified_each_time) {
    const std::string secret = "0123456789abcdef0123456789abcdef";
    JwtOptions options;
    options.algorithms = {"HS256"};
    options.secret = secret;
    const auto by = authenticator(options);
    Cache cache;
    BOOST_TEST(subject(by, hs256(secret, R"({"exp":1767225700,"sub":"alice"})"), t0, cache) == "alice");
    BOOST_TEST(cache.size() == 0U);
    BOOST_TEST(cache.counts().misses == 0U);
}

BOOST_AUTO_TEST_CASE(a_fresh_credential_in_band_is_always_judged) {
    const Signer signer;
    const auto by = authenticator(eddsa(signer));
    Cache cache;
    const std::string token = signer.token(R"({"exp":1767225610,"sub":"alice"})");
    BOOST_TEST(subject(by, token, t0, cache) == "alice");
    BOOST_TEST(by.check_credential(token, t0).value().subject == "alice");
    BOOST_TEST(cache.counts().hits == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
