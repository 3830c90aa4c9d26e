#include "proxy/auth/jwk.h"

#include <boost/test/unit_test.hpp>

#include "proxy/auth/jwt.h"

using namespace forestay::auth;

namespace {

// Keys rsa1 and ec256 of the JWT vectors, as PEM.
constexpr const char* rsa_pem = R"(-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvuB5dp3CjRFr89jFqph4
XnPW9hUEGs9l9Iagela8z98XAOwTdgqF8ddkLJZMruP0GTUqwxryw5TU7Kh7i/xS
4zXXpwcxtLyOCL10KFkxxVcHgtJqbk/y0w+iph7JDknUreKM5LEXNO+4wTQiq+vw
nNqdKyip+9NOO4WvPu4W3XwvbBUvMY8VwmUGaj3yX/r9H14RpEh5WUBmqPK7GFDR
FbseD93zY0X7PL1OtpEo1hkUdarwsrcRN0O9dYIg4ImYS+KCccbQquT/mHN5QRtb
yxf5DccbBQPjNOab3/6mu8cKugbZEx41+attZVocRWr7UyrnSqsqr/13Oh2+K6CF
YwIDAQAB
-----END PUBLIC KEY-----
)";
constexpr const char* ec_pem = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE5KrGFj6QDhmGDRSj2Nz1pAQvfK0a
NVA3NRM843ARPB6LBktZGalczd5pW6Qg+x2nUHQ1uCo8bHaq+NbmGekPCQ==
-----END PUBLIC KEY-----
)";
constexpr const char* rsa_1024_pem = R"(-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCpjKVz5xaDvsO1QEjCdlmQUq2u
29WtfikfI7MR9AO+RK9ndqp/dxUhZZMfw5KX86H/n/0X5gEUTHKf6a5G9IKdjNFm
q8KfwV+y5GFfW8TTxuNo5VCocfX7AeQsRWrkUup8y4Cr0xlF6qUzrsGRZzx/b1bI
M64kP2YVbXycTyioSQIDAQAB
-----END PUBLIC KEY-----
)";
constexpr const char* secp256k1_pem = R"(-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEi0jdFcNDEhRbjsN0BaQtczl/a2DEjfK7
1RAwG/EPfyp8bA+1sAFlrtNm19jliBMaiE5hIpyAzuTiecjoZTveDA==
-----END PUBLIC KEY-----
)";
constexpr const char* x25519_pem = R"(-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEAefgsfhmrVKMPeglHrpsYHEKXKjQamwn+zZjpuTpQeVc=
-----END PUBLIC KEY-----
)";

std::string pem_problem(std::string_view pem) {
    std::string problem;
    const auto key = parse_pem_public_key(pem, problem);
    BOOST_TEST(key.has_value() == problem.empty());
    return problem;
}

// The reason why the only key of a set was left out; empty when it was not.
std::string skipped(const std::string& jwk) {
    const auto set = parse_jwks("{\"keys\":[" + jwk + "]}").value();
    BOOST_TEST(set.keys.size() + set.skipped.size() == 1U);
    return set.skipped.empty() ? "" : set.skipped.front().substr(set.skipped.front().find("): ") + 3);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(jwk)

BOOST_AUTO_TEST_CASE(pem_keys_verify_what_their_jwks_twins_verify) {
    simdjson::dom::parser parser;
    const simdjson::dom::element document = parser.load("tests/vectors/jwt_vectors.json");
    std::size_t verified = 0;
    for (const auto row : document["vectors"].get_array()) {
        const auto name = row["name"].get_string().value();
        if (name != "ok-RS256" && name != "ok-ES256") continue;
        JwtOptions options;
        options.algorithms = {std::string(name.substr(3))};
        options.public_key = name == "ok-RS256" ? rsa_pem : ec_pem;
        std::vector<std::string> problems;
        const JwtVerifier verifier(options, problems);
        BOOST_TEST(problems.empty());
        BOOST_TEST(verifier.verify(row["token"].get_string().value(), row["now"].get_int64()).has_value());
        ++verified;
    }
    BOOST_TEST(verified == 2U);
}

BOOST_AUTO_TEST_CASE(pem_keys_that_are_too_weak_or_of_no_use_are_refused) {
    BOOST_TEST(pem_problem(rsa_pem) == "");
    BOOST_TEST(pem_problem(ec_pem) == "");
    BOOST_TEST(pem_problem(rsa_1024_pem) == "RSA of 1024 bits");
    BOOST_TEST(pem_problem(secp256k1_pem) == "EC curve secp256k1");
    BOOST_TEST(pem_problem(x25519_pem) == "a type of key that verifies nothing here");
    for (const auto* text : {"", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                             "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}) {
        BOOST_TEST(pem_problem(text) == "not a PEM public key (-----BEGIN PUBLIC KEY-----)");
    }
}

BOOST_AUTO_TEST_CASE(an_encrypted_pem_asks_nobody_for_a_password) {
    BOOST_TEST(
        pem_problem(
            "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n"
            "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n-----END PUBLIC KEY-----\n") ==
        "not a PEM public key (-----BEGIN PUBLIC KEY-----)");
}

BOOST_AUTO_TEST_CASE(keys_of_a_set_that_must_not_be_used_are_left_out) {
    simdjson::dom::parser parser;
    const simdjson::dom::element document = parser.load("tests/vectors/jwt_vectors.json");
    const auto set = parse_jwks(simdjson::minify(document["jwks"].value())).value();
    BOOST_TEST(set.keys.size() == 7U);
    const std::vector<std::string> expected{
        "key 3 (kid \"rsa-1024\"): RSA of 1024 bits",
        "key 9 (kid \"rsa-enc\"): not for signatures",
        "key 10 (kid \"unknown-kty\"): unknown kty \"XYZ\"",
        "key 11 (kid \"ec-off-curve\"): not a usable EC key",
    };
    BOOST_TEST(set.skipped == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(malformed_keys_of_a_set_are_left_out) {
    BOOST_TEST(skipped("1") == "not an object, or with a member twice");
    BOOST_TEST(skipped(R"({"kty":"oct","kty":"oct","k":"AAAA"})") == "not an object, or with a member twice");
    BOOST_TEST(skipped(R"({"kty":"oct","k":"c2hvcnQ"})") == "a secret under 32 bytes");
    BOOST_TEST(skipped(R"({"kty":"RSA","e":"AQAB"})") == "not a usable RSA key");
    BOOST_TEST(skipped(R"({"kty":"RSA","n":"AA","e":"AA"})") == "not a usable RSA key");
    BOOST_TEST(skipped(R"({"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"})") == "not a usable EC key");
    BOOST_TEST(skipped(R"({"kty":"EC","crv":"secp256k1","x":"AQ","y":"AQ"})") == "not a usable EC key");
    BOOST_TEST(skipped(R"({"kty":"OKP","crv":"Ed448","x":"AQ"})") == "not a usable OKP key");
    BOOST_TEST(skipped(R"({"kty":"OKP","crv":"Ed25519","x":"AQ"})") == "not a usable OKP key");
}

BOOST_AUTO_TEST_CASE(rsa_exponents_are_odd_above_one_and_short) {
    const std::string n =
        "ubUIATl3iCluGXaNZGcDj209s4w-Z-C4XyYxDzdwhuj-"
        "8hP74dUpdR7t7A8ECUQ7kHBisjKgKrn3OCunVDFb5i6FcmjLIujiaXqtfIy"
        "ffhQmTQPWpA6gnjQWNC5_"
        "y6p1D8sQAeW1aBJGsS5BNw62RXIjFgunFSiGSN7GFl2bJqOtASQKQZKEY1JOMA0fuJMvidVbNAh7eIm7"
        "eBGgMqEIph2VTlFc4uBbsO99OF_DKZNHIYXZlNba-W17hO12pnuVYELxAMNLiVv4fOP7YSwXiMrw0IwRonpb_pu7LRf-"
        "7pPHfFjkux"
        "FXq6RdSWEdiPnYVBrjSoEGcZNr3QWGf_CWNQ";
    const auto with_exponent = [&](const std::string& e) {
        return R"({"kty":"RSA","n":")" + n + R"(","e":")" + e + "\"}";
    };
    BOOST_TEST(skipped(with_exponent("AQAB")) == "");
    BOOST_TEST(skipped(with_exponent("Aw")) == "");
    BOOST_TEST(skipped(with_exponent("AQ")) == "RSA with a bad exponent");
    BOOST_TEST(skipped(with_exponent("AQAA")) == "RSA with a bad exponent");
    BOOST_TEST(skipped(with_exponent("AQAAAAAAAAAB")) == "RSA with a bad exponent");
}

BOOST_AUTO_TEST_CASE(what_is_no_key_set_is_told_apart_from_an_empty_one) {
    for (const auto* text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]} x)", "<html>"}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(!parse_jwks(text));
        }
    }
    BOOST_TEST(parse_jwks(R"({"keys":[]})")->keys.empty());
}

BOOST_AUTO_TEST_SUITE_END()
