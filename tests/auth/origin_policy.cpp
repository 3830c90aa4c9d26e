// What the rows O01 to O21 of tests/vectors/hostile_inputs.csv ask of the policy itself; their numbers stand
// beside.
#include <boost/test/unit_test.hpp>

#include "proxy/auth/origin.h"

using namespace forestay::auth;
using Headers = std::vector<std::pair<std::string, std::string>>;

namespace {

OriginPolicy policy(const OriginOptions& options) {
    std::vector<std::string> problems;
    OriginPolicy made(options, problems);
    BOOST_TEST(problems.empty());
    return made;
}

OriginPolicy allowing(std::vector<std::string> allowed) {
    OriginOptions options;
    options.allowed = std::move(allowed);
    return policy(options);
}

// An upgrade with a cookie, to https://app.example.
OriginRequest request(std::vector<std::string_view> origin) {
    return {.origin = std::move(origin),
            .scheme = "https",
            .host = "app.example",
            .ambient_credential = true,
            .safe_read = false};
}

std::string verdict(const OriginPolicy& policy, std::string_view origin) {
    return std::string(name(policy.check(request({origin}))));
}

std::vector<std::string> problems_of(const OriginOptions& options) {
    std::vector<std::string> problems;
    OriginPolicy made(options, problems);
    return problems;
}

std::string show(const Headers& headers) {
    std::string out;
    for (const auto& [header, value] : headers) out += header + ": " + value + '\n';
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(origin_policy)

BOOST_AUTO_TEST_CASE(same_origin_is_the_default) {
    const auto same = policy({});
    const std::pair<const char*, const char*> table[] = {
        {"https://app.example", "allowed"},
        {"HTTPS://APP.EXAMPLE:443", "allowed"},  // O07
        {"https://evil.example", "mismatch"},    // O01
        {"null", "null"},                        // O02
        {"http://app.example", "mismatch"},
        {"https://app.example:8443", "mismatch"},
        {"https://app.example.evil.com", "mismatch"},              // O08
        {"https://app.example@evil.com", "malformed"},             // O11
        {"https://app.example/", "malformed"},                     // O11
        {"https://app.example:99999", "malformed"},                // O12
        {"https://app.example:0443", "malformed"},                 // O12
        {"https://app.example:", "malformed"},                     // O12
        {"https://app.example https://app.example", "malformed"},  // O13
        {"https://b\xC3\xBC"
         "cher.example",
         "malformed"},                           // O14
        {"https://%61pp.example", "malformed"},  // O14
        {"https://app.example.", "malformed"},   // O15
        {"http://localhost:3000", "mismatch"},   // O16
        {"", "malformed"},
    };
    for (const auto& [origin, expected] : table) {
        BOOST_TEST_CONTEXT(origin) {
            BOOST_TEST(verdict(same, origin) == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(two_origin_headers_are_malformed_even_when_equal) {  // O13
    BOOST_TEST(name(policy({}).check(request({"https://app.example", "https://app.example"}))) ==
               "malformed");
}

BOOST_AUTO_TEST_CASE(same_origin_compares_with_scheme_host_and_port_of_the_request) {
    const auto same = policy({});
    auto asked = request({"http://10.0.0.5:8080"});
    asked.scheme = "http";
    asked.host = "10.0.0.5:8080";
    BOOST_TEST(name(same.check(asked)) == "allowed");
    asked.host = "10.0.0.5";
    BOOST_TEST(name(same.check(asked)) == "mismatch");
    asked.origin = {"http://10.0.0.5"};
    asked.host = "10.0.0.5:80";
    BOOST_TEST(name(same.check(asked)) == "allowed");
    asked.host = "";
    BOOST_TEST(name(same.check(asked)) == "mismatch");
    asked.host = "10.0.0.5, evil";
    BOOST_TEST(name(same.check(asked)) == "mismatch");
}

BOOST_AUTO_TEST_CASE(listed_origins_are_exact) {
    const auto listed = allowing({"https://App.example:443", "wss://live.example", "http://[0::1]:5000"});
    BOOST_TEST(verdict(listed, "https://app.example") == "allowed");
    BOOST_TEST(verdict(listed, "https://live.example") == "allowed");
    BOOST_TEST(verdict(listed, "http://[::1]:5000") == "allowed");
    BOOST_TEST(verdict(listed, "http://live.example") == "mismatch");
    BOOST_TEST(verdict(allowing({"https://other.example"}), "https://app.example") ==
               "mismatch");  // same-origin not listed
}

BOOST_AUTO_TEST_CASE(one_star_is_one_label) {
    const auto one = allowing({"https://*.app.example"});
    BOOST_TEST(verdict(one, "https://a.app.example") == "allowed");
    BOOST_TEST(verdict(one, "https://A.APP.example:443") == "allowed");
    BOOST_TEST(verdict(one, "https://app.example") == "mismatch");
    BOOST_TEST(verdict(one, "https://a.b.app.example") == "mismatch");  // O10
    BOOST_TEST(verdict(one, "https://evilapp.example") == "mismatch");  // O09
    BOOST_TEST(verdict(one, "https://a.app.example.evil.com") == "mismatch");
    BOOST_TEST(verdict(one, "http://a.app.example") == "mismatch");
    BOOST_TEST(verdict(one, "https://a.app.example:8443") == "mismatch");
    BOOST_TEST(verdict(allowing({"https://*.app.example:8443"}), "https://a.app.example:8443") == "allowed");
    BOOST_TEST(verdict(allowing({"https://*.app.example:443"}), "https://a.app.example") == "allowed");
}

BOOST_AUTO_TEST_CASE(two_stars_are_one_label_or_more) {
    const auto any = allowing({"https://**.app.example"});
    BOOST_TEST(verdict(any, "https://a.app.example") == "allowed");
    BOOST_TEST(verdict(any, "https://a.b.app.example") == "allowed");
    BOOST_TEST(verdict(any, "https://app.example") == "mismatch");
    BOOST_TEST(verdict(any, "https://evilapp.example") == "mismatch");
}

BOOST_AUTO_TEST_CASE(any_port_is_for_the_own_machine) {
    const auto local = allowing({"http://localhost:*"});
    BOOST_TEST(verdict(local, "http://localhost:3000") == "allowed");
    BOOST_TEST(verdict(local, "http://localhost") == "allowed");
    BOOST_TEST(verdict(local, "https://localhost:3000") == "mismatch");
    BOOST_TEST(verdict(local, "http://localhost.evil.com") == "mismatch");
    BOOST_TEST(verdict(local, "http://localhost2:3000") == "mismatch");
    BOOST_TEST(verdict(local, "http://127.0.0.1:3000") == "mismatch");
}

BOOST_AUTO_TEST_CASE(dev_adds_the_own_machine_on_every_port) {
    OriginOptions options;
    options.dev = true;
    const auto dev = policy(options);
    for (const auto* origin : {"http://localhost:3000", "https://localhost:3000", "http://127.0.0.1:5173",
                               "http://[::1]:8080", "https://app.example"}) {
        BOOST_TEST_CONTEXT(origin) {
            BOOST_TEST(verdict(dev, origin) == "allowed");
        }
    }
    BOOST_TEST(verdict(dev, "http://127.0.0.2:3000") == "mismatch");
    BOOST_TEST(verdict(dev, "https://evil.example") == "mismatch");
    BOOST_TEST(verdict(dev, "null") == "null");
}

BOOST_AUTO_TEST_CASE(a_star_is_any_origin_but_neither_null_nor_garbage) {
    const auto any = allowing({"*"});
    BOOST_TEST(verdict(any, "https://evil.example") == "allowed");
    BOOST_TEST(verdict(any, "null") == "null");
    BOOST_TEST(verdict(any, "https://app.example/") == "malformed");
    BOOST_TEST(verdict(allowing({"null"}), "null") == "allowed");
}

BOOST_AUTO_TEST_CASE(expressions_match_the_whole_canonical_origin) {
    OriginOptions options;
    options.allowed = {};
    options.allowed_regex = {R"(https://pr-[0-9]+\.preview\.example\.com)"};
    const auto preview = policy(options);
    BOOST_TEST(verdict(preview, "https://pr-12.preview.example.com") == "allowed");
    BOOST_TEST(verdict(preview, "HTTPS://PR-12.preview.example.com:443") == "allowed");
    BOOST_TEST(verdict(preview, "https://pr-12.preview.example.com.evil.com") == "mismatch");
    BOOST_TEST(verdict(preview, "https://pr-x.preview.example.com") == "mismatch");
}

BOOST_AUTO_TEST_CASE(missing_origin_is_fine_where_no_page_could_ride_on_a_cookie) {
    auto asked = request({});
    const auto automatic = policy({});
    BOOST_TEST(name(automatic.check(asked)) == "missing");  // O03, O06
    asked.safe_read = true;
    BOOST_TEST(name(automatic.check(asked)) == "allowed");  // O05
    asked.safe_read = false;
    asked.ambient_credential = false;
    BOOST_TEST(name(automatic.check(asked)) == "allowed");  // O04

    OriginOptions options;
    options.allow_missing = MissingOrigin::never;
    BOOST_TEST(name(policy(options).check(asked)) == "missing");
    options.allow_missing = MissingOrigin::always;
    asked.ambient_credential = true;
    BOOST_TEST(name(policy(options).check(asked)) == "allowed");
}

BOOST_AUTO_TEST_CASE(a_present_but_wrong_origin_is_refused_on_reads_and_without_cookies_too) {
    auto asked = request({"https://evil.example"});
    asked.safe_read = true;
    asked.ambient_credential = false;
    BOOST_TEST(name(policy({}).check(asked)) == "mismatch");
}

BOOST_AUTO_TEST_CASE(lines_that_are_no_origins_are_told) {
    for (const auto* text :
         {"app.example", "https://app.example/", "https://*", "https://**", "https://*app.example",
          "https://a.*.example", "https://*.", "https://***.example", "http://app.example:*",
          "http://*.example:*", "https://*.127.0.0.1", "https://*.[::1]", "*.example.com", "",
          "http://localhost:**"}) {
        BOOST_TEST_CONTEXT(text) {
            OriginOptions options;
            options.allowed = {text};
            const auto problems = problems_of(options);
            BOOST_TEST(problems.size() == 1U);
        }
    }
}

BOOST_AUTO_TEST_CASE(expressions_that_cannot_be_or_match_everything_are_told) {
    for (const auto* expression :
         {"(", "https://(?=x)", ".*", "https://.*", "https?://[a-z.]+(:[0-9]+)?", "((a{100}){100}){100}"}) {
        BOOST_TEST_CONTEXT(expression) {
            OriginOptions options;
            options.allowed_regex = {expression};
            BOOST_TEST(problems_of(options).size() == 1U);
        }
    }
}

BOOST_AUTO_TEST_CASE(answers_say_the_origin_back_and_vary_by_it) {  // O20
    BOOST_TEST(show(policy({}).answer_headers("https://app.example")) ==
               "Access-Control-Allow-Origin: https://app.example\n"
               "Access-Control-Allow-Credentials: true\n"
               "Vary: Origin\n");
    BOOST_TEST(show(policy({}).answer_headers("")) == "Vary: Origin\n");
    OriginOptions options;
    options.allow_credentials = false;
    BOOST_TEST(show(policy(options).answer_headers("https://app.example")) ==
               "Access-Control-Allow-Origin: https://app.example\nVary: Origin\n");
}

BOOST_AUTO_TEST_CASE(answers_never_repeat_what_is_no_origin) {
    BOOST_TEST(show(policy({}).answer_headers("https://app.example\r\nSet-Cookie: a=b")) == "Vary: Origin\n");
    BOOST_TEST(show(policy({}).answer_headers("null")) == "Vary: Origin\n");
    BOOST_TEST(show(allowing({"null"}).answer_headers("null")) ==
               "Access-Control-Allow-Origin: null\nAccess-Control-Allow-Credentials: true\nVary: Origin\n");
}

BOOST_AUTO_TEST_CASE(preflights_list_what_is_configured_not_what_was_asked) {  // O17
    BOOST_TEST(show(policy({}).preflight_headers("https://app.example", "GET, POST, OPTIONS")) ==
               "Access-Control-Allow-Origin: https://app.example\n"
               "Access-Control-Allow-Credentials: true\n"
               "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\n"
               "Access-Control-Allow-Methods: GET, POST, OPTIONS\n"
               "Access-Control-Allow-Headers: authorization, content-type\n"
               "Access-Control-Max-Age: 7200\n");
}

BOOST_AUTO_TEST_SUITE_END()
