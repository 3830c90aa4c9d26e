#include "proxy/auth/starlette_session.h"

#include <boost/test/unit_test.hpp>

#include "tests/auth/make_credential.h"

using namespace forestay::auth;

namespace {

constexpr std::int64_t t0 = 1'767'225'600;

std::string outcome(const result<SignedSession>& session) {
    return session ? "valid" : std::string(name(static_cast<errc>(session.error().value())));
}

SignedCookieVerifier verifier(std::vector<std::string> keys) {
    StarletteSessionOptions options;
    options.secret_keys = std::move(keys);
    return starlette_session_verifier(options);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(starlette_session)

BOOST_AUTO_TEST_CASE(judges_all_11_vectors_as_starlette_does) {
    simdjson::dom::parser parser;
    const simdjson::dom::element document = parser.load("tests/vectors/starlette_session_vectors.json");
    std::size_t rows = 0;
    for (const auto row : document["vectors"].get_array()) {
        ++rows;
        BOOST_TEST_CONTEXT(row["name"].get_string().value()) {
            StarletteSessionOptions options;
            options.secret_keys = {std::string(row["secret"].get_string().value())};
            options.max_age = std::chrono::seconds(row["max_age_s"].get_int64().value());
            options.clock_skew = std::chrono::seconds(0);  // as Starlette
            const auto session = starlette_session_verifier(options).verify(row["cookie"].get_string(),
                                                                            row["now"].get_int64());
            BOOST_TEST(outcome(session) == row["forestay_result"].get_string().value());
            if (session) BOOST_TEST(session->json == row["payload_json"].get_string().value());
        }
    }
    BOOST_TEST(rows == 11U);
}

BOOST_AUTO_TEST_CASE(keys_rotate) {
    const auto by_old = starlette_cookie("old", R"({"user": "1"})", t0);
    BOOST_TEST(outcome(verifier({"new", "old"}).verify(by_old, t0)) == "valid");
    BOOST_TEST(outcome(verifier({"new"}).verify(by_old, t0)) == "bad_signature");
}

BOOST_AUTO_TEST_CASE(is_valid_for_14_days_and_up_to_5_seconds_early) {
    const auto cookie = starlette_cookie("key", "{}", t0);
    const auto last = verifier({"key"}).verify(cookie, t0).value().last_valid;
    BOOST_TEST(last == t0 + 1'209'600);
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie, last)) == "valid");
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie, last + 1)) == "expired");
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie, t0 - 5)) == "valid");
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie, t0 - 6)) == "expired");
}

BOOST_AUTO_TEST_CASE(a_payload_has_one_spelling_and_a_bound) {
    for (const std::string payload : {"e30", "e31=", "e30==", "", "bnVsbA==", ".e30="}) {
        BOOST_TEST_CONTEXT(payload) {
            BOOST_TEST(outcome(verifier({"key"}).verify(sign_starlette("key", payload, t0), t0)) ==
                       "malformed");
        }
    }
    BOOST_TEST(outcome(verifier({"key"}).verify(sign_starlette("key", "e30=", t0), t0)) == "valid");
    const auto of_size = [](std::size_t size) {
        return starlette_cookie("key", R"({"a":")" + std::string(size - 8, 'x') + "\"}", t0);
    };
    BOOST_TEST(outcome(verifier({"key"}).verify(of_size(64 << 10), t0)) == "valid");
    BOOST_TEST(outcome(verifier({"key"}).verify(of_size((64 << 10) + 1), t0)) == "malformed");
}

BOOST_AUTO_TEST_SUITE_END()
