// JSONP polling: for EIO3 clients, where it is configured.
#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/scenarios/engineio_client.h"

using namespace forestay::scenarios;

namespace {

const std::string jsonp_handshake = "/socket.io/?EIO=3&transport=polling&b64=1&j=4";

Setup with_jsonp() {
    Setup setup;
    setup.options.jsonp = true;
    return setup;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(jsonp)

BOOST_AUTO_TEST_CASE(a_session_by_scripts_and_forms) {
    Upstream upstream;
    Proxy proxy{upstream, with_jsonp()};
    Peer client = proxy.client(request("GET", jsonp_handshake));
    const Answer open = read_answer(client);
    BOOST_TEST(open.status == 200U);
    BOOST_TEST(open.field("Content-Type") == "text/javascript; charset=UTF-8");
    BOOST_TEST(open.field("X-Content-Type-Options") == "nosniff");
    BOOST_TEST(open.body.starts_with(R"(___eio[4](")"));
    BOOST_TEST(open.body.ends_with(R"(");)"));
    const auto sid = open.body.find(R"(\"sid\":\")");
    BOOST_REQUIRE(sid != std::string::npos);

    const std::string target = jsonp_handshake + "&sid=" + open.body.substr(sid + 10, 20);
    // On connections of their own, which may land on any loop.
    for (int i = 0; i < 8; ++i) {
        Peer other = proxy.client(request("POST", target, {}, "d=1%3A2"));
        BOOST_TEST(read_answer(other).body == "ok");
    }
    client.send(request("POST", target, "Content-Type: application/x-www-form-urlencoded\r\n", "d=1%3A1"));
    const Answer posted = read_answer(client);
    BOOST_TEST(posted.status == 200U);
    BOOST_TEST(posted.body == "ok");
    // "1" was the goodbye.
    client.send(request("GET", target));
    BOOST_TEST(read_answer(client).status == 400U);
}

BOOST_AUTO_TEST_CASE(a_post_that_is_no_form_is_refused) {
    Upstream upstream;
    Proxy proxy{upstream, with_jsonp()};
    Peer client = proxy.client(request("POST", jsonp_handshake + "&sid=AAAAAAAAAAAAAAAAAAAA", {}, "1:1"));
    const Answer refused = read_answer(client);
    BOOST_TEST(refused.status == 400U);
    BOOST_TEST(refused.body == R"({"code":3,"message":"Bad request"})");
}

BOOST_AUTO_TEST_CASE(it_is_refused_unless_it_is_configured) {
    Upstream upstream;
    Proxy proxy{upstream};
    Peer client = proxy.client(request("GET", jsonp_handshake));
    const Answer refused = read_answer(client);
    BOOST_TEST(refused.status == 400U);
    BOOST_TEST(refused.body == R"({"code":3,"message":"JSONP is not enabled"})");
}

BOOST_AUTO_TEST_SUITE_END()
