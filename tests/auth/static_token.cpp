#include "proxy/auth/static_token.h"

#include <boost/test/unit_test.hpp>

using namespace forestay::auth;

namespace {

constexpr std::int64_t t0 = 1'767'225'600;  // 2026-01-01

// printf %s first-token | sha256sum
const std::string first = "55b4b48f529c3d2daa027cbffa6cfb6a03690424550f22109e39917406c8243b";
const std::string second = "7a35833597e6687c599a0988b7a53b9b6a7ec18b88ca2a8e60f3265c8be6d527";

std::vector<std::string> problems_of(std::vector<std::string> hashes) {
    std::vector<std::string> problems;
    TokenOptions options;
    options.sha256 = std::move(hashes);
    const StaticTokens tokens(options, problems);
    return problems;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(static_token)

BOOST_AUTO_TEST_CASE(each_of_the_tokens_is_known_and_nothing_near_them) {
    std::vector<std::string> problems;
    TokenOptions options;
    options.sha256 = {first, second};
    const StaticTokens tokens(options, problems);
    BOOST_TEST(problems.empty());
    BOOST_TEST(tokens.check("first-token", t0).has_value());
    BOOST_TEST(tokens.check("second-token", t0).has_value());
    for (const auto* token : {"", "first-toke", "first-tokeN", "first-token ", "third-token"}) {
        BOOST_TEST((tokens.check(token, t0).error() == errc::unknown_token));
    }
    BOOST_TEST((tokens.check(first, t0).error() == errc::unknown_token));  // the hash is not the token
}

BOOST_AUTO_TEST_CASE(an_entry_that_is_no_hash_is_told_without_showing_it) {
    BOOST_TEST(problems_of({first, "my-secret-token"}).at(0) == "token: sha256 entry 2 is not 64 hex digits");
    BOOST_TEST(problems_of({std::string(64, 'g')}).size() == 1U);
    BOOST_TEST(problems_of({std::string(65, 'a')}).size() == 1U);
    BOOST_TEST(problems_of({std::string(64, 'A')}).empty());
    BOOST_TEST(problems_of({}).at(0) == "token: sha256 must name at least one hash");
}

BOOST_AUTO_TEST_CASE(an_entry_may_have_a_name_and_a_last_day) {
    std::vector<std::string> problems;
    TokenOptions options;
    options.sha256 = {first + " \t name=ci  expires=2026-01-02 ", second};
    options.subject = "robot";
    const StaticTokens tokens(options, problems);
    BOOST_TEST(problems.empty());
    const auto* ci = tokens.check("first-token", t0).value();
    BOOST_TEST(ci->name == "ci");
    BOOST_TEST(ci->last_valid.value() == t0 + 86'399);
    BOOST_TEST(tokens.check("first-token", t0 + 86'399).has_value());
    BOOST_TEST((tokens.check("first-token", t0 + 86'400).error() == errc::expired));
    BOOST_TEST(tokens.check("second-token", t0 + 86'400).value()->name == "robot");
    BOOST_TEST(!tokens.check("second-token", t0).value()->last_valid.has_value());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_behind_a_hash_is_told_without_showing_it) {
    for (const std::string rest :
         {"secret-token", "name=", "expires=", "expires=2026-02-30", "expires=0000-01-01", "expires=2026-1-1",
          "expires=2026-01-+1", "Name=ci"}) {
        BOOST_TEST_CONTEXT(rest) {
            const auto problems = problems_of({first + ' ' + rest});
            BOOST_REQUIRE(problems.size() == 1U);
            BOOST_TEST(problems[0].find("secret-token") == std::string::npos);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_hash_is_what_sha256sum_prints) {
    BOOST_TEST(token_hash("first-token") == first);
}

BOOST_AUTO_TEST_SUITE_END()
