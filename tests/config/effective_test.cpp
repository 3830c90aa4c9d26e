#include "config/effective.h"

#include <boost/test/unit_test.hpp>

#include "tests/config/given.h"

using namespace forestay::config;
using namespace forestay::config::test;

BOOST_AUTO_TEST_SUITE(effective)

BOOST_AUTO_TEST_CASE(what_is_in_force_is_written_in_full) {
    const std::string got = effective_yaml(loaded("drain: {timeout: 3s}\n").effective);
    BOOST_CHECK(got.starts_with(
        "listen:\n  - 127.0.0.1:8080\nupstream:\n  url:\n    - http://127.0.0.1:5000\n  transport: auto\n"));
    BOOST_CHECK(got.find("drain:\n  timeout: 3s\n") != std::string::npos);
    BOOST_CHECK(got.find("cors:\n  allowed_origins:\n    - same-origin\n") != std::string::npos);
    // What is not built yet would be refused when read again.
    BOOST_CHECK(got.find("delay") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_was_written_reads_as_the_same) {
    const std::string yaml =
        "listen: [127.0.0.1:1, \"[::1]:2\", unix:/run/x]\n"
        "upstream: http://a:1/p\n"
        "cors: {allowed_origins: [\"*\", {regex: 'https://a\\.example$'}], allowed_headers: []}\n"
        "auth:\n"
        "  identity_headers: {X-A: \"/a b\", X-B: \"$${x}\"}\n"
        "requests:\n"
        "  - name: a\n"
        "    match: {event: \"*\", where: {/a: 1, /b: \"1\", /c: null, /d: true, /e: -5, \"/f: #\": "
        "\"x\\ny\"}}\n"
        "    timeout: 1s\n"
        "    fallback: {ack: [1, \"1\", null, [], {}, [[2]], {a: {b: \"{{id}}\"}}, -1.5, \"\", \"- x\", "
        "\"true\", \"#\"]}\n";
    const Given given{yaml, {}, {}, {}, false};
    const Loaded once = given.load();
    for (const Problem& problem : once.problems)
        BOOST_CHECK_MESSAGE(problem.severity == Severity::warning, to_string(problem));
    const std::string written = effective_yaml(once.effective);
    const Loaded twice = Given{written, {}, {}, {}, false}.load();
    for (const Problem& problem : twice.problems)
        BOOST_CHECK_MESSAGE(problem.severity == Severity::warning, to_string(problem));
    BOOST_CHECK_EQUAL(effective_yaml(twice.effective), written);
    const auto text_of = [](const Loaded& loaded) {
        std::string out;
        loaded.config.session.rules.rules().at(0).fallback.data.render(out, {"\"7\"", "e", "a", {}});
        return out;
    };
    BOOST_CHECK_EQUAL(text_of(twice),
                      "[1,\"1\",null,[],{},[[2]],{\"a\":{\"b\":\"7\"}},-1.5,\"\",\"- x\",\"true\",\"#\"]");
    BOOST_CHECK_EQUAL(text_of(once), text_of(twice));
    BOOST_CHECK_EQUAL(twice.config.auth.identity_headers.at(1).second, "${x}");
    BOOST_CHECK_EQUAL(twice.config.session.rules.rules().at(0).match.where.at(5).pointer.text(), "/f: #");
}

BOOST_AUTO_TEST_CASE(secrets_are_masked_wherever_they_come_from) {
    Given given = with(
        "auth:\n"
        "  protect: /\n"
        "  any_of:\n"
        "    - flask_session: {secret_key: [canary-1, canary-2]}\n"
        "    - jwt: {algorithms: HS256, secret: \"${SECRET}\"}\n"
        "    - token: {sha256: " +
        std::string(64, 'c') +
        "}\n"
        "    - flask_session: {secret_key_file: key}\n"
        "admin: {token: canary-3}\n");
    given.variables["SECRET"] = "canary-4 canary-4 canary-4 canary-4";
    given.files["key"] = "canary-5";
    const Loaded got = given.load();
    BOOST_CHECK(got.good);
    const std::string written = effective_yaml(got.effective);
    BOOST_CHECK_EQUAL(written.find("canary"), std::string::npos);
    BOOST_CHECK_EQUAL(written.find("cccc"), std::string::npos);
    BOOST_CHECK(written.find("secret: \"***\"\n") != std::string::npos);
    BOOST_CHECK(written.find("secret_key: \"***\"\n") != std::string::npos);
    BOOST_CHECK(written.find("secret_key_file:\n          - key\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_defaults_are_a_configuration_but_for_the_two_keys) {
    Given given{defaults_yaml(), {}, {}, {}, false};
    given.settings = {{"--listen", "listen", "127.0.0.1:8080"},
                      {"--upstream", "upstream.url", "http://127.0.0.1:5000"}};
    CHECK_LINES(given.problems(), {});
    BOOST_CHECK_EQUAL(effective_yaml(given.load().effective), effective_yaml(loaded("").effective));
}

BOOST_AUTO_TEST_SUITE_END()
