// Engine.IO requests as HTTP: who may make them, what the answers carry, and what the upstream never hears.
#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/scenarios/engineio_client.h"

using namespace forestay::scenarios;
using namespace forestay::wire::websocket;

namespace {

// A secret whose SHA-256 the token method knows.
const std::string token = "0123456789abcdef0123456789abcdef";
const std::string token_sha256 = "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9";

Setup with_token(forestay::auth::RefuseWith refuse_with) {
    Setup setup;
    setup.auth.protect = {"/socket.io/", "/api"};
    setup.auth.any_of.push_back(forestay::auth::TokenOptions{{token_sha256}, "alice"});
    setup.auth.refuse_with = refuse_with;
    setup.auth.identity_headers = {{"X-Forwarded-User", "sub"}};
    return setup;
}

struct Fixture {
    Upstream upstream;
    Proxy proxy{upstream};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(engineio_http, Fixture)

BOOST_AUTO_TEST_CASE(a_polling_session_from_its_open_packet_to_a_post) {
    Peer client = proxy.client(request("GET", handshake, "Origin: http://app.example\r\n"));
    const Answer open = read_answer(client);
    BOOST_TEST(open.status == 200U);
    BOOST_TEST(open.body.starts_with("0{\"sid\":\""));
    BOOST_TEST(open.field("Content-Type") == "text/plain; charset=UTF-8");
    BOOST_TEST(open.field("Cache-Control") == "no-store");
    BOOST_TEST(open.field("Access-Control-Allow-Origin") == "http://app.example");
    BOOST_TEST(open.field("Access-Control-Allow-Credentials") == "true");
    BOOST_TEST(open.field("Vary") == "Origin");
    BOOST_TEST(!upstream.contacted());

    const std::string target = handshake + "&sid=" + sid_of(open);
    client.send(request("POST", target, {}, "40"));
    const Answer posted = read_answer(client);
    BOOST_TEST(posted.status == 200U);
    BOOST_TEST(posted.body == "ok");
    BOOST_TEST(posted.field("Vary") == "Origin");
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).line() == "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1");
}

BOOST_AUTO_TEST_CASE(the_path_without_its_last_slash_is_the_same_endpoint) {
    Peer client = proxy.client(request("GET", "/socket.io?EIO=4&transport=polling"));
    BOOST_TEST(read_answer(client).body.starts_with("0{"));
}

BOOST_AUTO_TEST_CASE(a_poll_whose_client_goes_is_given_back) {
    Peer first = proxy.client(request("GET", handshake));
    const std::string target = handshake + "&sid=" + sid_of(read_answer(first));
    first.send(request("GET", target));
    first.close();
    // The session lives and serves a poll on another connection: the POST's close answers it.
    Peer second = proxy.client(request("GET", target));
    Peer third = proxy.client(request("POST", target, {}, "1"));
    BOOST_TEST(read_answer(third).status == 200U);
    BOOST_TEST(read_answer(second).status >= 200U);
}

BOOST_AUTO_TEST_CASE(foreign_origins_are_refused_before_anything_else) {
    const auto refused = [&](const std::string& bytes) {
        Peer client = proxy.client(bytes);
        const Answer answer = read_answer(client);
        BOOST_TEST(answer.field("Access-Control-Allow-Origin") == "-");
        BOOST_TEST(client.ends());
        return std::to_string(answer.status) + " " + answer.body;
    };
    const std::string forbidden = R"(403 {"code":4,"message":"Forbidden"})";
    BOOST_TEST(refused(request("GET", handshake, "Origin: https://evil.example\r\n")) == forbidden);
    BOOST_TEST(refused(request("POST", handshake + "&sid=AAAA", "Origin: https://evil.example\r\n", "40")) ==
               forbidden);
    BOOST_TEST(refused(request("GET", handshake, "Origin: null\r\n")) == forbidden);
    BOOST_TEST(refused(upgrade("/socket.io/?EIO=4&transport=websocket",
                               "Origin: https://evil.example\r\n")) == forbidden);
    BOOST_TEST(refused(upgrade("/socket.io/?EIO=4&transport=websocket", "Cookie: a=b\r\n")) == forbidden);
    BOOST_TEST(refused(upgrade("/ws", "Origin: https://evil.example\r\n")) == forbidden);
    BOOST_TEST(refused(request("OPTIONS", handshake, "Origin: https://evil.example\r\n")) == forbidden);
    BOOST_TEST(
        refused(request("GET", handshake, "Origin: http://a\r\nOrigin: http://b\r\n")).starts_with("400 "));
    BOOST_TEST(!upstream.contacted());
    const auto& refusals = proxy.stop().origin_refusals;
    BOOST_TEST(refusals[static_cast<std::size_t>(forestay::auth::OriginVerdict::mismatch)] == 5U);
    BOOST_TEST(refusals[static_cast<std::size_t>(forestay::auth::OriginVerdict::missing)] == 1U);
}

BOOST_AUTO_TEST_CASE(a_preflight_is_answered_here) {
    Peer client = proxy.client(request("OPTIONS", handshake,
                                       "Origin: http://app.example\r\nAccess-Control-Request-Method: POST\r\n"
                                       "Access-Control-Request-Headers: authorization, x-evil\r\n"));
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.status == 204U);
    BOOST_TEST(answer.field("Access-Control-Allow-Origin") == "http://app.example");
    BOOST_TEST(answer.field("Access-Control-Allow-Headers") == "authorization, content-type");
    BOOST_TEST(answer.field("Access-Control-Allow-Methods") == "GET, POST, OPTIONS");
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(a_preflight_of_a_protected_page_needs_no_credential_and_stays_here) {
    Proxy guarded(upstream, with_token(forestay::auth::RefuseWith::http));
    const auto ask = [&](const std::string& bytes) {
        Peer client = guarded.client(bytes);
        return read_answer(client);
    };
    const std::string asked = "Access-Control-Request-Method: DELETE\r\n";
    const std::string own = "Origin: http://app.example\r\n";
    const Answer allowed = ask(request("OPTIONS", "/api/thing", own + asked));
    BOOST_TEST(allowed.status == 204U);
    BOOST_TEST(allowed.field("Access-Control-Allow-Origin") == "http://app.example");
    BOOST_TEST(allowed.field("Access-Control-Allow-Methods") ==
               "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    BOOST_TEST(allowed.field("Access-Control-Allow-Headers") == "authorization, content-type");
    const Answer evil = ask(request("OPTIONS", "/api/thing", "Origin: http://evil.example\r\n" + asked));
    BOOST_TEST(evil.status == 403U);
    BOOST_TEST(evil.field("Access-Control-Allow-Origin") == "-");
    BOOST_TEST(ask(request("OPTIONS", "/api/thing", own)).status == 401U);  // no preflight
    BOOST_TEST(ask(request("OPTIONS", "/api/thing", asked)).status == 401U);
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(a_script_can_read_that_its_user_must_log_in) {
    Proxy guarded(upstream, with_token(forestay::auth::RefuseWith::http));
    const auto refused = [&](const std::string& origin) {
        Peer client = guarded.client(request("GET", "/api/thing", "Origin: " + origin + "\r\n"));
        const Answer answer = read_answer(client);
        BOOST_TEST(answer.status == 401U);
        return answer.field("Access-Control-Allow-Origin");
    };
    BOOST_TEST(refused("http://app.example") == "http://app.example");
    BOOST_TEST(refused("http://evil.example") == "-");
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(bad_requests_get_the_reference_servers_error_bodies) {
    const auto answer = [&](const std::string& bytes) {
        Peer client = proxy.client(bytes);
        const Answer got = read_answer(client);
        BOOST_TEST(got.field("Vary") == "Origin");
        return std::to_string(got.status) + " " + got.body;
    };
    BOOST_TEST(answer(request("GET", "/socket.io/?EIO=5&transport=polling")).starts_with(R"(400 {"code":5)"));
    BOOST_TEST(answer(request("GET", "/socket.io/?EIO=4&transport=flash")).starts_with(R"(400 {"code":0)"));
    BOOST_TEST(
        answer(request("GET", handshake + "&sid=AAAAAAAAAAAAAAAAAAAA")).starts_with(R"(400 {"code":1)"));
    BOOST_TEST(answer(request("PUT", handshake)).starts_with(R"(400 {"code":2)"));
    BOOST_TEST(
        answer(request("GET", "/socket.io/?EIO=4&transport=websocket")).starts_with(R"(400 {"code":3)"));
    BOOST_TEST(answer(upgrade(handshake)).starts_with(R"(400 {"code":3)"));
    BOOST_TEST(answer(request("GET", handshake + "&j=0")).starts_with("400 "));
    BOOST_TEST(
        answer(request("POST", handshake + "&sid=AAAA", "Content-Type: application/octet-stream\r\n", "40"))
            .starts_with("400 "));
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(a_polling_body_over_the_limit_is_refused_before_it_is_read) {
    Peer client = proxy.client("POST " + handshake +
                               "&sid=AAAA HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n");
    BOOST_TEST(read_answer(client).status == 413U);
    BOOST_TEST(client.ends());
}

BOOST_AUTO_TEST_CASE(the_clients_script_below_the_endpoint_is_the_apps) {
    Peer client =
        proxy.client(request("GET", "/socket.io/socket.io.js?v=4", "Origin: https://other.example\r\n"));
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).line() == "GET /socket.io/socket.io.js?v=4 HTTP/1.1");
    app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: *\r\n\r\nok");
    BOOST_TEST(read_answer(client).field("Access-Control-Allow-Origin") == "*");
}

BOOST_AUTO_TEST_CASE(no_spelling_of_the_path_reaches_the_apps_own_endpoint) {
    for (const char* target :
         {"/socket.io/x?EIO=4&transport=polling&j=0", "/socket.io/x?%45IO=4&j=0",
          "/%73ocket.io/?EIO=4&transport=polling", "//socket.io/?EIO=4&transport=polling",
          "/socket.io%2f?EIO=4&transport=polling", "/x/../socket.io/?EIO=4"}) {
        BOOST_TEST_CONTEXT(target) {
            Peer client = proxy.client(request("GET", target));
            BOOST_TEST(read_answer(client).status == 400U);
        }
    }
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(a_websocket_session_keeps_the_bytes_behind_its_handshake) {
    Peer client = proxy.client(
        upgrade("/socket.io/?EIO=4&transport=websocket&room=1", "Origin: http://app.example\r\n") +
        text_frame("40"));
    const std::string head = client.read_until("\r\n\r\n");
    BOOST_TEST(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    BOOST_TEST(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != std::string::npos);
    BOOST_TEST(head.find("Extensions") == std::string::npos);
    BOOST_TEST(read_text(client).starts_with("0{\"sid\":\""));
    Peer app = upstream.accept();
    const Request asked = read_request(app);
    BOOST_TEST(asked.line() == "GET /socket.io/?EIO=4&transport=websocket&room=1 HTTP/1.1");
    BOOST_TEST(asked.field("Origin") == "http://app.example");
    BOOST_TEST(asked.field("Host") == "app.example");
    BOOST_TEST(asked.field("X-Forwarded-For") == "127.0.0.1");
}

BOOST_AUTO_TEST_CASE(handshakes_that_are_wrong_get_their_status) {
    const auto status = [&](const std::string& bytes) {
        Peer client = proxy.client(bytes);
        const Answer answer = read_answer(client);
        BOOST_TEST(client.ends());
        return std::to_string(answer.status) + " " + answer.field("Sec-WebSocket-Version");
    };
    const std::string target = "/socket.io/?EIO=4&transport=websocket";
    const std::string fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    BOOST_TEST(status(request("GET", target, fields + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")) ==
               "426 13");
    BOOST_TEST(status(request("GET", target, fields + "Sec-WebSocket-Version: 13\r\n")) == "400 -");
    BOOST_TEST(status(upgrade(target, "Sec-WebSocket-Protocol: a,,b\r\n")) == "400 -");
    BOOST_TEST(!upstream.contacted());
    using forestay::net::HandshakeFailure;
    const auto& failures = proxy.stop().handshake_failures;
    BOOST_TEST(failures[static_cast<std::size_t>(HandshakeFailure::bad_version)] == 1U);
    BOOST_TEST(failures[static_cast<std::size_t>(HandshakeFailure::bad_key)] == 1U);
    BOOST_TEST(failures[static_cast<std::size_t>(HandshakeFailure::bad_protocol)] == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(engineio_http_auth)

BOOST_AUTO_TEST_CASE(a_refused_handshake_is_401_when_http_was_asked_for) {
    Upstream upstream;
    Proxy proxy(upstream, with_token(forestay::auth::RefuseWith::http));
    for (const std::string& target : {handshake, std::string("/api/x")}) {
        BOOST_TEST_CONTEXT(target) {
            Peer client = proxy.client(request("GET", target));
            const Answer answer = read_answer(client);
            BOOST_TEST(answer.status == 401U);
            BOOST_TEST(answer.field("WWW-Authenticate") == "Bearer");
            BOOST_TEST(client.ends());
        }
    }
    Peer client = proxy.client(request("GET", "/%61pi/x", "Authorization: Bearer wrong\r\n"));
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.status == 401U);
    BOOST_TEST(answer.field("WWW-Authenticate") == "Bearer error=\"invalid_token\"");
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(a_good_credential_becomes_an_identity_header) {
    Upstream upstream;
    Proxy proxy(upstream, with_token(forestay::auth::RefuseWith::http));
    Peer client = proxy.client(
        request("GET", "/api/x", "Authorization: Bearer " + token + "\r\nX-Forwarded-User: root\r\n"));
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).field("X-Forwarded-User") == "alice");
    app.send("HTTP/1.1 204 No Content\r\n\r\n");
    BOOST_TEST(read_answer(client).status == 204U);
}

BOOST_AUTO_TEST_CASE(a_forged_identity_is_removed_from_open_paths_too) {
    Upstream upstream;
    Proxy proxy(upstream, with_token(forestay::auth::RefuseWith::http));
    Peer client = proxy.client(request("GET", "/open", "X-Forwarded-User: root\r\n"));
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).field("X-Forwarded-User") == "-");
}

BOOST_AUTO_TEST_CASE(a_refused_credential_is_told_by_connect_error_and_the_upstream_hears_nothing) {
    Upstream upstream;
    Proxy proxy(upstream, with_token(forestay::auth::RefuseWith::connect_error));
    Peer client = proxy.client(request("GET", handshake, "Authorization: Bearer wrong\r\n"));
    const Answer open = read_answer(client);
    BOOST_TEST(open.status == 200U);
    const std::string target = handshake + "&sid=" + sid_of(open);
    client.send(request("POST", target, "Authorization: Bearer wrong\r\n", "40"));
    BOOST_TEST(read_answer(client).body == "ok");
    client.send(request("GET", target, "Authorization: Bearer wrong\r\n"));
    BOOST_TEST(read_answer(client).body == R"(44{"message":"unauthorized","data":{"code":"unknown_token"}})");
    BOOST_TEST(!upstream.contacted());
    using forestay::auth::errc;
    BOOST_TEST(proxy.stop().auth_refusals[static_cast<std::size_t>(errc::unknown_token)] > 0U);
}

BOOST_AUTO_TEST_CASE(a_session_belongs_to_who_opened_it) {
    Upstream upstream;
    Proxy proxy(upstream, with_token(forestay::auth::RefuseWith::connect_error));
    Peer alice = proxy.client(request("GET", handshake, "Authorization: Bearer " + token + "\r\n"));
    const std::string target = handshake + "&sid=" + sid_of(read_answer(alice));
    Peer other = proxy.client(request("POST", target, {}, "40"));
    BOOST_TEST(read_answer(other).status == 403U);
    BOOST_TEST(proxy.stop().sid_mismatches == 1U);
}

BOOST_AUTO_TEST_CASE(two_credentials_are_ambiguous) {
    Upstream upstream;
    Proxy proxy(upstream, with_token(forestay::auth::RefuseWith::connect_error));
    Peer client =
        proxy.client(request("GET", handshake, "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"));
    BOOST_TEST(read_answer(client).status == 400U);
}

BOOST_AUTO_TEST_SUITE_END()
