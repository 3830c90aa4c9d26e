#include "proxy/auth/jwt.h"

#include <boost/test/unit_test.hpp>
#include <map>

#include "proxy/auth/base64url.h"
#include "tests/auth/make_credential.h"

using namespace forestay::auth;

namespace {

constexpr std::int64_t t0 = 1'767'225'600;
const std::string secret = "0123456789abcdef0123456789abcdef";

// What the vectors call a refusal, in our words.
std::string in_our_words(std::string_view vector_name, std::string_view expected) {
    static const std::map<std::string_view, std::string_view> words{
        {"valid", "valid"},
        {"malformed", "malformed"},
        {"too_large", "malformed"},
        {"missing", "malformed"},
        {"unsupported_crit", "malformed"},
        {"alg_mismatch", "bad_algorithm"},
        {"alg_not_allowed", "bad_algorithm"},
        {"bad_signature", "bad_signature"},
        {"unknown_kid", "unknown_key"},
        {"weak_key", "unknown_key"},
        {"expired", "expired"},
        {"not_yet_valid", "not_yet_valid"},
        {"exp_required", "bad_claims"},
        {"bad_audience", "bad_claims"},
        {"bad_issuer", "bad_claims"},
        {"bad_identity",
         "valid"},  // the token is; who it names is judged by the Authenticator (identity.cpp)
    };
    // A claim of the wrong type is its issuer's fault; the token as such is well-formed.
    const bool wrong_type =
        vector_name.starts_with("exp-") || vector_name == "aud-number" || vector_name == "sub-number";
    if (expected == "malformed" && wrong_type) return "bad_claims";
    return std::string(words.at(expected));
}

std::string outcome(const result<Jwt>& token) {
    return token ? "valid" : std::string(name(static_cast<errc>(token.error().value())));
}

JwtVerifier verifier(JwtOptions options) {
    std::vector<std::string> problems;
    JwtVerifier made(options, problems);
    BOOST_TEST(problems.empty());
    return made;
}

JwtOptions hs256_options() {
    JwtOptions options;
    options.algorithms = {"HS256"};
    options.secret = secret;
    return options;
}

std::vector<std::string> problems_of(const JwtOptions& options) {
    std::vector<std::string> problems;
    JwtVerifier made(options, problems);
    return problems;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(jwt)

BOOST_AUTO_TEST_CASE(judges_all_101_vectors) {
    simdjson::dom::parser parser;
    const simdjson::dom::element document = parser.load("tests/vectors/jwt_vectors.json");
    JwtOptions options;
    for (const auto algorithm : document["config"]["algorithms"].get_array()) {
        options.algorithms.emplace_back(algorithm.get_string().value());
    }
    options.jwks = simdjson::minify(document["jwks"].value());
    options.issuer = document["config"]["issuer"].get_string().value();
    options.audience = {"forestay"};
    std::vector<std::string> problems;
    const JwtVerifier all(options, problems);
    BOOST_TEST(problems.size() == 2U);  // the set's one secret is pinned to HS256: HS384 and HS512 have none

    std::size_t rows = 0;
    for (const auto row : document["vectors"].get_array()) {
        ++rows;
        const auto row_name = row["name"].get_string().value();
        BOOST_TEST_CONTEXT(row_name) {
            const auto token = all.verify(row["token"].get_string().value(), row["now"].get_int64());
            BOOST_TEST(outcome(token) == in_our_words(row_name, row["expect"].get_string().value()));
        }
    }
    BOOST_TEST(rows == 101U);
}

BOOST_AUTO_TEST_CASE(an_algorithm_that_is_not_configured_is_refused_whatever_the_keys) {
    auto options = hs256_options();
    options.algorithms = {"HS384"};
    const auto hs384 = verifier(options);
    BOOST_TEST(outcome(hs384.verify(hs256(secret, R"({"exp":1767225700})"), t0)) == "bad_algorithm");
}

BOOST_AUTO_TEST_CASE(a_shared_secret_fits_any_kid) {
    const auto token = hs256(secret, R"({"exp":1767225700})", R"({"alg":"HS256","kid":"2026-01"})");
    BOOST_TEST(outcome(verifier(hs256_options()).verify(token, t0)) == "valid");
}

BOOST_AUTO_TEST_CASE(is_valid_up_to_the_second_it_says) {
    const auto made = verifier(hs256_options());
    const auto whole = hs256(secret, R"({"exp":1767225600})");
    BOOST_TEST(made.verify(whole, t0).value().last_valid == t0 + 30);
    BOOST_TEST(outcome(made.verify(whole, t0 + 30)) == "valid");
    BOOST_TEST(outcome(made.verify(whole, t0 + 31)) == "expired");
    const auto half = hs256(secret, R"({"exp":1767225600.5})");
    BOOST_TEST(made.verify(half, t0).value().last_valid == t0 + 30);
    BOOST_TEST(outcome(made.verify(half, t0 + 31)) == "expired");
}

BOOST_AUTO_TEST_CASE(issuer_and_audience_are_not_looked_at_unless_configured) {
    const auto token = hs256(secret, R"({"exp":1767225700,"iss":"https://a.example","aud":["x","y"]})");
    auto options = hs256_options();
    BOOST_TEST(outcome(verifier(options).verify(token, t0)) == "valid");
    options.audience = {"z", "y"};
    BOOST_TEST(outcome(verifier(options).verify(token, t0)) == "valid");
    options.audience = {"z"};
    BOOST_TEST(outcome(verifier(options).verify(token, t0)) == "bad_claims");
    options.audience.clear();
    options.issuer = "https://b.example";
    BOOST_TEST(outcome(verifier(options).verify(token, t0)) == "bad_claims");
}

BOOST_AUTO_TEST_CASE(audience_with_anything_but_strings_is_refused) {
    auto options = hs256_options();
    options.audience = {"a"};
    const auto made = verifier(options);
    BOOST_TEST(outcome(made.verify(hs256(secret, R"({"exp":1767225700,"aud":["a"]})"), t0)) == "valid");
    BOOST_TEST(outcome(made.verify(hs256(secret, R"({"exp":1767225700,"aud":["a",1]})"), t0)) ==
               "bad_claims");
    BOOST_TEST(outcome(made.verify(hs256(secret, R"({"exp":1767225700,"aud":{"a":1}})"), t0)) ==
               "bad_claims");
}

BOOST_AUTO_TEST_CASE(extreme_times_neither_overflow_nor_pass) {
    const auto made = verifier(hs256_options());
    for (const auto* claims : {R"({"exp":9000000000000000})", R"({"exp":-9000000000000000})",
                               R"({"exp":18446744073709551615})", R"({"exp":-9223372036854775808})",
                               R"({"exp":1767225700,"nbf":1e17})", R"({"exp":1767225700,"iat":true})"}) {
        BOOST_TEST_CONTEXT(claims) {
            BOOST_TEST(outcome(made.verify(hs256(secret, claims), t0)) == "bad_claims");
        }
    }
    BOOST_TEST(made.verify(hs256(secret, R"({"exp":8999999999999999})"), t0).value().last_valid ==
               9'000'000'000'000'029);
}

BOOST_AUTO_TEST_CASE(unusable_options_are_told_one_by_one) {
    JwtOptions options;
    BOOST_TEST(problems_of(options).at(0) == "jwt: algorithms must name at least one");
    options.algorithms = {"HS256", "none"};
    options.secret = std::string(31, 'k');
    const auto both = problems_of(options);
    BOOST_TEST(both.size() == 2U);
    BOOST_TEST(both.at(0) == "jwt: HS256 needs a secret of at least 32 bytes");
    BOOST_TEST(both.at(1) == "jwt: unknown algorithm none");
    options = {};
    options.algorithms = {"RS256"};
    BOOST_TEST(problems_of(options).at(0) == "jwt: no usable public key for the configured algorithms");
    options.jwks = "[]";
    BOOST_TEST(problems_of(options).at(0) == "jwt: jwks is not a JWKS document ({\"keys\": [...]})");
}

BOOST_AUTO_TEST_CASE(a_public_key_given_as_secret_is_a_problem) {
    // With it, whoever has the public key (everybody) could sign HS256 tokens.
    JwtOptions options;
    options.algorithms = {"HS256"};
    options.secret =
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n";
    BOOST_TEST(problems_of(options).size() == 2U);
}

BOOST_AUTO_TEST_CASE(each_of_the_13_algorithms_verifies_what_its_key_signed) {
    simdjson::dom::parser parser;
    const simdjson::dom::element document = parser.load("tests/vectors/jwt_vectors.json");
    std::map<std::string, int> valid;
    for (const auto row : document["vectors"].get_array()) {
        if (row["expect"].get_string().value() != "valid") continue;
        const auto token = row["token"].get_string().value();
        const auto header = JsonObject::parse(decode_base64url(token.substr(0, token.find('.'))).value());
        const std::string algorithm(as_string(header->find("alg").value()).value());
        JwtOptions options;
        options.algorithms = {algorithm};
        if (algorithm == "HS384" || algorithm == "HS512") continue;  // the set's secret is pinned to HS256
        options.jwks = simdjson::minify(document["jwks"].value());
        BOOST_TEST_CONTEXT(row["name"].get_string().value()) {
            BOOST_TEST(outcome(verifier(options).verify(token, row["now"].get_int64())) == "valid");
        }
        ++valid[algorithm];
    }
    for (const auto* algorithm : {"HS256", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
                                  "ES384", "ES512", "EdDSA"}) {
        BOOST_TEST_CONTEXT(algorithm) {
            BOOST_TEST(valid[algorithm] > 0);
        }
    }
    for (const auto& [algorithm, digest] : {std::pair{"HS384", Digest::sha384}, {"HS512", Digest::sha512}}) {
        JwtOptions options = hs256_options();
        options.algorithms = {algorithm};
        const auto input = encode_base64url(std::string(R"({"alg":")") + algorithm + "\"}") + '.' +
                           encode_base64url(R"({"exp":1767225700})");
        const auto token = input + '.' + encode_base64url(hmac(digest, secret, input));
        BOOST_TEST(outcome(verifier(options).verify(token, t0)) == "valid");
        BOOST_TEST(outcome(verifier(hs256_options()).verify(token, t0)) == "bad_algorithm");
    }
}

BOOST_AUTO_TEST_CASE(a_token_may_have_a_greatest_age) {
    JwtOptions options = hs256_options();
    options.max_token_age = std::chrono::seconds(60);
    const auto checked = verifier(options);
    const auto token = hs256(secret, R"({"exp":1767229200,"iat":1767225600})");
    BOOST_TEST(checked.verify(token, t0).value().last_valid == t0 + 90);
    BOOST_TEST(outcome(checked.verify(token, t0 + 90)) == "valid");
    BOOST_TEST(outcome(checked.verify(token, t0 + 91)) == "expired");
    BOOST_TEST(outcome(checked.verify(hs256(secret, R"({"exp":1767229200})"), t0)) == "bad_claims");
    const auto short_lived = hs256(secret, R"({"exp":1767225610,"iat":1767225600})");
    BOOST_TEST(checked.verify(short_lived, t0).value().last_valid == t0 + 40);
}

BOOST_AUTO_TEST_CASE(a_type_may_be_required_with_or_without_application) {
    JwtOptions options = hs256_options();
    options.require_typ = "at+jwt";
    const auto checked = verifier(options);
    const auto with = [](const std::string& header) {
        return hs256(secret, R"({"exp":1767225700})", header);
    };
    for (const auto* typ : {"at+jwt", "AT+JWT", "application/at+jwt"})
        BOOST_TEST(outcome(checked.verify(with(std::string(R"({"alg":"HS256","typ":")") + typ + "\"}"),
                                          t0)) == "valid");
    for (const auto* header :
         {R"({"alg":"HS256"})", R"({"alg":"HS256","typ":"JWT"})", R"({"alg":"HS256","typ":7})"})
        BOOST_TEST(outcome(checked.verify(with(header), t0)) == "bad_claims");
}

BOOST_AUTO_TEST_CASE(claims_may_be_required_to_be_something_or_to_have_it) {
    JwtOptions options = hs256_options();
    options.required_claims = {{"scope", "chat"}, {"/realm/roles", "user"}};
    const auto checked = verifier(options);
    const auto with = [](const std::string& claims) {
        return hs256(secret, R"({"exp":1767225700,)" + claims + '}');
    };
    for (const auto* claims : {R"("scope":"chat","realm":{"roles":["admin","user"]})",
                               R"("scope":"read chat write","realm":{"roles":"user"})"}) {
        BOOST_TEST_CONTEXT(claims) {
            BOOST_TEST(outcome(checked.verify(with(claims), t0)) == "valid");
        }
    }
    for (const auto* claims :
         {R"("scope":"chat")", R"("scope":"chatter","realm":{"roles":["user"]})",
          R"("scope":["chats"],"realm":{"roles":["user"]})", R"("scope":"chat","realm":{"roles":[["user"]]})",
          R"("scope":1,"realm":{"roles":["user"]})"}) {
        BOOST_TEST_CONTEXT(claims) {
            BOOST_TEST(outcome(checked.verify(with(claims), t0)) == "bad_claims");
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
