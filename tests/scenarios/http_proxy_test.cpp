// The reverse proxy between a client and an app: what either of them gets to see.
#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/scenarios/harness.h"

using namespace forestay::scenarios;
using namespace std::chrono_literals;

namespace {

const std::string get = "GET /page?x=1 HTTP/1.1\r\nHost: app.example\r\n\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct Fixture {
    Upstream upstream;
    Proxy proxy{upstream};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(http_proxy, Fixture)

BOOST_AUTO_TEST_CASE(the_app_sees_the_request_as_if_it_stood_in_front) {
    Peer client = proxy.client(
        "GET //a%20b/;x?q=%zz&q HTTP/1.1\r\nHost: app.example:8080\r\nCookie: session=abc\r\nUser-Agent: "
        "test\r\n"
        "Accept-Encoding: gzip\r\n\r\n");
    Peer app = upstream.accept();
    const Request request = read_request(app);
    BOOST_TEST(request.line() == "GET //a%20b/;x?q=%zz&q HTTP/1.1");
    BOOST_TEST(request.field("Host") == "app.example:8080");
    BOOST_TEST(request.field("Cookie") == "session=abc");
    BOOST_TEST(request.field("User-Agent") == "test");
    BOOST_TEST(request.field("Accept-Encoding") == "gzip");
    BOOST_TEST(request.field("X-Forwarded-For") == "127.0.0.1");
    BOOST_TEST(request.field("X-Forwarded-Proto") == "http");
    BOOST_TEST(request.field("X-Forwarded-Host") == "app.example:8080");
    BOOST_TEST(request.field("Content-Length") == "-");
    app.send(
        "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 5\r\nSet-Cookie: a=1\r\nX-App: yes\r\nSet-Cookie: "
        "b=2\r\n\r\nhello");
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.head.starts_with("HTTP/1.1 418 I'm a teapot\r\n"));
    BOOST_TEST(answer.field("Set-Cookie") == "a=1|b=2");
    BOOST_TEST(answer.field("X-App") == "yes");
    BOOST_TEST(answer.field("Connection") == "-");
    BOOST_TEST(answer.body == "hello");
}

BOOST_AUTO_TEST_CASE(hop_by_hop_fields_and_forged_claims_stay_here) {
    Peer client = proxy.client(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Private\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
        "Upgrade: h2c\r\nX-Private: 1\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-User: "
        "root\r\nX_Forwarded_User: root\r\n"
        "Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n\r\n");
    Peer app = upstream.accept();
    const Request request = read_request(app);
    for (const char* name : {"Connection", "Keep-Alive", "TE", "Upgrade", "X-Private", "X-Forwarded-User",
                             "X_Forwarded_User", "Forwarded", "X-Real-IP"}) {
        BOOST_TEST_CONTEXT(name) {
            BOOST_TEST(request.field(name) == "-");
        }
    }
    BOOST_TEST(request.field("X-Forwarded-For") == "127.0.0.1");
    app.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Hop\r\nX-Hop: 1\r\nUpgrade: "
        "h2c\r\nKeep-Alive: 9\r\n\r\n");
    const Answer answer = read_answer(client);
    for (const char* name : {"Connection", "X-Hop", "Upgrade", "Keep-Alive"}) {
        BOOST_TEST_CONTEXT(name) {
            BOOST_TEST(answer.field(name) == "-");
        }
    }
    const forestay::net::Stats& stats = proxy.stop();
    BOOST_TEST(stats.dropped_header_fields == 1U);
    using forestay::session::Shield;
    BOOST_TEST(stats.sessions.shields[static_cast<std::size_t>(Shield::underscore_headers)] == 1U);
}

BOOST_AUTO_TEST_CASE(one_connection_serves_many_requests_in_order_even_pipelined) {
    Peer client = proxy.client("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).line() == "GET /1 HTTP/1.1");
    app.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    BOOST_TEST(read_answer(client).body == "1");
    // The upstream's connection is used again.
    BOOST_TEST(read_request(app).line() == "GET /2 HTTP/1.1");
    app.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
    BOOST_TEST(read_answer(client).body == "2");
    client.send(get);
    BOOST_TEST(read_request(app).line() == "GET /page?x=1 HTTP/1.1");
    app.send(ok);
    BOOST_TEST(read_answer(client).body == "ok");
    BOOST_TEST(!upstream.contacted());
    BOOST_TEST(proxy.stop().http_requests[2] == 3U);
}

BOOST_AUTO_TEST_CASE(a_kept_connection_that_died_is_replaced_once_without_the_client_noticing) {
    Peer client = proxy.client(get);
    {
        Peer app = upstream.accept();
        (void)read_request(app);
        app.send(ok);
        BOOST_TEST(read_answer(client).status == 200U);
        client.send(get);
        (void)read_request(app);
        app.reset();
    }
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).line() == "GET /page?x=1 HTTP/1.1");
    app.send(ok);
    BOOST_TEST(read_answer(client).status == 200U);
}

BOOST_AUTO_TEST_CASE(a_post_is_never_said_twice) {
    Peer client = proxy.client(get);
    Peer kept = upstream.accept();
    (void)read_request(kept);
    kept.send(ok);
    (void)read_answer(client);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).field("Content-Length") == "2");
    BOOST_TEST(app.read_exactly(2) == "hi");
    app.reset();
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.status == 502U);
    BOOST_TEST(answer.body == R"({"error":"bad gateway","reason":"upstream_closed"})");
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(answers_without_a_body_leave_the_connection_in_step) {
    Peer client = proxy.client("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).line() == "HEAD / HTTP/1.1");
    app.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    const Answer head = read_answer(client, true);
    BOOST_TEST(head.field("Content-Length") == "1000");

    client.send(get);
    app = upstream.accept();
    (void)read_request(app);
    app.send("HTTP/1.1 204 No Content\r\n\r\n");
    const Answer none = read_answer(client);
    BOOST_TEST(none.status == 204U);
    BOOST_TEST(none.field("Content-Length") == "-");

    // A body behind a 304 is not forwarded, and its connection not used again.
    client.send(get);
    (void)read_request(app);
    app.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello");
    BOOST_TEST(read_answer(client).status == 304U);
    client.send(get);
    Peer fresh = upstream.accept();
    (void)read_request(fresh);
    fresh.send(ok);
    BOOST_TEST(read_answer(client).body == "ok");
}

BOOST_AUTO_TEST_CASE(a_late_body_behind_a_head_is_never_the_answer_to_the_next_request) {
    Peer client = proxy.client("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get);
    Peer careless = upstream.accept();
    BOOST_TEST(read_request(careless).line() == "HEAD / HTTP/1.1");
    careless.send("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n");
    BOOST_TEST(read_answer(client, true).status == 200U);
    Peer app = upstream.accept();
    BOOST_TEST(careless.ends());
    BOOST_TEST(read_request(app).line() == "GET /page?x=1 HTTP/1.1");
    app.send(ok);
    BOOST_TEST(read_answer(client).body == "ok");
}

BOOST_AUTO_TEST_CASE(a_chunked_upload_reaches_the_app_with_a_length_and_without_trailers) {
    Peer client = proxy.client(
        "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Forwarded-User\r\n\r\n"
        "5\r\nhello\r\n7;ext=1\r\n, world\r\n");
    BOOST_TEST(!upstream.contacted());
    client.send("0\r\nX-Forwarded-User: root\r\nConnection: upgrade\r\n\r\n");
    Peer app = upstream.accept();
    const Request request = read_request(app);
    BOOST_TEST(request.field("Content-Length") == "12");
    BOOST_TEST(request.field("Transfer-Encoding") == "-");
    BOOST_TEST(request.field("X-Forwarded-User") == "-");
    BOOST_TEST(app.read_exactly(12) == "hello, world");
    app.send(ok);
    BOOST_TEST(read_answer(client).body == "ok");
    client.send(get);
    (void)read_request(app);
    app.send(ok);
    BOOST_TEST(read_answer(client).body == "ok");
    const auto& stats = proxy.stop();
    BOOST_TEST(stats.spooled_uploads == 1U);
    BOOST_TEST(stats.spooled_bytes == 12U);
}

BOOST_AUTO_TEST_CASE(a_chunked_upload_without_a_place_to_keep_it_is_told_to_name_its_length) {
    ::setenv("TMPDIR", "/proc", 1);
    Peer client = proxy.client("POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    const Answer answer = read_answer(client);
    ::unsetenv("TMPDIR");
    BOOST_TEST(answer.status == 411U);
    BOOST_TEST(answer.body == R"({"error":"length required","reason":"no_temporary_file"})");
    BOOST_TEST(client.ends());
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(a_sized_upload_is_streamed_as_it_comes) {
    Peer client = proxy.client("PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).field("Content-Length") == "10");
    BOOST_TEST(app.read_exactly(5) == "hello");
    client.send("world");
    BOOST_TEST(app.read_exactly(5) == "world");
    app.send(ok);
    BOOST_TEST(read_answer(client).body == "ok");
}

BOOST_AUTO_TEST_CASE(a_client_that_expects_100_gets_it_before_it_sends) {
    Peer client =
        proxy.client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    BOOST_TEST(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hi");
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).field("Expect") == "-");
    BOOST_TEST(app.read_exactly(2) == "hi");
    app.send(ok);
    BOOST_TEST(read_answer(client).body == "ok");
}

BOOST_AUTO_TEST_CASE(an_app_that_answers_before_the_upload_is_over_is_heard) {
    Peer client = proxy.client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome");
    Peer app = upstream.accept();
    (void)read_request(app);
    app.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.status == 413U);
    BOOST_TEST(answer.body == "big");
    BOOST_TEST(answer.field("Connection") == "close");
    BOOST_TEST(client.ends());
}

BOOST_AUTO_TEST_CASE(a_connection_that_got_half_a_spooled_upload_is_not_used_again) {
    const std::string chunk = "100000\r\n" + std::string(0x100000, 'x') + "\r\n";
    Peer client = proxy.client("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 16; ++i) client.send(chunk);
    client.send("0\r\n\r\n");
    Peer app = upstream.accept();
    (void)read_request(app);
    app.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    BOOST_TEST(read_answer(client).status == 403U);
    client.send(get);
    Peer fresh = upstream.accept();
    BOOST_TEST(read_request(fresh).line() == "GET /page?x=1 HTTP/1.1");
    fresh.send(ok);
    BOOST_TEST(read_answer(client).body == "ok");
}

BOOST_AUTO_TEST_CASE(an_event_stream_is_flushed_event_by_event) {
    Peer client = proxy.client(get);
    Peer app = upstream.accept();
    (void)read_request(app);
    app.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    BOOST_TEST(client.read_until("\r\n\r\n").find("Transfer-Encoding: chunked") != std::string::npos);
    app.send("9\r\ndata: 1\n\n\r\n");
    BOOST_TEST(client.read_until("\n\n\r\n") == "9\r\ndata: 1\n\n\r\n");
    app.send("9\r\ndata: 2\n\n\r\n");
    BOOST_TEST(client.read_until("\n\n\r\n") == "9\r\ndata: 2\n\n\r\n");
    app.send("0\r\nX-Trailer: dropped\r\n\r\n");
    BOOST_TEST(client.read_until("\r\n\r\n") == "0\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(an_answer_that_ends_with_the_connection_becomes_chunks) {
    Peer client = proxy.client(get);
    Peer app = upstream.accept();
    (void)read_request(app);
    app.send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello");
    app.close();
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.body == "hello");
    BOOST_TEST(answer.whole);
    // The client's connection lives on.
    client.send(get);
    Peer next = upstream.accept();
    (void)read_request(next);
    next.send(ok);
    BOOST_TEST(read_answer(client).body == "ok");
}

BOOST_AUTO_TEST_CASE(an_http_1_0_client_gets_no_chunks) {
    Peer client = proxy.client("GET / HTTP/1.0\r\n\r\n");
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).field("Host") == "127.0.0.1:" + std::to_string(upstream.port()));
    app.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    const std::string bytes = client.read_to_end();
    BOOST_TEST(bytes.find("chunked") == std::string::npos);
    BOOST_TEST(bytes.ends_with("\r\n\r\nhello"));
}

BOOST_AUTO_TEST_CASE(a_truncated_answer_never_looks_whole) {
    for (const char* framing :
         {"Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
        BOOST_TEST_CONTEXT(framing) {
            Peer client = proxy.client(get);
            Peer app = upstream.accept();
            (void)read_request(app);
            app.send("HTTP/1.1 200 OK\r\n" + std::string(framing));
            app.close();
            const std::string bytes = client.read_to_end();
            BOOST_TEST(bytes.find("hello") != std::string::npos);
            BOOST_TEST(!bytes.ends_with("0\r\n\r\n"));
        }
    }
}

BOOST_AUTO_TEST_CASE(interim_answers_are_skipped) {
    Peer client = proxy.client(get);
    Peer app = upstream.accept();
    (void)read_request(app);
    app.send(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 103 Early "
        "Hints\r\n\r\n" +
        ok);
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.status == 200U);
    BOOST_TEST(answer.field("Link") == "-");
}

BOOST_AUTO_TEST_CASE(answers_that_cannot_be_passed_on_become_502) {
    for (const char* bytes :
         {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          "HTTP/1.1 2000 OK\r\n\r\n", "no http at all\r\n\r\n",
          "HTTP/1.1 200 OK\r\nSet-Cookie: a\rb\r\n\r\n"}) {
        BOOST_TEST_CONTEXT(bytes) {
            Peer client = proxy.client(get);
            Peer app = upstream.accept();
            (void)read_request(app);
            app.send(bytes);
            BOOST_TEST(read_answer(client).status == 502U);
            BOOST_TEST(client.ends());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_client_that_goes_takes_its_request_with_it) {
    Peer client = proxy.client(get);
    Peer app = upstream.accept();
    (void)read_request(app);
    client.close();
    BOOST_TEST(app.ends());
    const auto& stats = proxy.stop();
    BOOST_TEST(stats.http_requests[0] == 1U);
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_an_event_stream_ends_it) {
    Peer client = proxy.client(get);
    Peer app = upstream.accept();
    (void)read_request(app);
    app.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
    (void)client.read_until("data: 1\n\n");
    client.close();
    BOOST_TEST(app.ends());
}

BOOST_AUTO_TEST_CASE(an_app_that_is_not_there_is_503) {
    upstream.stop();
    Peer client = proxy.client(get);
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.status == 503U);
    BOOST_TEST(answer.field("Retry-After") == "1");
    BOOST_TEST(answer.body == R"({"error":"service unavailable","reason":"upstream_unreachable"})");
}

BOOST_AUTO_TEST_CASE(large_bodies_pass_whole_both_ways) {
    const std::string body(3'000'000, 'x');
    Peer client = proxy.client(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    Peer app = upstream.accept();
    (void)read_request(app);
    std::thread sender([&] { (void)client.try_send(body); });
    BOOST_TEST((app.read_exactly(body.size()) == body));
    sender.join();
    std::thread answerer([&] {
        (void)app.try_send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                           body);
    });
    BOOST_TEST((read_answer(client).body == body));
    answerer.join();
}

BOOST_AUTO_TEST_CASE(options_asterisk_is_answered_here) {
    Peer client = proxy.client("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(read_answer(client).status == 204U);
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(the_access_log_has_no_query) {
    Peer client = proxy.client("GET /page?token=CANARY HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    Peer app = upstream.accept();
    (void)read_request(app);
    app.send(ok);
    (void)client.read_to_end();
    proxy.stop();
    const auto lines = proxy.journal();
    BOOST_REQUIRE(lines.size() == 1U);
    BOOST_TEST(lines[0].starts_with("http client=127.0.0.1 method=GET path=/page status=200 bytes="));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(http_proxy_configured)

BOOST_AUTO_TEST_CASE(a_silent_app_is_504) {
    Setup setup;
    setup.options.upstream.response_timeout = 50ms;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer client = proxy.client(get);
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.status == 504U);
    BOOST_TEST(answer.body == R"({"error":"gateway timeout","reason":"upstream_timeout"})");
}

BOOST_AUTO_TEST_CASE(a_spooled_upload_has_a_limit) {
    Setup setup;
    setup.options.limits.body_bytes = 10;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer client = proxy.client(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n");
    BOOST_TEST(read_answer(client).status == 413U);
    BOOST_TEST(client.ends());
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(a_sized_upload_over_the_limit_is_refused_before_it_is_read) {
    Setup setup;
    setup.options.limits.body_bytes = 10;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer client =
        proxy.client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
    BOOST_TEST(read_answer(client).status == 413U);
    BOOST_TEST(client.ends());
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(an_upload_that_stalls_is_408) {
    Setup setup;
    setup.options.limits.body_timeout = 50ms;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer client = proxy.client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    Peer app = upstream.accept();
    (void)read_request(app);
    BOOST_TEST(read_answer(client).status == 408U);
    BOOST_TEST(app.read_to_end() == "hello");
}

BOOST_AUTO_TEST_CASE(trusted_proxies_are_believed_from_the_right) {
    Setup setup;
    setup.options.trusted_proxies.push_back({false, {127, 0, 0, 1}, 32});
    setup.options.trusted_proxies.push_back({false, {10, 0, 0, 0}, 8});
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer client = proxy.client(
        "GET / HTTP/1.1\r\nHost: inner\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.1.2.3\r\n"
        "X-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example\r\n\r\n");
    Peer app = upstream.accept();
    const Request request = read_request(app);
    BOOST_TEST(request.field("X-Forwarded-For") == "192.0.2.7, 10.1.2.3, 127.0.0.1");
    BOOST_TEST(request.field("X-Forwarded-Proto") == "https");
    BOOST_TEST(request.field("X-Forwarded-Host") == "app.example");
    BOOST_TEST(request.field("Host") == "inner");
}

BOOST_AUTO_TEST_CASE(the_upstreams_path_prefix_and_host_are_put_in) {
    Setup setup;
    setup.options.upstream.urls.front().path_prefix = "/base";
    setup.options.upstream.preserve_host = false;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer client = proxy.client(get);
    Peer app = upstream.accept();
    const Request request = read_request(app);
    BOOST_TEST(request.line() == "GET /base/page?x=1 HTTP/1.1");
    BOOST_TEST(request.field("Host") == "127.0.0.1:" + std::to_string(upstream.port()));
    BOOST_TEST(request.field("X-Forwarded-Host") == "app.example");
}

BOOST_AUTO_TEST_SUITE_END()
