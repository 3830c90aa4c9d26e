// Who a verified credential names, and what of it the upstream is told.
#include <boost/test/unit_test.hpp>

#include "proxy/auth/authenticator.h"
#include "tests/auth/make_credential.h"

using namespace forestay::auth;

namespace {

constexpr std::int64_t t0 = 1'767'225'600;
const std::string secret = "0123456789abcdef0123456789abcdef";

Authenticator made(AuthOptions options) {
    std::vector<std::string> problems;
    Authenticator authenticator(std::move(options), problems);
    BOOST_TEST(problems.empty());
    return authenticator;
}

AuthOptions flask(std::string pointer = "/_user_id") {
    FlaskSessionOptions method;
    method.secret_keys = {"key"};
    method.identity = std::move(pointer);
    AuthOptions options;
    options.any_of = {method};
    return options;
}

AuthOptions jwt(std::string pointer = "/sub") {
    JwtOptions method;
    method.algorithms = {"HS256"};
    method.secret = secret;
    method.identity = std::move(pointer);
    AuthOptions options;
    options.any_of = {method};
    return options;
}

result<Identity> by_session(const Authenticator& authenticator, std::string_view json) {
    const auto cookie = "session=" + flask_cookie("key", json, t0);
    Presented presented;
    presented.cookie = cookie;
    return authenticator.check(presented, t0);
}

result<Identity> by_token(const Authenticator& authenticator, std::string_view claims) {
    const auto header = "Bearer " + hs256(secret, claims);
    Presented presented;
    presented.authorization = {header};
    return authenticator.check(presented, t0);
}

std::string subject(const result<Identity>& identity) {
    return identity ? identity->subject
                    : '<' + std::string(name(static_cast<errc>(identity.error().value()))) + '>';
}

std::string headers(const Authenticator& authenticator, const Identity& identity) {
    std::string out;
    for (const auto& [header, value] : authenticator.identity_headers(identity))
        out += header + '=' + value + ';';
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(identity)

BOOST_AUTO_TEST_CASE(a_session_names_its_user_whatever_flask_wraps_it_in) {
    const char* table[][3] = {
        {"/_user_id", R"({"_user_id":"42"})", "42"},
        {"/_user_id", R"({"_user_id":42})", "42"},
        {"/_user_id", R"({"_user_id":-42})", "-42"},
        {"/_user_id", R"({"_user_id":18446744073709551615})", "18446744073709551615"},
        {"/_user_id", R"({"_user_id":"Zo\u00eb"})", "Zo\xC3\xAB"},
        {"/id", R"({"id":{" u":"00000000000000000000000000000005"}})",
         "00000000-0000-0000-0000-000000000005"},
        {"/name", R"({"name":{" m":"Alice"}})", "Alice"},
        {"/user/1", R"({"user":{" t":["Alice",7]}})", "7"},
        {"/user/name", R"({"user":{"name":"alice"}})", "alice"},
        {"/x/ t", R"({"x":{" di":{" t__":"alice"}}})", "alice"},
        {"/a~1b/c~0d", R"({"a/b":{"c~d":"alice"}})", "alice"},
    };
    for (const auto& [pointer, json, expected] : table) {
        BOOST_TEST_CONTEXT(json) {
            BOOST_TEST(subject(by_session(made(flask(pointer)), json)) == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_session_of_nobody_is_refused) {
    for (const auto* json : {"{}", R"({"_user_id":null})", R"({"_user_id":true})", R"({"_user_id":1.5})",
                             R"({"_user_id":["1"]})", R"({"_user_id":{"id":"1"}})", R"({"_user_id":""})",
                             R"({"x":{"_user_id":"1"}})"}) {
        BOOST_TEST_CONTEXT(json) {
            BOOST_TEST(subject(by_session(made(flask()), json)) == "<bad_identity>");
        }
    }
    BOOST_TEST(subject(by_session(made(flask("/a/01")), R"({"a":["x","y"]})")) == "<bad_identity>");
    BOOST_TEST(subject(by_session(made(flask("/a/-")), R"({"a":["x","y"]})")) == "<bad_identity>");
    BOOST_TEST(subject(by_session(made(flask("/a/2")), R"({"a":["x","y"]})")) == "<bad_identity>");
}

BOOST_AUTO_TEST_CASE(subjects_are_plain_and_short) {
    const auto authenticator = made(jwt());
    const auto of = [&](const std::string& sub) {
        return subject(by_token(authenticator, R"({"exp":1767225700,"sub":")" + sub + "\"}"));
    };
    BOOST_TEST(of("alice") == "alice");
    BOOST_TEST(of("auth0|5f7c8ec7") == "auth0|5f7c8ec7");
    BOOST_TEST(of(R"(\u00e9)") == "\xC3\xA9");
    BOOST_TEST(of(std::string(256, 'a')) == std::string(256, 'a'));
    for (const auto* sub :
         {R"(a\r\nX-Admin: 1)", R"(a\u0000)", R"(a\t)", R"(a\u007f)", R"(a\u0085b)", " root", "root ", ""}) {
        BOOST_TEST_CONTEXT(sub) {
            BOOST_TEST(of(sub) == "<bad_identity>");
        }
    }
    BOOST_TEST(of(std::string(257, 'a')) == "<bad_identity>");
}

BOOST_AUTO_TEST_CASE(flask_tags_mean_nothing_in_a_token) {
    BOOST_TEST(subject(by_token(made(jwt("/id")), R"({"exp":1767225700,"id":{" m":"alice"}})")) ==
               "<bad_identity>");
}

BOOST_AUTO_TEST_CASE(identity_says_method_end_and_content) {
    const auto session = by_session(made(flask()), R"({"_user_id":"1"})").value();
    BOOST_TEST(session.method == "flask_session");
    BOOST_TEST(session.expires.value() == t0 + 2'678'400);
    BOOST_TEST(session.claims == R"({"_user_id":"1"})");
    const auto token = by_token(made(jwt()), R"({"exp":1767225700,"sub":"a"})").value();
    BOOST_TEST(token.method == "jwt");
    BOOST_TEST(token.expires.value() == t0 + 100 + 30);
    BOOST_TEST(token.claims == R"({"exp":1767225700,"sub":"a"})");
}

BOOST_AUTO_TEST_CASE(identity_headers_carry_claims_that_are_there_and_plain) {
    auto options = jwt();
    options.identity_headers = {
        {"X-User", "sub"}, {"X-Email", "email"}, {"X-Team", "/org/team"}, {"X-Level", "/level"}};
    const auto authenticator = made(options);
    const auto of = [&](const std::string& claims) {
        return headers(authenticator,
                       by_token(authenticator, R"({"exp":1767225700,"sub":"a",)" + claims + '}').value());
    };
    BOOST_TEST(of(R"("email":"a@b.example","org":{"team":"x"},"level":3)") ==
               "X-User=a;X-Email=a@b.example;X-Team=x;X-Level=3;");
    BOOST_TEST(of(R"("email":null,"org":"none")") == "X-User=a;");
    BOOST_TEST(of(R"("email":"a\r\nX-Admin: 1","level":[1])") == "X-User=a;");
    BOOST_TEST(of("\"email\":\"" + std::string(1025, 'a') + '"') == "X-User=a;");
}

BOOST_AUTO_TEST_CASE(sub_of_a_session_is_its_user) {
    auto options = flask();
    options.identity_headers = {{"X-User", "sub"}, {"X-Name", "/name"}};
    const auto authenticator = made(options);
    const auto who = by_session(authenticator, R"({"_user_id":"1","sub":"root","name":{" m":"Al"}})").value();
    BOOST_TEST(headers(authenticator, who) == "X-User=1;X-Name=Al;");
}

BOOST_AUTO_TEST_CASE(sub_of_a_token_is_the_claim_even_when_the_identity_is_another) {
    auto options = jwt("/email");
    options.identity_headers = {{"X-User", "sub"}};
    const auto authenticator = made(options);
    BOOST_TEST(headers(authenticator,
                       by_token(authenticator, R"({"exp":1767225700,"email":"a@b","sub":"7"})").value()) ==
               "X-User=7;");
    BOOST_TEST(
        headers(authenticator, by_token(authenticator, R"({"exp":1767225700,"email":"a@b"})").value()) == "");
}

BOOST_AUTO_TEST_SUITE_END()
