// What a loop gives away names it.
#include "proxy/net/loop.h"

#include <boost/test/unit_test.hpp>

using namespace forestay::net;

BOOST_AUTO_TEST_SUITE(loop)

BOOST_AUTO_TEST_CASE(a_sid_names_its_loop) {
    Shared shared;
    Loop first(shared);
    Loop last(shared, 63);
    BOOST_TEST(first.new_sid().size() == 20U);
    BOOST_TEST(first.new_sid().front() == 'A');
    BOOST_TEST(last.new_sid().front() == '_');
    BOOST_TEST(Loop::index_in(first.new_sid()) == 0U);
    BOOST_TEST(Loop::index_in(last.new_sid()) == 63U);
    BOOST_TEST(Loop::index_in("BAAAAAAAAAAAAAAAAAAA") == 1U);
    BOOST_TEST(Loop::index_in("") == Loop::max);
    BOOST_TEST(Loop::index_in("+") == Loop::max);
}

BOOST_AUTO_TEST_SUITE_END()
