#include "proxy/net/descriptors.h"

#include <boost/test/unit_test.hpp>

using namespace forestay::net;

BOOST_AUTO_TEST_SUITE(descriptors)

BOOST_AUTO_TEST_CASE(each_client_needs_two_and_some_are_kept) {
    BOOST_TEST(clients_for(1024, 1) == 480U);
    BOOST_TEST(clients_for(1024, 4) == 384U);
    BOOST_TEST(clients_for(0, 1) == 1'000'000U);
    BOOST_TEST(clients_for(std::uint64_t{1} << 40, 1) == 1'000'000U);
    for (const std::uint64_t few : {1U, 64U, 65U, 66U}) BOOST_TEST(clients_for(few, 1) == 1U);
}

BOOST_AUTO_TEST_CASE(the_soft_limit_becomes_the_hard_one) {
    BOOST_TEST(raise_open_file_limit() == open_file_limit());
}

BOOST_AUTO_TEST_SUITE_END()
