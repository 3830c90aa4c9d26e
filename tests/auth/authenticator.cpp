#include "proxy/auth/authenticator.h"

#include <boost/test/unit_test.hpp>

#include "tests/auth/make_credential.h"

using namespace forestay::auth;

namespace {

constexpr std::int64_t t0 = 1'767'225'600;
const std::string secret = "0123456789abcdef0123456789abcdef";

FlaskSessionOptions flask() {
    FlaskSessionOptions method;
    method.secret_keys = {"key"};
    return method;
}

JwtOptions jwt(std::string key = secret) {
    JwtOptions method;
    method.algorithms = {"HS256"};
    method.secret = std::move(key);
    return method;
}

TokenOptions tokens() {
    TokenOptions method;
    method.sha256 = {"55b4b48f529c3d2daa027cbffa6cfb6a03690424550f22109e39917406c8243b"};  // first-token
    method.subject = "robot";
    return method;
}

AuthOptions options_of(std::vector<Method> methods) {
    AuthOptions options;
    options.any_of = std::move(methods);
    options.from.query = {"token"};
    return options;
}

Authenticator made(AuthOptions options) {
    std::vector<std::string> problems;
    Authenticator authenticator(std::move(options), problems);
    BOOST_TEST(problems.empty());
    return authenticator;
}

// What a client says, owned, so that a test can write it in one line.
struct Client {
    std::string header = "";
    std::string cookie = "";
    std::string query = "";
    std::string connect = "";
};

std::string_view name_of(const result<Identity>& refused) {
    return name(static_cast<errc>(refused.error().value()));
}

// "method:subject", or the refusal in angle brackets.
std::string outcome(const Authenticator& authenticator, const Client& client) {
    Presented presented;
    if (!client.header.empty()) presented.authorization = {client.header};
    presented.cookie = client.cookie;
    presented.query = client.query;
    presented.connect_payload = client.connect;
    const auto identity = authenticator.check(presented, t0);
    if (identity) return identity->method + ':' + identity->subject;
    return '<' + std::string(name(static_cast<errc>(identity.error().value()))) + '>';
}

std::string session(std::string_view json, std::int64_t at = t0) {
    return "session=" + flask_cookie("key", json, at);
}
std::string bearer(std::string_view claims) {
    return "Bearer " + hs256(secret, claims);
}
std::string in_connect(std::string_view claims) {
    return R"({"token":")" + hs256(secret, claims) + "\"}";
}

const std::string alice = R"({"exp":1767225700,"sub":"alice"})";
const std::string expired_alice = R"({"exp":1767225000,"sub":"alice"})";
const std::string bob = R"({"_user_id":"bob"})";

}  // namespace

BOOST_AUTO_TEST_SUITE(authenticator)

BOOST_AUTO_TEST_CASE(each_method_takes_its_credential_where_it_may_be) {
    const auto all = made(options_of({flask(), jwt(), tokens()}));
    BOOST_TEST(outcome(all, {.cookie = session(bob)}) == "flask_session:bob");
    BOOST_TEST(outcome(all, {.header = bearer(alice)}) == "jwt:alice");
    BOOST_TEST(outcome(all, {.cookie = "session=" + hs256(secret, alice)}) == "jwt:alice");
    BOOST_TEST(outcome(all, {.query = "token=" + hs256(secret, alice)}) == "jwt:alice");
    BOOST_TEST(outcome(all, {.header = "Bearer first-token"}) == "token:robot");
    BOOST_TEST(outcome(all, {}) == "<no_credential>");
}

BOOST_AUTO_TEST_CASE(a_static_token_in_a_cookie_and_a_session_in_a_header_are_worth_nothing) {
    const auto all = made(options_of({flask(), jwt(), tokens()}));
    BOOST_TEST(outcome(all, {.cookie = "session=first-token"}) == "<bad_signature>");
    BOOST_TEST(outcome(all, {.header = "Bearer " + session(bob).substr(8)}) == "<unknown_token>");
}

BOOST_AUTO_TEST_CASE(the_most_telling_refusal_is_given) {
    const auto all = made(options_of({tokens(), jwt(), flask()}));
    const auto header = [&](std::string value) { return outcome(all, {.header = std::move(value)}); };
    const auto cookie = [&](std::string value) { return outcome(all, {.cookie = std::move(value)}); };
    BOOST_TEST(header(bearer(expired_alice)) == "<expired>");
    BOOST_TEST(header("Bearer nonsense") == "<unknown_token>");
    BOOST_TEST(header("Bearer " + hs256("another key", alice)) == "<bad_signature>");
    BOOST_TEST(header(bearer(R"({"exp":1767225700,"nbf":1767225700,"sub":"a"})")) == "<not_yet_valid>");
    BOOST_TEST(cookie(session(bob, 1)) == "<expired>");
    BOOST_TEST(cookie("session=" + hs256(secret, expired_alice)) == "<expired>");
    BOOST_TEST(cookie(session("{}")) == "<bad_identity>");
    BOOST_TEST(outcome(made(options_of({jwt()})),
                       {.header = "Bearer " + hs256(secret, alice, R"({"alg":"none"})")}) ==
               "<bad_algorithm>");
}

BOOST_AUTO_TEST_CASE(a_second_method_of_the_same_kind_is_tried) {
    const std::string other = "fedcba9876543210fedcba9876543210";
    const auto both = made(options_of({jwt(other), jwt()}));
    BOOST_TEST(outcome(both, {.header = bearer(alice)}) == "jwt:alice");
    BOOST_TEST(outcome(both, {.header = "Bearer " + hs256(other, alice)}) == "jwt:alice");
}

BOOST_AUTO_TEST_CASE(different_credentials_in_two_places_are_ambiguous) {
    const auto all = made(options_of({flask(), jwt(), tokens()}));
    const auto token = hs256(secret, alice);
    BOOST_TEST(outcome(all, {.header = "Bearer " + token, .query = "token=" + token}) == "jwt:alice");
    BOOST_TEST(outcome(all, {.header = "Bearer " + token, .query = "token=x"}) == "<ambiguous>");
    BOOST_TEST(outcome(all, {.header = "Bearer " + token, .cookie = session(bob)}) == "<ambiguous>");
    BOOST_TEST(outcome(all, {.header = "Bearer x", .cookie = session(bob)}) == "<ambiguous>");
    BOOST_TEST(outcome(all, {.header = "Bearer " + token, .cookie = "session=" + token}) == "jwt:alice");
}

BOOST_AUTO_TEST_CASE(a_cookie_that_proves_nothing_is_no_second_credential) {
    // Flask gives visitors a session for their CSRF token before anybody logs in, and browsers keep old ones.
    const auto all = made(options_of({flask(), jwt()}));
    for (const auto& cookie :
         {session(R"({"csrf_token":"x"})"), session(bob, 1), std::string("session=junk")}) {
        BOOST_TEST_CONTEXT(cookie) {
            BOOST_TEST(outcome(all, {.header = bearer(alice), .cookie = cookie}) == "jwt:alice");
            BOOST_TEST(outcome(all, {.header = bearer(expired_alice), .cookie = cookie}) == "<expired>");
        }
    }
}

BOOST_AUTO_TEST_CASE(two_cookies_that_prove_different_things_are_ambiguous) {
    auto options = options_of({flask()});
    options.from.cookie = {"session", "old_session"};
    const auto two = made(options);
    const auto old = [](std::string_view json) { return "; old_" + session(json); };
    BOOST_TEST(outcome(two, {.cookie = session(bob) + old(R"({"_user_id":"eve"})")}) == "<ambiguous>");
    BOOST_TEST(outcome(two, {.cookie = session(bob) + old("{}")}) == "flask_session:bob");
    BOOST_TEST(outcome(two, {.cookie = session("{}") + old(bob)}) == "flask_session:bob");
    BOOST_TEST(outcome(two, {.cookie = session(bob) + old(bob)}) == "flask_session:bob");
}

BOOST_AUTO_TEST_CASE(the_apps_own_authorization_header_does_not_disturb_a_session) {
    const auto only_flask = made(options_of({flask()}));
    for (const auto* header : {"Basic dXNlcjpwYXNz", "Bearer x", "Bearer a b"}) {
        BOOST_TEST(outcome(only_flask, {.header = header, .cookie = session(bob), .query = "token=x"}) ==
                   "flask_session:bob");
    }
}

BOOST_AUTO_TEST_CASE(the_apps_own_session_cookie_does_not_disturb_a_token) {
    const auto only_jwt = made(options_of({jwt()}));
    BOOST_TEST(outcome(only_jwt, {.header = bearer(alice), .cookie = session(bob)}) == "jwt:alice");
}

BOOST_AUTO_TEST_CASE(a_bad_cookie_does_not_shut_out_who_may_still_connect_with_a_token) {
    auto options = options_of({flask(), jwt()});
    options.from.connect = {"token"};
    const auto all = made(options);
    BOOST_TEST(all.accepts_connect());
    // At the handshake the payload is still to come; with it the answer is final.
    BOOST_TEST(outcome(all, {.cookie = session(bob, 1)}) == "<no_credential>");
    BOOST_TEST(outcome(all, {.cookie = session(bob, 1), .connect = in_connect(alice)}) == "jwt:alice");
    BOOST_TEST(outcome(all, {.cookie = session(bob, 1), .connect = "{}"}) == "<expired>");
    BOOST_TEST(outcome(all, {.connect = "{}"}) == "<no_credential>");
    BOOST_TEST(outcome(all, {.connect = in_connect(expired_alice)}) == "<expired>");
    BOOST_TEST(outcome(all, {.cookie = session(bob), .connect = in_connect(alice)}) == "<ambiguous>");
    BOOST_TEST(outcome(all, {.cookie = session(bob)}) == "flask_session:bob");
}

BOOST_AUTO_TEST_CASE(connect_is_accepted_only_when_a_method_could_judge_it) {
    BOOST_TEST(!made(options_of({jwt()})).accepts_connect());
    auto options = options_of({flask()});
    options.from.connect = {"token"};
    BOOST_TEST(!made(options).accepts_connect());
}

BOOST_AUTO_TEST_CASE(unusable_methods_are_told_and_let_nobody_in) {
    AuthOptions options = options_of({FlaskSessionOptions{}, JwtOptions{}, TokenOptions{}});
    options.protect = {"/socket.io/"};
    std::vector<std::string> problems;
    const Authenticator authenticator(options, problems);
    const std::vector<std::string> expected{
        "flask_session: needs a secret key, and none of them empty",
        "jwt: algorithms must name at least one",
        "token: sha256 must name at least one hash",
    };
    BOOST_TEST(problems == expected, boost::test_tools::per_element());
    BOOST_TEST(authenticator.protects("/socket.io/"));
    BOOST_TEST(
        outcome(authenticator, {.header = bearer(alice), .cookie = "session=" + flask_cookie("", bob, t0)}) ==
        "<no_credential>");
}

BOOST_AUTO_TEST_CASE(protecting_without_a_method_is_a_problem) {
    AuthOptions options;
    options.protect = {"/ws", "ws"};
    std::vector<std::string> problems;
    const Authenticator authenticator(options, problems);
    BOOST_TEST(problems.size() == 2U);
    auto pointer = options_of({flask()});
    std::get<FlaskSessionOptions>(pointer.any_of.front()).identity = "_user_id";
    problems.clear();
    const Authenticator no_pointer(pointer, problems);
    BOOST_TEST(problems.at(0) ==
               "flask_session: identity must be a JSON Pointer such as /sub, not \"_user_id\"");
}

BOOST_AUTO_TEST_CASE(the_options_that_are_kept_hold_no_secrets) {
    const auto all = made(options_of({flask(), jwt()}));
    BOOST_TEST(std::get<FlaskSessionOptions>(all.options().any_of.at(0)).secret_keys.empty());
    BOOST_TEST(std::get<JwtOptions>(all.options().any_of.at(1)).secret.empty());
}

BOOST_AUTO_TEST_CASE(a_cookie_header_beyond_its_bounds_is_refused) {
    const auto all = made(options_of({flask()}));
    BOOST_TEST(outcome(all, {.cookie = session(bob) + "; a=" + std::string(8 << 10, 'b')}) == "<malformed>");
}

// Starlette read the last of two cookies and we the first: the app served one user, and was told of another.
BOOST_AUTO_TEST_CASE(of_cookies_of_one_name_the_one_counts_that_the_framework_reads) {
    const auto by_starlette = [](std::string_view user) {
        return "session=" + starlette_cookie("key", R"({"user":")" + std::string(user) + "\"}", t0);
    };
    StarletteSessionOptions method;
    method.secret_keys = {"key"};
    method.identity = "/user";
    const auto starlette = made(options_of({method}));
    BOOST_TEST(outcome(starlette, {.cookie = by_starlette("ann") + "; " + by_starlette("bob")}) ==
               "starlette_session:bob");
    BOOST_TEST(outcome(starlette, {.cookie = "session=old; " + by_starlette("bob")}) ==
               "starlette_session:bob");
    const auto werkzeug = made(options_of({flask()}));
    BOOST_TEST(outcome(werkzeug, {.cookie = session(bob) + "; session=old"}) == "flask_session:bob");
    BOOST_TEST(outcome(made(options_of({flask(), method})),
                       {.cookie = session(bob) + "; " + by_starlette("ann")}) == "flask_session:bob");
}

BOOST_AUTO_TEST_CASE(a_certificate_counts_where_nothing_else_proves_anything) {
    using Name = ClientCertificateOptions::Name;
    Certificate certificate;
    certificate.uris = {"spiffe://example/bot", "spiffe://example/other"};
    certificate.dns_names = {"bot.example"};
    certificate.common_name = "bot";
    certificate.not_after = std::chrono::system_clock::from_time_t(t0 + 60);
    certificate.verified = true;
    Presented presented;
    presented.certificate = &certificate;
    const auto by = [&](Name which, std::int64_t now = t0) -> std::string {
        const auto found =
            made(options_of({ClientCertificateOptions{which}, tokens()})).check(presented, now);
        if (!found) return '<' + std::string(name_of(found)) + '>';
        BOOST_TEST(found->expires.value_or(0) == t0 + 60);
        return found->method + ':' + found->subject;
    };
    BOOST_TEST(by(Name::san_uri) == "client_certificate:spiffe://example/bot");
    BOOST_TEST(by(Name::san_dns) == "client_certificate:bot.example");
    BOOST_TEST(by(Name::common_name) == "client_certificate:bot");
    BOOST_TEST(by(Name::san_email) == "<bad_identity>");
    BOOST_TEST(by(Name::san_uri, t0 + 61) == "<expired>");
    certificate.verified = false;
    BOOST_TEST(by(Name::san_uri) == "<no_credential>");
    certificate.verified = true;
    const std::string bearer = "Bearer wrong";
    presented.authorization = {bearer};
    BOOST_TEST(by(Name::san_uri) == "<unknown_token>");
    presented.authorization.clear();
    BOOST_TEST(made(options_of({tokens()})).check(presented, t0).has_error());
}

BOOST_AUTO_TEST_SUITE_END()
