#include "proxy/auth/protected_path.h"

#include <boost/test/unit_test.hpp>

using namespace forestay::auth;

BOOST_AUTO_TEST_SUITE(protected_path)

BOOST_AUTO_TEST_CASE(every_spelling_that_an_app_may_read_as_the_prefix_is_protected) {
    const std::vector<std::string> prefixes{"/socket.io/", "/ws"};
    for (const auto* path :
         {"/socket.io/",      "/socket.io/x",  "/socket.io",   "/ws",          "/ws/a",
          "/%73ocket.io/",    "/socket%2Eio/", "/socket%2eio", "//socket.io/", "/socket.io//",
          "/a/../socket.io/", "/./socket.io/", "/a/%2e%2e/ws", "/%2e/ws",      "/../ws",
          "/%2Fws",           "/a/b/../../ws", "/;a/ws",       "/;a=b;c/;/ws", "/a/..;b/ws",
          "/%3ba/ws",         "/ws;a"}) {
        BOOST_TEST_CONTEXT(path) {
            BOOST_TEST(is_protected(path, prefixes));
        }
    }
    for (const auto* path : {"/", "", "/socket.i", "/Socket.io/", "/a/ws", "/a/socket.io/", "/%2573ocket.io/",
                             "/w%", "/w%7", "/..", "*"}) {
        BOOST_TEST_CONTEXT(path) {
            BOOST_TEST(!is_protected(path, prefixes));
        }
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_protected_without_prefixes_and_everything_by_the_root) {
    BOOST_TEST(!is_protected("/ws", {}));
    BOOST_TEST(is_protected("/ws", {"/"}));
    BOOST_TEST(is_protected("/", {"/"}));
}

BOOST_AUTO_TEST_SUITE_END()
