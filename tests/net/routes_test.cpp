// Which request goes where, by its path.
#include "proxy/net/routes.h"

#include <boost/test/unit_test.hpp>

using namespace forestay::net;

namespace {

const std::vector<WebsocketPath> named{
    {"/ws/{request_id}", 0}, {"/ws/info", std::nullopt}, {"/rooms/{room}/live", 1}, {"/feed", 2}};

std::string at(std::string_view path) {
    const WebsocketPath* found = websocket_at(path, named);
    return found == nullptr ? "-" : found->path;
}

Route upgrade(std::string_view path) {
    Options options;
    options.websockets = named;
    forestay::wire::http::RequestHead head;
    head.target = path;
    head.path = path;
    head.upgrade_websocket = true;
    return route_of(head, options);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(routes)

BOOST_AUTO_TEST_CASE(a_name_in_braces_stands_for_one_segment_that_is_not_empty) {
    BOOST_TEST(at("/ws/7") == "/ws/{request_id}");
    BOOST_TEST(at("/ws/a%20b") == "/ws/{request_id}");
    BOOST_TEST(at("/rooms/x/live") == "/rooms/{room}/live");
    for (const char* path : {"/ws", "/ws/", "/ws/7/", "/ws/7/8", "/WS/7", "/rooms//live", "/rooms/x/dead", "",
                             "/", "/feed/", "ws/7"}) {
        BOOST_TEST(at(path) == "-", path);
    }
}

BOOST_AUTO_TEST_CASE(an_exact_path_wins_over_a_pattern_that_stands_before_it) {
    BOOST_TEST(at("/ws/info") == "/ws/info");
    BOOST_TEST(at("/feed") == "/feed");
}

BOOST_AUTO_TEST_CASE(a_path_that_hides_a_json_websocket_is_refused) {
    for (const char* path : {"/%66eed", "//feed", "/ws%2F7", "/ws//7", "/rooms/x%2flive"})
        BOOST_TEST((upgrade(path) == Route::ambiguous), path);
    // Read as it stands it is one already; or it is opaque, and nothing is passed by.
    for (const char* path : {"/ws/a%2Fb", "/ws/%37", "/other%20place", "/feed"})
        BOOST_TEST((upgrade(path) == Route::websocket), path);
}

BOOST_AUTO_TEST_SUITE_END()
