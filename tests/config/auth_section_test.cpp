#include "config/auth_section.h"

#include <boost/test/unit_test.hpp>

#include "tests/config/given.h"

using namespace forestay;
using namespace forestay::config;
using namespace forestay::config::test;

namespace {

const std::string key_of_32 = "0123456789abcdef0123456789abcdef";
const std::string hash(64, 'a');

// `method` in any_of, with something protected by it. It stands in line 5, from column 7.
Given method(const std::string& yaml) {
    Given given = with("auth:\n  protect: [/]\n  any_of:\n    - " + yaml + "\n");
    given.files = {{"key", key_of_32 + "\n"}, {"empty", "\n"}, {"old", "old key\r\n"}, {"short", "abc"}};
    return given;
}

template <class Options>
Options options(const Given& given) {
    const auto methods = given.load().config.auth.any_of;
    BOOST_REQUIRE_EQUAL(methods.size(), 1U);
    return std::get<Options>(methods[0]);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(auth_section)

BOOST_AUTO_TEST_CASE(a_flask_session) {
    const auto given =
        method("flask_session: {secret_key_file: [key, old], identity: /user, max_age: 1500ms}");
    CHECK_LINES(given.problems(), {});
    const auto got = options<auth::FlaskSessionOptions>(given);
    CHECK_LINES(got.secret_keys, {key_of_32, "old key"});
    BOOST_CHECK_EQUAL(got.identity, "/user");
    BOOST_CHECK(got.max_age == std::chrono::seconds(2));
    BOOST_CHECK(got.clock_skew == std::chrono::seconds(5));
}

BOOST_AUTO_TEST_CASE(a_starlette_session) {
    const auto given = method("starlette_session: {secret_key_file: [key, old], identity: /user/id}");
    CHECK_LINES(given.problems(), {});
    const auto got = options<auth::StarletteSessionOptions>(given);
    CHECK_LINES(got.secret_keys, {key_of_32, "old key"});
    BOOST_CHECK_EQUAL(got.identity, "/user/id");
    BOOST_CHECK(got.max_age == std::chrono::hours(14 * 24));
    BOOST_CHECK(got.clock_skew == std::chrono::seconds(5));
}

BOOST_AUTO_TEST_CASE(another_server_that_judges) {
    const auto given = method("forward: {url: 'http://127.0.0.1:4180/oauth2/auth'}");
    CHECK_LINES(given.problems(), {});
    const auto got = given.load().config.auth.forward.value();
    BOOST_CHECK_EQUAL(got.url, "http://127.0.0.1:4180/oauth2/auth");
    BOOST_CHECK(got.timeout == std::chrono::seconds(1));
    BOOST_CHECK(got.recheck == std::chrono::minutes(5));
    BOOST_CHECK(got.copy_headers.empty() && got.identity.empty() && !got.interactive);
    const auto all = method(
        "forward: {url: 'https://auth.example/verify', timeout: 20ms, recheck: 1s, "
        "copy_headers: [Remote-User, Remote-Groups], identity: Remote-User, interactive: true}");
    CHECK_LINES(all.problems(), {});
    const auto every = all.load().config.auth.forward.value();
    BOOST_CHECK(every.timeout == std::chrono::milliseconds(20));
    CHECK_LINES(every.copy_headers, {"Remote-User", "Remote-Groups"});
    BOOST_CHECK_EQUAL(every.identity, "Remote-User");
    BOOST_CHECK(every.interactive);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_another_server_is_told) {
    CHECK_LINES(method("forward: {timeout: 1s}").problems(),
                {"6:16: auth.any_of[0].forward.url is missing: text is expected"});
    BOOST_CHECK_EQUAL(method("forward: {url: 'ftp://a/'}").problems().size(), 1U);
    CHECK_LINES(method("forward: {url: 'http://a/', copy_headers: [Host, X-User, upgrade]}").problems(),
                {"6:50: auth.any_of[0].forward.copy_headers: the app cannot get another \"Host\"",
                 "6:64: auth.any_of[0].forward.copy_headers: the app cannot get another \"upgrade\""});
    CHECK_LINES(method("forward: {url: 'http://a/'}\n    - forward: {url: 'http://b/'}").problems(),
                {"7:7: auth.any_of[1].forward: one is there already: keep one"});
}

BOOST_AUTO_TEST_CASE(plain_http_to_far_away_is_warned_of) {
    const auto warned = [](const std::string& url) {
        return !method("forward: {url: '" + url + "'}").problems().empty();
    };
    for (const auto* near :
         {"http://localhost:1/", "http://authelia:9091/", "http://10.1.2.3/", "http://172.31.0.1/",
          "http://192.168.0.1/", "http://[fd00::1]/", "https://auth.example/"})
        BOOST_CHECK_MESSAGE(!warned(near), near);
    for (const auto* far :
         {"http://auth.example/", "http://172.32.0.1/", "http://8.8.8.8/", "http://[2001:db8::1]/"})
        BOOST_CHECK_MESSAGE(warned(far), far);
}

BOOST_AUTO_TEST_CASE(a_jwt) {
    CHECK_LINES(
        method("jwt: {algorithms: [HS256], secret_file: key, issuer: i, audience: a, leeway: 1s}").problems(),
        {});
    const auto got = options<auth::JwtOptions>(
        method("jwt: {algorithms: [HS256], secret_file: key, issuer: i, audience: a, leeway: 1s}"));
    CHECK_LINES(got.algorithms, {"HS256"});
    BOOST_CHECK_EQUAL(got.secret, key_of_32);
    BOOST_CHECK_EQUAL(got.issuer, "i");
    CHECK_LINES(got.audience, {"a"});
    BOOST_CHECK(got.leeway == std::chrono::seconds(1));
    BOOST_CHECK_EQUAL(got.identity, "/sub");
}

BOOST_AUTO_TEST_CASE(what_else_a_jwt_must_have) {
    const auto got = options<auth::JwtOptions>(
        method("jwt: {algorithms: [HS256], secret_file: key, max_token_age: 1h, require_typ: at+jwt, "
               "required_claims: {scope: chat, /realm/roles: user}}"));
    BOOST_CHECK(got.max_token_age == std::chrono::hours(1));
    BOOST_CHECK_EQUAL(got.require_typ, "at+jwt");
    BOOST_REQUIRE_EQUAL(got.required_claims.size(), 2U);
    BOOST_CHECK_EQUAL(got.required_claims[1].first, "/realm/roles");
    BOOST_CHECK_EQUAL(got.required_claims[1].second, "user");
    const auto bare = options<auth::JwtOptions>(method("jwt: {algorithms: [HS256], secret_file: key}"));
    BOOST_CHECK(!bare.max_token_age && bare.require_typ.empty() && bare.required_claims.empty());
}

BOOST_AUTO_TEST_CASE(fixed_tokens) {
    Given given = method("token: {sha256_file: hashes, subject: robot}");
    given.files["hashes"] = "# of the robot\n\n  " + std::string(64, 'A') + " \r\n" + hash + " name=ci";
    CHECK_LINES(given.problems(), {});
    const auto got = options<auth::TokenOptions>(given);
    CHECK_LINES(got.sha256, {std::string(64, 'A'), hash + " name=ci"});
    BOOST_CHECK_EQUAL(got.subject, "robot");
}

BOOST_AUTO_TEST_CASE(secrets_in_plain_sight_are_a_warning) {
    CHECK_LINES(method("jwt: {algorithms: HS256, secret: " + key_of_32 + "}").problems(),
                {"6:40: warning: auth.any_of[0].jwt.secret: a secret in plain sight: put it into a file "
                 "(secret_file) or "
                 "the environment (${NAME})"});
    Given given = method("jwt: {algorithms: HS256, secret: \"${KEY}\"}");
    given.variables["KEY"] = key_of_32;
    CHECK_LINES(given.problems(), {});
}

BOOST_AUTO_TEST_CASE(files_of_secrets_that_everybody_can_read_are_a_warning) {
    Given given = method("flask_session: {secret_key_file: key}");
    given.others_can_read = true;
    CHECK_LINES(given.problems(),
                {"6:40: warning: \"key\" holds a secret, and every user of this machine can read it: "
                 "chmod o-r"});
    BOOST_CHECK(given.load().good);
}

BOOST_AUTO_TEST_CASE(secrets_that_are_not_there) {
    CHECK_LINES(method("flask_session: {secret_key_file: missing}").problems(),
                {"6:40: cannot read \"missing\": No such file or directory"});
    CHECK_LINES(method("jwt: {algorithms: HS256, secret_file: empty}").problems(),
                {"6:45: \"empty\" is empty: a secret is expected in it"});
    CHECK_LINES(method("flask_session: {}").problems(),
                {"6:7: auth.any_of[0]: flask_session: needs a secret key, and none of them empty"});
    CHECK_LINES(method("jwt: {algorithms: RS256, jwks_file: missing}").problems(),
                {"6:43: cannot read \"missing\": No such file or directory"});
}

BOOST_AUTO_TEST_CASE(a_secret_given_twice_leaves_open_which_counts) {
    CHECK_LINES(method("jwt: {algorithms: HS256, secret: x, secret_file: key}").problems(),
                {"6:56: auth.any_of[0].jwt: secret and secret_file are both set: keep one"});
}

BOOST_AUTO_TEST_CASE(what_the_guard_cannot_use_is_told_at_its_method) {
    CHECK_LINES(method("jwt: {algorithms: HS256, secret: \"${S}\"}").problems(),
                {"6:40: the environment variable S is not set, and ${S} has no default: ${S:-default}"});
    CHECK_LINES(method("jwt: {algorithms: HS256, secret: \"\"}").problems(),
                {"6:40: auth.any_of[0].jwt.secret is empty: text is expected"});
    CHECK_LINES(method("jwt: {algorithms: HS256, secret_file: short}").problems(),
                {"6:7: auth.any_of[0]: jwt: HS256 needs a secret of at least 32 bytes"});
    CHECK_LINES(method("token: {sha256: abc}").problems(),
                {"6:7: auth.any_of[0]: token: sha256 entry 1 is not 64 hex digits"});
}

BOOST_AUTO_TEST_CASE(messages_never_show_a_secret) {
    for (const std::string yaml :
         {"jwt: {algorithms: HS256, secret: hunter2}", "flask_session: {secret_key: [hunter2, [x]]}",
          "token: {sha256: [hunter2]}", "jwt: {algorithms: x, secret: hunter2, secret_file: key}"}) {
        for (const std::string& line : method(yaml).problems()) {
            BOOST_CHECK_MESSAGE(line.find("hunter2") == std::string::npos, line);
        }
    }
}

BOOST_AUTO_TEST_CASE(each_element_has_one_method) {
    CHECK_LINES(method("{}").problems(), {"6:7: auth.any_of[0]: exactly one of these is expected: "
                                          "flask_session, starlette_session, jwt, token, "
                                          "client_certificate, forward"});
    CHECK_LINES(
        method("{token: {sha256: " + hash + "}, jwt: {algorithms: HS256, secret_file: key}}").problems(),
        {"6:" + std::to_string(27 + 64) +
         ": auth.any_of[0]: exactly one of these is expected: flask_session, starlette_session, jwt, token, "
         "client_certificate, forward"});
}

BOOST_AUTO_TEST_CASE(protection_without_a_method_lets_nobody_in) {
    CHECK_LINES(with("auth: {protect: [/socket.io/]}\n").problems(),
                {"3:17: auth.protect without auth.any_of: nobody could get in"});
}

BOOST_AUTO_TEST_CASE(places_and_headers_arrive) {
    const Loaded got = loaded(
        "auth:\n"
        "  from: {header: [x-token], query: [token], cookie: [], protocol: bearer, connect: [token, auth]}\n"
        "  refuse_with: http\n"
        "  identity_headers: {X-User: sub, X-Mail: /mail}\n");
    CHECK_LINES(got.config.auth.from.header, {"x-token"});
    CHECK_LINES(got.config.auth.from.query, {"token"});
    CHECK_LINES(got.config.auth.from.cookie, {});
    CHECK_LINES(got.config.auth.from.protocol, {"bearer"});
    CHECK_LINES(got.config.auth.from.connect, {"token", "auth"});
    BOOST_CHECK(got.config.auth.refuse_with == auth::RefuseWith::http);
    BOOST_CHECK_EQUAL(got.config.auth.identity_headers.at(0).first, "X-User");
    BOOST_CHECK_EQUAL(got.config.auth.identity_headers.at(1).second, "/mail");
    CHECK_LINES(with("auth: {identity_headers: {\"X User\": sub}}\n").problems(),
                {"3:27: auth.identity_headers: \"X User\" is not the name of a header"});
}

BOOST_AUTO_TEST_CASE(what_becomes_of_sessions_whose_credential_ends) {
    const auto closes = loaded("").config;
    BOOST_CHECK(closes.auth.on_expiry == auth::OnExpiry::close);
    BOOST_CHECK(closes.session.expiry.warning.count() == 0);
    BOOST_CHECK(closes.session.expiry.refresh_event.empty());
    const auto warns = loaded("auth: {on_expiry: warn, refresh: {}}\n").config;
    BOOST_CHECK(warns.auth.on_expiry == auth::OnExpiry::warn);
    BOOST_CHECK(warns.session.expiry.warning == std::chrono::seconds(60));
    BOOST_CHECK_EQUAL(warns.session.expiry.refresh_event, "forestay:auth");
    BOOST_CHECK_EQUAL(warns.session.expiry.refresh_field, "token");
    const auto named = loaded("auth: {on_expiry: ignore}\n").config;
    BOOST_CHECK(named.auth.on_expiry == auth::OnExpiry::ignore);
}

BOOST_AUTO_TEST_CASE(a_refresh_that_can_not_work_is_told) {
    const auto told = [](const std::string& auth, const std::string& problem) {
        Given given = with("auth:\n  refresh: {}\n" + auth);
        given.files = {{"key", key_of_32}};
        const auto problems = given.problems();
        BOOST_CHECK(std::any_of(problems.begin(), problems.end(), [&](const std::string& line) {
            return line.find(problem) != std::string::npos;
        }));
    };
    told("  on_expiry: ignore\n", "nothing ends that could be renewed");
    told("  protect: [/]\n  any_of: [{flask_session: {secret_key_file: key}}]\n", "without jwt or token");
    Given reserved = with("auth: {refresh: {event: disconnect}}\n");
    BOOST_CHECK(reserved.problems().at(0).find("no client may emit") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(failed_credentials_have_a_rate) {
    const auto usual = loaded("").config;
    BOOST_CHECK_EQUAL(usual.net.failed_rate.count, 10U);
    BOOST_CHECK(usual.net.failed_rate.per == std::chrono::minutes(1));
    BOOST_CHECK(!loaded("auth: {failed_rate: off}\n").config.net.failed_rate.bounded());
}

BOOST_AUTO_TEST_CASE(origins_arrive) {
    const Loaded got = loaded(
        "cors:\n"
        "  allowed_origins: [same-origin, https://a.example, {regex: 'https://b[0-9]+\\.example'}]\n"
        "  allow_missing_origin: never\n"
        "  allow_credentials: false\n"
        "  allowed_headers: []\n");
    CHECK_LINES(got.config.origins.allowed, {"same-origin", "https://a.example"});
    CHECK_LINES(got.config.origins.allowed_regex, {"https://b[0-9]+\\.example"});
    BOOST_CHECK(got.config.origins.allow_missing == auth::MissingOrigin::never);
    BOOST_CHECK(!got.config.origins.allow_credentials);
    BOOST_CHECK(got.config.origins.allow_headers.empty());
}

BOOST_AUTO_TEST_CASE(origins_that_are_none_are_told_where_they_stand) {
    CHECK_LINES(with("cors:\n  allowed_origins:\n    - https://a.example/path\n    - {regex: '('}\n    - "
                     "{regexp: x}\n")
                    .problems(),
                {"5:7: cors.allowed_origins[0]: \"https://a.example/path\" is no origin "
                 "(scheme://host[:port], no path), "
                 "nor a pattern of them",
                 "6:7: cors.allowed_origins[1]: origin regex (: missing ): (",
                 "7:7: cors.allowed_origins[2].regex is missing: text is expected",
                 "7:8: unknown key \"regexp\" in cors.allowed_origins[2]: did you mean \"regex\"?"});
}

BOOST_AUTO_TEST_CASE(keys_of_a_jwt_by_url) {
    const auto jwt = [](const std::string& more) {
        Given given = method("jwt: {algorithms: RS256, " + more + "}");
        given.files["ca.pem"] = "-----BEGIN CERTIFICATE-----\n";
        given.files["keys"] = "{}";
        return given;
    };
    const Given full =
        jwt("jwks_url: \"https://id.example/keys\", jwks_ca_file: ca.pem, jwks_max_stale: 1h, "
            "start_degraded: true");
    CHECK_LINES(full.problems(), {});
    const auto got = options<auth::JwtOptions>(full);
    BOOST_CHECK_EQUAL(got.jwks_url, "https://id.example/keys");
    BOOST_CHECK(got.jwks_ca_file.ends_with("ca.pem"));
    BOOST_CHECK(got.jwks_max_stale == std::chrono::hours(1));
    BOOST_CHECK(got.start_degraded);
    const auto bare = options<auth::JwtOptions>(jwt("jwks_url: \"http://127.0.0.1:8080/keys\""));
    BOOST_CHECK(bare.jwks_max_stale == std::chrono::hours(24));
    BOOST_CHECK(!bare.start_degraded);

    CHECK_LINES(
        jwt("jwks_url: \"http://id.example/keys\"").problems(),
        {"6:42: auth.any_of[0].jwt.jwks_url: https:// is needed: on the way, anybody could put in a key"});
    CHECK_LINES(jwt("jwks_url: \"https://a@id.example/\"").problems(),
                {"6:42: auth.any_of[0].jwt.jwks_url: a URL has no user or password here"});
    CHECK_LINES(jwt("jwks_ca_file: ca.pem, public_key_file: keys").problems(),
                {"6:46: auth.any_of[0].jwt.jwks_ca_file without jwks_url"});
    CHECK_LINES(jwt("jwks_url: \"https://id.example/\", jwks_ca_file: keys").problems(),
                {"6:79: auth.any_of[0].jwt.jwks_ca_file: \"keys\" has no PEM certificate"});
    CHECK_LINES(jwt("jwks_file: keys, jwks_url: \"https://id.example/\"").problems(),
                {"6:59: auth.any_of[0].jwt: jwks_url and jwks_file are both set: keep one"});
    CHECK_LINES(
        method("jwt: {algorithms: HS256, secret_file: key, jwks_url: \"https://id.example/\"}").problems(),
        {"6:7: auth.any_of[0]: jwt: jwks_url without an algorithm that uses public keys"});
}

BOOST_AUTO_TEST_SUITE_END()
