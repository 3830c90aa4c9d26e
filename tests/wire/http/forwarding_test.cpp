#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/http/forwarding.h"

using namespace forestay::wire::http;

namespace {

std::string forward(const std::string& fields, const Forwarded& forwarded = {}, bool preserve_host = true) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: app.example\r\n" + fields + "\r\n";
    const HeadResult head = parse_request_head(bytes, {});
    BOOST_REQUIRE(head.state == HeadResult::State::done);
    std::string text;
    for (const auto& [name, value] :
         forwarded_fields(head.head, forwarded, "127.0.0.1:5000", preserve_host)) {
        text += name + "=" + value + ";";
    }
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_forwarding)

BOOST_AUTO_TEST_CASE(ordinary_fields_go_on_in_order_as_they_came) {
    BOOST_TEST(forward("Cookie: a=b\r\nx-Custom: 1\r\nX-Custom: 2\r\n") ==
               "Host=app.example;Cookie=a=b;x-Custom=1;X-Custom=2;");
    BOOST_TEST(forward("", {}, false) == "Host=127.0.0.1:5000;");
}

BOOST_AUTO_TEST_CASE(hop_by_hop_fields_stay_here) {
    BOOST_TEST(
        forward(
            "Connection: keep-alive, X-Private\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\n"
            "Trailer: x\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nProxy-Authorization: x\r\n"
            "Expect: 100-continue\r\nContent-Length: 0\r\nX-Private: secret\r\nAccept: a\r\n"
            "Sec-WebSocket-Key: x\r\nSec-WebSocket-Extensions: permessage-deflate\r\n") ==
        "Host=app.example;Accept=a;");
    BOOST_TEST(is_hop_by_hop("Transfer-Encoding", ""));
    BOOST_TEST(is_hop_by_hop("X-One", "close, x-one"));
    BOOST_TEST(!is_hop_by_hop("Set-Cookie", "close"));
}

BOOST_AUTO_TEST_CASE(claims_about_the_client_are_ours_alone) {
    // I01, I04, I06, I07
    const Forwarded forwarded{"192.0.2.1", "https", "app.example", {{"X-User", "alice"}}, {"x_user"}};
    BOOST_TEST(
        forward("X-Forwarded-For: 1.1.1.1\r\nX-FORWARDED-Proto: ftp\r\nX-Forwarded-Port: 1\r\nForwarded: "
                "for=x\r\n"
                "X-Real-IP: 1.1.1.1\r\nX-Auth-Request-User: root\r\nRemote-User: root\r\nX-Forestay-A: 1\r\n"
                "X-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\nX-Remote-User: root\r\nX-USER: "
                "root\r\nProxy: evil\r\n",
                forwarded) ==
        "Host=app.example;X-Forwarded-For=192.0.2.1;X-Forwarded-Proto=https;X-Forwarded-Host=app.example;"
        "X-User=alice;");
}

// "X-Script-Name: /open" made "/open/private" the protected "/private", behind the check of paths.
BOOST_AUTO_TEST_CASE(only_a_trusted_proxy_says_where_the_app_is_mounted) {
    const std::string fields = "X-Script-Name: /a\r\nScript-Name: /a\r\nPath-Info: /a\r\nX-Scheme: https\r\n";
    BOOST_TEST(forward(fields) == "Host=app.example;");
    Forwarded forwarded;
    forwarded.by_trusted_proxy = true;
    BOOST_TEST(forward("X-Script-Name: /a\r\n", forwarded) == "Host=app.example;X-Script-Name=/a;");
}

// shields.underscore_headers: false
BOOST_AUTO_TEST_CASE(a_field_that_spells_one_of_ours_with_underscores_stays_here) {
    const std::string bytes =
        "GET / HTTP/1.1\r\nHost: a\r\nX_Custom: 1\r\nX_Forwarded_For: 1.1.1.1\r\nRemote_User: root\r\n"
        "Content_Length: 5\r\nTransfer_Encoding: chunked\r\nx_User: root\r\n\r\n";
    HeadLimits limits;
    limits.drop_underscore_names = false;
    const HeadResult head = parse_request_head(bytes, limits);
    BOOST_REQUIRE(head.state == HeadResult::State::done);
    const OwnedFields fields = forwarded_fields(head.head, {{}, {}, {}, {}, {"X-User"}}, "up", true);
    BOOST_REQUIRE(fields.size() == 2U);
    BOOST_TEST(fields[1].first == "X_Custom");
}

BOOST_AUTO_TEST_CASE(connection_cannot_name_our_fields_away) {
    // I03
    const Forwarded forwarded{"192.0.2.1", "http", "app.example", {{"X-User", "alice"}}, {"X-User"}};
    BOOST_TEST(
        forward("Connection: X-User, Host, X-Forwarded-For\r\n", forwarded) ==
        "Host=app.example;X-Forwarded-For=192.0.2.1;X-Forwarded-Proto=http;X-Forwarded-Host=app.example;"
        "X-User=alice;");
}

BOOST_AUTO_TEST_SUITE_END()
