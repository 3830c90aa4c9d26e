#include "proxy/wire/websocket/utf8.h"

#include <simdjson.h>
#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <vector>

using namespace forestay::wire::websocket;
using namespace std::string_literals;

namespace {

// The text fed in two pieces, cut at `at`; empty when one half was refused.
bool valid_in_two_pieces(std::string_view text, std::size_t at) {
    Utf8Validator validator;
    return validator.feed(text.substr(0, at)) && validator.feed(text.substr(at)) && validator.complete();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(websocket_utf8)

BOOST_AUTO_TEST_CASE(the_borders_of_unicode_are_accepted) {
    for (const auto& text : {""s, "\0"s, "\x7f"s, "\xc2\x80"s, "\xdf\xbf"s, "\xe0\xa0\x80"s, "\xed\x9f\xbf"s,
                             "\xee\x80\x80"s, "\xef\xbf\xbf"s, "\xf0\x90\x80\x80"s, "\xf4\x8f\xbf\xbf"s})
        BOOST_TEST(is_utf8(text));
}

BOOST_AUTO_TEST_CASE(overlong_forms_surrogates_and_strays_are_refused) {
    for (const auto& text : {"\x80"s, "\xbf"s, "\xc0\x80"s, "\xc1\xbf"s, "\xe0\x9f\xbf"s, "\xed\xa0\x80"s,
                             "\xed\xbf\xbf"s, "\xf0\x8f\xbf\xbf"s, "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s,
                             "\xff"s, "\xc2"s, "\xe2\x82"s, "\xf0\x9f\x98"s, "\xc2\x41"s, "abcdefgh\xff"s})
        BOOST_TEST(!is_utf8(text));
}

// Every sequence of a lead byte and what may follow it, with interesting second to fourth bytes, judged by
// another implementation, whole and cut at each place, behind enough ASCII to be in the fast path or not.
BOOST_AUTO_TEST_CASE(another_validator_agrees_on_every_lead_byte) {
    const std::vector<unsigned> followers{0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    for (unsigned lead = 0; lead < 256; ++lead) {
        for (const unsigned b : followers) {
            for (const unsigned c : followers) {
                for (const unsigned d : followers) {
                    const std::string text =
                        "ascii---" + std::string{static_cast<char>(lead), static_cast<char>(b),
                                                 static_cast<char>(c), static_cast<char>(d)};
                    const bool expected = simdjson::validate_utf8(text);
                    if (is_utf8(text) != expected) BOOST_ERROR("disagreement on lead byte " << lead);
                    for (std::size_t at = 8; at < text.size(); ++at)
                        if (valid_in_two_pieces(text, at) != expected)
                            BOOST_ERROR("cut changes lead byte " << lead);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_character_may_be_cut_anywhere) {
    const std::string text = "na\xc3\xafve \xe2\x82\xac and a long enough run of ascii \xf0\x9f\x98\x80.";
    Utf8Validator validator;
    for (const char byte : text) BOOST_TEST(validator.feed({&byte, 1}));
    BOOST_TEST(validator.complete());
}

// In memory of exactly that size, so that a sanitizer sees a read beyond the end.
BOOST_AUTO_TEST_CASE(a_bad_byte_is_seen_at_every_place_of_texts_of_every_size) {
    for (std::size_t size = 0; size <= 67; ++size) {
        std::vector<char> text(size, 'x');
        BOOST_TEST(is_utf8({text.data(), size}));
        for (char& byte : text) {
            byte = '\xff';
            if (is_utf8({text.data(), size})) BOOST_ERROR("not seen in " << size << " bytes");
            byte = 'x';
        }
    }
}

BOOST_AUTO_TEST_CASE(a_fault_stays_until_reset) {
    Utf8Validator validator;
    BOOST_TEST(!validator.feed("\xff"));
    BOOST_TEST(!validator.feed("plain"));
    BOOST_TEST(!validator.complete());
    validator.reset();
    BOOST_TEST(validator.feed("plain"));
    BOOST_TEST(validator.complete());
}

BOOST_AUTO_TEST_CASE(an_impossible_beginning_is_refused_before_the_character_ends) {
    Utf8Validator validator;
    BOOST_TEST(validator.feed("\xf4"));
    BOOST_TEST(!validator.feed("\x90"));
}

BOOST_AUTO_TEST_SUITE_END()
