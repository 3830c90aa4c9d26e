#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/http/head.h"

using namespace forestay::wire::http;
using namespace std::string_literals;

namespace {

using State = HeadResult::State;

HeadResult parse(std::string_view bytes) {
    return parse_request_head(bytes, {});
}

std::string request(std::string_view line, std::string_view fields = "") {
    return std::string(line) + "\r\nHost: app.example\r\n" + std::string(fields) + "\r\n";
}

// "ok", "incomplete", or status and reason of the refusal.
std::string verdict(std::string_view bytes) {
    const HeadResult result = parse(bytes);
    if (result.state == State::done) return "ok";
    if (result.state == State::incomplete) return "incomplete";
    return std::to_string(result.refusal.status) + " " + std::string(result.refusal.reason);
}

std::string verdict_of_fields(std::string_view fields, std::string_view line = "POST / HTTP/1.1") {
    return verdict(request(line, fields));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_head)

BOOST_AUTO_TEST_CASE(a_browsers_head_is_understood) {
    const std::string bytes =
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: app.example:8080\r\n"
        "Cookie: \t session=abc; b=c \t\r\nAccept: */*\r\n\r\nrest";
    const HeadResult result = parse(bytes);
    BOOST_REQUIRE(result.state == State::done);
    const RequestHead& head = result.head;
    BOOST_TEST(head.method == "GET");
    BOOST_TEST(head.target == "/socket.io/?EIO=4&transport=polling");
    BOOST_TEST(head.path == "/socket.io/");
    BOOST_TEST(head.query == "EIO=4&transport=polling");
    BOOST_TEST(head.host == "app.example:8080");
    BOOST_TEST(head.minor == 1U);
    BOOST_TEST(head.keep_alive);
    BOOST_TEST(!head.upgrade_websocket);
    BOOST_TEST((head.framing == Framing::none));
    BOOST_TEST(head.size == bytes.size() - 4);
    BOOST_REQUIRE(head.find("COOKIE"));
    BOOST_TEST(head.find("COOKIE")->value == "session=abc; b=c");
    BOOST_TEST(!head.find("cooki"));
}

BOOST_AUTO_TEST_CASE(every_proper_prefix_of_a_head_is_incomplete) {
    const std::string bytes = request("POST /a?b HTTP/1.1", "Content-Length: 5\r\nExpect: 100-continue\r\n");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        BOOST_TEST_CONTEXT("first " << size << " bytes") {
            BOOST_TEST(verdict(std::string_view(bytes).substr(0, size)) == "incomplete");
        }
    }
    const HeadResult result = parse(bytes);
    BOOST_REQUIRE(result.state == State::done);
    BOOST_TEST((result.head.framing == Framing::length));
    BOOST_TEST(result.head.content_length == 5U);
    BOOST_TEST(result.head.expect_continue);
}

BOOST_AUTO_TEST_CASE(body_framing_that_servers_read_differently_is_refused) {
    // H01 to H14
    BOOST_TEST(verdict_of_fields("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n") ==
               "400 length_and_chunked");
    BOOST_TEST(verdict_of_fields("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n") ==
               "400 length_and_chunked");
    BOOST_TEST(verdict_of_fields("Content-Length: 2\r\nContent-Length: 2\r\n") ==
               "400 duplicate_content_length");
    BOOST_TEST(verdict_of_fields("Content-Length: 2\r\nContent-Length: 3\r\n") ==
               "400 duplicate_content_length");
    for (const char* value :
         {"2, 2", "+2", "-1", "0x2", "", "18446744073709551616", "9223372036854775808", "2 2", "0,"}) {
        BOOST_TEST_CONTEXT(value) {
            BOOST_TEST(verdict_of_fields("Content-Length: "s + value + "\r\n") == "400 bad_content_length");
        }
    }
    BOOST_TEST(verdict_of_fields("Content-Length: 9223372036854775807\r\n") == "ok");
    BOOST_TEST(verdict_of_fields("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0") ==
               "400 transfer_encoding_on_http_1_0");
    for (const char* value :
         {"chunked, identity", "xchunked", "gzip, chunked", "chunked, chunked", "identity"}) {
        BOOST_TEST_CONTEXT(value) {
            BOOST_TEST(verdict_of_fields("Transfer-Encoding: "s + value + "\r\n") ==
                       "501 unknown_transfer_encoding");
        }
    }
    BOOST_TEST(verdict_of_fields("Transfer-Encoding: identity\r\nContent-Length: 2\r\n") ==
               "501 unknown_transfer_encoding");
    BOOST_TEST(verdict_of_fields("Transfer-Encoding:\r\n") == "400 bad_transfer_encoding");
    BOOST_TEST(verdict_of_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") ==
               "400 duplicate_transfer_encoding");
    BOOST_TEST(verdict_of_fields("Transfer-Encoding : chunked\r\n") == "400 bad_field_name");
    BOOST_TEST(verdict_of_fields("Transfer-Encoding: \x0b"s + "chunked\r\n") == "400 bad_line");
    BOOST_TEST(verdict_of_fields("Transfer-Encoding: Chunked\r\n") == "ok");
}

BOOST_AUTO_TEST_CASE(lines_that_servers_split_differently_are_refused) {
    // H15 to H18, H20, H39
    BOOST_TEST(verdict_of_fields("X: a\r\n b\r\n") == "400 folded_field");
    BOOST_TEST(verdict("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == "400 folded_field");
    BOOST_TEST(verdict("GET / HTTP/1.1\nHost: a\n\n") == "400 bad_request_line");
    BOOST_TEST(verdict("GET / HTTP/1.1\r\nHost: a\n\r\n") == "400 bad_line");
    BOOST_TEST(verdict_of_fields("X: a\rb\r\n") == "400 bad_line");
    BOOST_TEST(verdict_of_fields("X: a\0b\r\n"s) == "400 bad_line");
    BOOST_TEST(verdict_of_fields("X: a\x7f\r\n") == "400 bad_line");
    BOOST_TEST(verdict("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s) == "400 bad_request_line");
    BOOST_TEST(verdict_of_fields(": x\r\n") == "400 bad_field");
    BOOST_TEST(verdict_of_fields("no colon\r\n") == "400 bad_field");
    BOOST_TEST(verdict("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == "400 bad_request_line");
    BOOST_TEST(verdict_of_fields("X:" + std::string(300, ' ') + "a\r\n") == "400 padded_field");
    BOOST_TEST(verdict_of_fields("X: caf\xc3\xa9\r\n") == "ok");
}

BOOST_AUTO_TEST_CASE(underscore_names_are_dropped_because_wsgi_confuses_them) {
    // H19
    const std::string bytes = request("GET / HTTP/1.1", "X_Forwarded_User: root\r\nX.y: 1\r\nX-Y: 2\r\n");
    const HeadResult result = parse(bytes);
    BOOST_REQUIRE(result.state == State::done);
    BOOST_TEST(result.head.dropped_fields == 2U);
    BOOST_TEST(!result.head.find("X_Forwarded_User"));
    BOOST_TEST(result.head.find("X-Y"));
}

BOOST_AUTO_TEST_CASE(underscore_names_may_be_let_through_and_other_odd_ones_not) {
    HeadLimits limits;
    limits.drop_underscore_names = false;
    const std::string bytes =
        request("POST / HTTP/1.1", "X_Custom: 1\r\nX.y: 1\r\nTransfer_Encoding: chunked\r\n");
    const HeadResult result = parse_request_head(bytes, limits);
    BOOST_REQUIRE(result.state == State::done);
    BOOST_TEST(result.head.dropped_fields == 1U);
    BOOST_TEST(result.head.find("X_Custom"));
    BOOST_TEST((result.head.framing == Framing::none));
}

BOOST_AUTO_TEST_CASE(what_two_servers_could_read_differently_counts_as_smuggling) {
    for (const std::string_view reason : {"length_and_chunked", "unknown_transfer_encoding", "folded_field"})
        BOOST_TEST(is_smuggling(reason), reason);
    for (const std::string_view reason : {"head_too_large", "header_timeout", ""})
        BOOST_TEST(!is_smuggling(reason), reason);
}

BOOST_AUTO_TEST_CASE(sizes_and_counts_have_limits) {
    // H27 to H30
    BOOST_TEST(verdict("GET /" + std::string(9 << 10, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n") ==
               "414 target_too_long");
    BOOST_TEST(verdict("GET /" + std::string(9 << 10, 'a')) == "414 target_too_long");
    BOOST_TEST(verdict("GET /" + std::string((8 << 10) - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n") == "ok");
    BOOST_TEST(verdict_of_fields("X: " + std::string(17 << 10, 'a') + "\r\n") == "431 head_too_large");
    BOOST_TEST(verdict("GET / HTTP/1.1\r\nX: " + std::string(70 << 10, 'a')) == "431 head_too_large");
    std::string many;
    for (int i = 0; i < 99; ++i) many += "X: 1\r\n";
    BOOST_TEST(verdict_of_fields(many) == "ok");
    BOOST_TEST(verdict_of_fields(many + "X: 1\r\n") == "431 too_many_fields");
}

// 14 KB of "x,x,x" beside 60 fields took 3.4 ms to forward, 70 times a plain request.
BOOST_AUTO_TEST_CASE(connection_names_no_more_fields_than_there_may_be) {
    std::string options = "close";
    for (int i = 0; i < 99; ++i) options += ",x";
    BOOST_TEST(verdict_of_fields("Connection: " + options + "\r\n") == "ok");
    BOOST_TEST(verdict_of_fields("Connection: " + options + ",x\r\n") == "431 too_many_fields");
    BOOST_TEST(verdict_of_fields("Connection: " + options + "\r\nConnection: x\r\n") ==
               "431 too_many_fields");
}

BOOST_AUTO_TEST_CASE(a_get_has_no_body) {
    // H32
    BOOST_TEST(verdict_of_fields("Content-Length: 2\r\n", "GET / HTTP/1.1") == "400 body_on_get");
    BOOST_TEST(verdict_of_fields("Transfer-Encoding: chunked\r\n", "HEAD / HTTP/1.1") == "400 body_on_get");
    BOOST_TEST(verdict_of_fields("Content-Length: 0\r\n", "GET / HTTP/1.1") == "ok");
    BOOST_TEST(verdict_of_fields("Content-Length: 2\r\n", "DELETE / HTTP/1.1") == "ok");
}

BOOST_AUTO_TEST_CASE(only_the_usual_methods_and_versions_pass) {
    // H33, H36 to H38
    BOOST_TEST(verdict_of_fields("Expect: 200-maybe\r\n") == "417 unknown_expectation");
    BOOST_TEST(verdict("GET /\r\n") == "400 bad_request_line");
    BOOST_TEST(verdict("GET / HTTP/1.2\r\n") == "505 unsupported_version");
    BOOST_TEST(verdict("GET / HTTP/2.0\r\n") == "505 unsupported_version");
    BOOST_TEST(verdict("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == "505 unsupported_version");
    BOOST_TEST(verdict("GET / http/1.1\r\n") == "400 bad_version");
    BOOST_TEST(verdict("GET  / HTTP/1.1\r\n") == "400 bad_target");
    BOOST_TEST(verdict("\x16\x03\x01\x02") == "0 tls_on_plain_port");
    for (const char* method : {"FOO", "TRACE", "CONNECT", "get"}) {
        BOOST_TEST_CONTEXT(method) {
            BOOST_TEST(verdict_of_fields("", std::string(method) + " / HTTP/1.1") ==
                       "405 method_not_allowed");
        }
    }
    BOOST_TEST(verdict("CONNECT host:80 HTTP/1.1\r\nHost: host\r\n\r\n") == "405 method_not_allowed");
    for (const char* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
        BOOST_TEST_CONTEXT(method) {
            BOOST_TEST(verdict_of_fields("", std::string(method) + " / HTTP/1.1") == "ok");
        }
    }
    BOOST_TEST(verdict("G\"T / HTTP/1.1\r\nHost: a\r\n\r\n") == "400 bad_method");
}

BOOST_AUTO_TEST_CASE(exactly_one_well_formed_host) {
    // U01 to U05
    BOOST_TEST(verdict("GET / HTTP/1.1\r\n\r\n") == "400 missing_host");
    BOOST_TEST(verdict("GET / HTTP/1.0\r\n\r\n") == "ok");
    BOOST_TEST(verdict("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == "400 duplicate_host");
    for (const char* host : {"example.com/abc?bar=", "user@example.com", "a b", "exa%6dple",
                             "example.com:99999", "", "a:", "a:0", "a:080", "a:8x", "[::1", "[::g]", "[::1]x",
                             "[::1]:", "a..b", ".a", "a,b", "\xc3\xbc.example", "[fe80::1%25eth0]"}) {
        BOOST_TEST_CONTEXT(host) {
            BOOST_TEST(!valid_host(host));
            BOOST_TEST(verdict("GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n") == "400 bad_host");
        }
    }
    for (const char* host :
         {"a", "App.Example:1", "127.0.0.1:65535", "[::1]", "[2001:db8::1]:8080", "a_b.local", "a."}) {
        BOOST_TEST_CONTEXT(host) {
            BOOST_TEST(valid_host(host));
        }
    }
}

BOOST_AUTO_TEST_CASE(targets_are_origin_form_and_mean_one_path) {
    // U07 to U14
    const auto target = [](std::string_view text) {
        return verdict("GET " + std::string(text) + " HTTP/1.1\r\nHost: app\r\n\r\n");
    };
    for (const char* text :
         {"http://evil/x", "*", "admin", "host:80", "@evil", "/a\xc3\xa9", "/a#b", "/a b"}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(target(text) == "400 bad_target");
        }
    }
    BOOST_TEST(verdict("OPTIONS * HTTP/1.1\r\nHost: app\r\n\r\n") == "ok");
    for (const char* text : {"/%zz", "/%", "/%2", "/%4"}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(target(text) == "400 bad_percent");
        }
    }
    for (const char* text : {"/socket.io/..%2fadmin", "/a%2F..%2fadmin", "/a%5cb", "/x%2f"}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(target(text) == "400 encoded_slash");
        }
    }
    for (const char* text :
         {"/a/../b", "/..", "/.", "/./a", "/a/%2e%2E/b", "/.%2e", "/..;/admin", "/%2e;x"}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(target(text) == "400 dot_segment");
        }
    }
    BOOST_TEST(target("/a%00") == "400 encoded_nul");
    BOOST_TEST(target("/a\\b") == "400 backslash_in_path");
    for (const char* text : {"//evil/x", "/SOCKET.IO/", "/...", "/a..b", "/.well-known", "/a;b/c", "/%C3%A9",
                             "/?q=%zz", "/?next=/../x", "/a.b/..c", "/a;../b"}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(target(text) == "ok");
        }
    }
}

BOOST_AUTO_TEST_CASE(upgrades_are_to_websocket_alone) {
    // W01 to W04, W07, W08
    const std::string upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n";
    const std::string bytes = request("GET / HTTP/1.1", upgrade);
    BOOST_TEST(parse(bytes).head.upgrade_websocket);
    const std::string split =
        request("GET / HTTP/1.1", "Connection: foo\r\nUpgrade: websocket\r\nConnection: UPGRADE\r\n");
    BOOST_TEST(parse(split).head.upgrade_websocket);
    BOOST_TEST(verdict_of_fields(upgrade + "Content-Length: 3\r\n", "GET / HTTP/1.1") == "400 body_on_get");
    BOOST_TEST(verdict_of_fields(upgrade) == "400 upgrade_method");
    BOOST_TEST(verdict_of_fields(upgrade, "GET / HTTP/1.0") == "400 upgrade_on_http_1_0");
    BOOST_TEST(verdict_of_fields("Connection: upgrade\r\nUpgrade: websocket, h2c\r\n", "GET / HTTP/1.1") ==
               "400 upgrade_list");
    BOOST_TEST(verdict_of_fields("Connection: upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n",
                                 "GET / HTTP/1.1") == "400 upgrade_list");
    for (const char* fields : {"Connection: upgrade\r\nUpgrade: h2c\r\n", "Upgrade: websocket\r\n"}) {
        const std::string plain = request("GET / HTTP/1.1", fields);
        const HeadResult result = parse(plain);
        BOOST_TEST((result.state == State::done));
        BOOST_TEST(!result.head.upgrade_websocket);
    }
}

BOOST_AUTO_TEST_CASE(keep_alive_follows_version_and_connection) {
    const auto kept = [](std::string_view version, std::string_view fields) {
        const std::string bytes = request("GET / HTTP/" + std::string(version), fields);
        return parse(bytes).head.keep_alive;
    };
    BOOST_TEST(kept("1.1", ""));
    BOOST_TEST(!kept("1.1", "Connection: foo, Close\r\n"));
    BOOST_TEST(!kept("1.0", ""));
    BOOST_TEST(kept("1.0", "Connection: keep-alive\r\n"));
}

BOOST_AUTO_TEST_CASE(two_cookie_fields_are_refused) {
    BOOST_TEST(verdict_of_fields("Cookie: a=1\r\nCookie: a=2\r\n") == "400 duplicate_cookie");
}

BOOST_AUTO_TEST_SUITE_END()
