#include "proxy/auth/credentials.h"

#include <boost/test/unit_test.hpp>

using namespace forestay::auth;

namespace {

const Sources everywhere{.header = {"authorization"},
                         .query = {"token", "access_token"},
                         .cookie = {"session"},
                         .protocol = {"bearer"},
                         .connect = {"token"}};

// The credential, or the name of why there is none.
std::string found(const Presented& presented, const Sources& from = everywhere) {
    const auto credential = find_explicit_credential(presented, from);
    if (credential) return *credential;
    return '<' + std::string(name(static_cast<errc>(credential.error().value()))) + '>';
}

std::string cookies(std::string_view header, const std::vector<std::string>& names = {"session"}) {
    const auto values = find_cookies(header, names);
    if (!values) return '<' + std::string(name(static_cast<errc>(values.error().value()))) + '>';
    std::string out;
    for (const auto value : *values) out += '[' + std::string(value) + ']';
    return out;
}

template <class T>
Presented with(T Presented::*place, T value) {
    Presented presented;
    presented.*place = std::move(value);
    return presented;
}
using Views = std::vector<std::string_view>;
Presented authorization(Views values) {
    return with(&Presented::authorization, std::move(values));
}
Presented query(std::string_view text) {
    return with(&Presented::query, text);
}
Presented protocols(Views values) {
    return with(&Presented::protocols, std::move(values));
}
Presented connect(std::string_view json) {
    return with(&Presented::connect_payload, json);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(credentials)

BOOST_AUTO_TEST_CASE(authorization_is_bearer_and_exactly_one_token) {
    const std::pair<const char*, const char*> table[] = {
        {"Bearer abc.DEF-1_2~3+4/5==", "abc.DEF-1_2~3+4/5=="},
        {"bearer abc", "abc"},
        {"BEARER abc", "abc"},
        {"Bearer   abc", "abc"},
        {"Bearer", "<malformed>"},
        {"Bearer ", "<malformed>"},
        {"Bearer a b", "<malformed>"},
        {"Bearer a,b", "<malformed>"},
        {"Bearer a\tb", "<malformed>"},
        {"Bearer =", "<malformed>"},
        {"Bearer a=b", "<malformed>"},
        {"Bearer \"abc\"", "<malformed>"},
        {"Bearer \xC3\xA9", "<malformed>"},
        {"Basic dXNlcjpwYXNz", "<no_credential>"},  // for the app
        {"Bearerabc", "<no_credential>"},
        {"abc", "<no_credential>"},  // without a scheme
        {"", "<no_credential>"},
    };
    for (const auto& [header, expected] : table) {
        BOOST_TEST_CONTEXT(header) {
            BOOST_TEST(found(authorization({header})) == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(two_authorization_headers_are_ambiguous_even_when_equal) {
    BOOST_TEST(found(authorization({"Bearer a", "Bearer b"})) == "<ambiguous>");
    BOOST_TEST(found(authorization({"Bearer a", "Bearer a"})) == "<ambiguous>");
    BOOST_TEST(found(authorization({"Basic a", "Bearer a"})) == "<ambiguous>");
}

BOOST_AUTO_TEST_CASE(a_header_of_its_own_brings_the_token_alone) {
    Sources from;
    from.header = {"x-api-key"};
    BOOST_TEST(found(authorization({"abc"}), from) == "abc");
    BOOST_TEST(found(authorization({"a b"}), from) == "<no_credential>");
    from.header = {"authorization", "x-api-key"};
    BOOST_TEST(found(authorization({"Bearer abc", "abc"}), from) == "abc");
    BOOST_TEST(found(authorization({"Bearer abc", "abd"}), from) == "<ambiguous>");
}

BOOST_AUTO_TEST_CASE(query_parameters_are_decoded_and_single) {
    BOOST_TEST(found(query("EIO=4&token=abc")) == "abc");
    BOOST_TEST(found(query("access_token=a%2Eb")) == "a.b");
    BOOST_TEST(found(query("token=")) == "<no_credential>");
    BOOST_TEST(found(query("Token=abc")) == "<no_credential>");
    BOOST_TEST(found(query("token=a&token=a")) == "<ambiguous>");
    BOOST_TEST(found(query("token=a&access_token=b")) == "<ambiguous>");
    BOOST_TEST(found(query("token=a&access_token=a")) == "a");
}

BOOST_AUTO_TEST_CASE(subprotocols_bring_a_token_behind_the_marker_or_inside_one) {
    BOOST_TEST(found(protocols({"chat", "bearer", "abc"})) == "abc");
    BOOST_TEST(found(protocols({"base64url.bearer.authorization.YWJj", "chat"})) == "abc");
    BOOST_TEST(found(protocols({"chat"})) == "<no_credential>");
    BOOST_TEST(found(protocols({"abc", "bearer"})) == "<malformed>");
    BOOST_TEST(found(protocols({"base64url.bearer.authorization.YW=="})) == "<malformed>");
    BOOST_TEST(found(protocols({"base64url.bearer.authorization."})) == "<malformed>");
    BOOST_TEST(found(protocols({"bearer", "a", "bearer", "b"})) == "<ambiguous>");
}

BOOST_AUTO_TEST_CASE(connect_payload_brings_a_string_member) {
    BOOST_TEST(found(connect(R"({"token":"abc","room":1})")) == "abc");
    BOOST_TEST(found(connect(R"({"token":"\u0061bc"})")) == "abc");
    BOOST_TEST(found(connect(R"({"room":1})")) == "<no_credential>");
    BOOST_TEST(found(connect(R"({"token":null})")) == "<no_credential>");
    BOOST_TEST(found(connect(R"({"token":""})")) == "<no_credential>");
    BOOST_TEST(found(connect("")) == "<no_credential>");
    BOOST_TEST(found(connect(R"({"token":1})")) == "<malformed>");
    BOOST_TEST(found(connect(R"({"token":["abc"]})")) == "<malformed>");
    BOOST_TEST(found(connect(R"({"token":"a","token":"b"})")) == "<malformed>");
    BOOST_TEST(found(connect(R"({"token":"a")")) == "<malformed>");
    BOOST_TEST(found(connect(R"(["token","abc"])")) == "<malformed>");
}

BOOST_AUTO_TEST_CASE(the_same_credential_in_two_places_is_one_and_different_ones_are_ambiguous) {
    Presented both = authorization({"Bearer abc"});
    both.query = "token=abc";
    BOOST_TEST(found(both) == "abc");
    both.query = "token=abd";
    BOOST_TEST(found(both) == "<ambiguous>");
    both.query = "";
    both.connect_payload = R"({"token":"abd"})";
    BOOST_TEST(found(both) == "<ambiguous>");
}

BOOST_AUTO_TEST_CASE(ambiguous_outweighs_malformed) {
    Presented both = authorization({"Bearer a b"});
    both.query = "token=a&token=b";
    BOOST_TEST(found(both) == "<ambiguous>");
}

BOOST_AUTO_TEST_CASE(places_that_are_not_configured_are_not_looked_at) {
    const Sources nowhere{.header = {}, .query = {}, .cookie = {}, .protocol = {}, .connect = {}};
    Presented all;
    all.query = "token=a";
    all.protocols = {"bearer", "b"};
    all.connect_payload = R"({"token":"c"})";
    BOOST_TEST(found(all, nowhere) == "<no_credential>");
    BOOST_TEST(cookies("session=a", {}) == "");
}

BOOST_AUTO_TEST_CASE(credentials_over_16_kib_are_refused) {
    const auto fits = "token=" + std::string(16 << 10, 'a');
    BOOST_TEST(found(query(fits)).size() == std::size_t{16 << 10});
    BOOST_TEST(found(query(fits + 'a')) == "<malformed>");
}

BOOST_AUTO_TEST_CASE(cookies_are_found_as_werkzeug_finds_them) {
    BOOST_TEST(cookies("session=abc") == "[abc]");
    BOOST_TEST(cookies("a=b; session=abc; c=d") == "[abc]");
    BOOST_TEST(cookies("a=b;session=abc") == "[abc]");
    BOOST_TEST(cookies("session=\"abc\"") == "[abc]");
    BOOST_TEST(cookies("session=\"abc") == "[\"abc]");
    BOOST_TEST(cookies("session=a=b") == "[a=b]");
    BOOST_TEST(cookies("session=first; session=second") == "[first]");
    BOOST_TEST(cookies("session=; session=second") == "");
    BOOST_TEST(cookies("Session=abc; xsession=abc; session2=abc; session") == "");
    BOOST_TEST(cookies("; ;=; =abc;session") == "");
    BOOST_TEST(cookies("b=2; a=1", {"a", "b"}) == "[1][2]");
    BOOST_TEST(cookies("b=1; a=1", {"a", "b"}) == "[1]");
}

BOOST_AUTO_TEST_CASE(cookie_headers_are_bounded) {
    std::string pairs = "session=abc";
    for (int i = 1; i < 64; ++i) pairs += "; a=b";
    BOOST_TEST(cookies(pairs) == "[abc]");
    BOOST_TEST(cookies(pairs + "; a=b") == "<malformed>");
    BOOST_TEST(cookies("session=abc; a=" + std::string(8 << 10, 'b')) == "<malformed>");
}

BOOST_AUTO_TEST_SUITE_END()
