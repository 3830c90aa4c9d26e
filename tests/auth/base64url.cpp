#include "proxy/auth/base64url.h"

#include <boost/test/unit_test.hpp>

#include "tests/auth/make_credential.h"

using namespace forestay::auth;

BOOST_AUTO_TEST_SUITE(base64url)

BOOST_AUTO_TEST_CASE(decodes_the_rfc_4648_examples_without_their_padding) {
    BOOST_TEST(decode_base64url("").value() == "");
    BOOST_TEST(decode_base64url("Zg").value() == "f");
    BOOST_TEST(decode_base64url("Zm8").value() == "fo");
    BOOST_TEST(decode_base64url("Zm9v").value() == "foo");
    BOOST_TEST(decode_base64url("Zm9vYmFy").value() == "foobar");
    BOOST_TEST(decode_base64url("-_-_").value() == "\xFB\xFF\xBF");
}

BOOST_AUTO_TEST_CASE(every_byte_survives_at_every_length) {
    std::string bytes;
    for (int c = 0; c < 256; ++c) {
        BOOST_TEST(decode_base64url(encode_base64url(bytes)).value() == bytes);
        bytes.push_back(static_cast<char>(c));
    }
}

BOOST_AUTO_TEST_CASE(a_second_spelling_is_refused) {
    for (const auto* text :
         {"Zg==", "Zm8=", "Zh", "Zm9", "Z", "Zm9vY", "Zm9+", "Zm9/", "Zm 9v", "Zm9v\n", "Z!m9v"}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(!decode_base64url(text));
        }
    }
    BOOST_TEST(!decode_base64url(std::string_view("Zm9\0", 4)));
}

BOOST_AUTO_TEST_CASE(padded_base64_is_as_strict) {
    BOOST_TEST(decode_base64("").value().empty());
    BOOST_TEST(decode_base64("YQ==").value() == "a");
    BOOST_TEST(decode_base64("YWI=").value() == "ab");
    BOOST_TEST(decode_base64("+/+/").value() == "\xFB\xFF\xBF");
    for (const auto* text : {"YQ", "YQ=", "YR==", "YQ===", "====", "-_-_", "YQ==YQ==", "Y=Q="}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(!decode_base64(text).has_value());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
