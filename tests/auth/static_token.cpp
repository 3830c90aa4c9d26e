#include "proxy/auth/static_token.h"

#include <boost/test/unit_test.hpp>

using namespace forestay::auth;

namespace {

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
    BOOST_TEST((tokens.check("first-token") == errc{}));
    BOOST_TEST((tokens.check("second-token") == errc{}));
    for (const auto* token : {"", "first-toke", "first-tokeN", "first-token ", "third-token"}) {
        BOOST_TEST((tokens.check(token) == errc::unknown_token));
    }
    BOOST_TEST((tokens.check(first) == errc::unknown_token));  // the hash is not the token
}

BOOST_AUTO_TEST_CASE(an_entry_that_is_no_hash_is_told_without_showing_it) {
    BOOST_TEST(problems_of({first, "my-secret-token"}).at(0) == "token: sha256 entry 2 is not 64 hex digits");
    BOOST_TEST(problems_of({std::string(64, 'g')}).size() == 1U);
    BOOST_TEST(problems_of({std::string(65, 'a')}).size() == 1U);
    BOOST_TEST(problems_of({std::string(64, 'A')}).empty());
    BOOST_TEST(problems_of({}).at(0) == "token: sha256 must name at least one hash");
}

BOOST_AUTO_TEST_SUITE_END()
