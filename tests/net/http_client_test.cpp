// A client before a server that does whatever servers do.
#include "proxy/net/http_client.h"

#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include "tests/net/http_server.h"

using namespace forestay;
using namespace forestay::net;
using namespace forestay::net::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    Fixture() { std::signal(SIGPIPE, SIG_IGN); }

    HttpClientOptions options_for(const std::string& url) {
        HttpClientOptions options;
        std::string problem;
        options.url = wire::http::parse_url(url, problem).value();
        options.timeout = 10s;
        return options;
    }
    HttpClientOptions options_for(const HttpServer& server, bool tls = false) {
        return options_for((tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(server.port));
    }
    Fetched get(HttpClient& client, std::string target = "/keys", wire::http::OwnedFields fields = {}) {
        Fetched answer;
        context.restart();
        boost::asio::co_spawn(context, client.get(std::move(target), std::move(fields)),
                              [&](std::exception_ptr error, Fetched got) {
                                  BOOST_TEST(!error);
                                  answer = std::move(got);
                                  context.stop();
                              });
        context.run();
        return answer;
    }
    // What a server that writes these bytes and closes is good for.
    Fetched answer_to(const std::string& bytes) {
        HttpServer server([&](ServerSide& side) {
            if (!side.read_request().empty()) side.write(bytes);
        });
        HttpClient client(context, options_for(server));
        return get(client);
    }

    boost::asio::io_context context;
};

std::string text(const Fetched& answer) {
    return std::string(name(answer.what)) + ' ' + std::to_string(answer.status) + ' ' + answer.body;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(http_client, Fixture)

BOOST_AUTO_TEST_CASE(asks_and_keeps_the_connection) {
    std::string heard;
    HttpServer server([&](ServerSide& side) {
        for (std::string head; !(head = side.read_request()).empty();) {
            heard = head;
            side.answer("200 OK", "{}", "ETag: \"1\"\r\n");
        }
    });
    HttpClient client(context, options_for(server));
    for (int i = 0; i < 3; ++i) {
        const Fetched answer = get(client, "/keys?a=b", {{"If-None-Match", "\"1\""}});
        BOOST_TEST(text(answer) == "ok 200 {}");
        BOOST_REQUIRE(answer.find("etag") != nullptr);
        BOOST_TEST(*answer.find("etag") == "\"1\"");
    }
    BOOST_TEST(heard == "GET /keys?a=b HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port) +
                            "\r\nIf-None-Match: \"1\"\r\n\r\n");
    BOOST_TEST(server.connections == 1);
}

BOOST_AUTO_TEST_CASE(a_kept_connection_that_ends_is_no_failure) {
    HttpServer server([&](ServerSide& side) {
        if (!side.read_request().empty()) side.answer("200 OK", "once");
        if (!side.read_request().empty()) side.reset();  // it had been kept, and ends under the next request
    });
    HttpClient client(context, options_for(server));
    BOOST_TEST(text(get(client)) == "ok 200 once");
    BOOST_TEST(text(get(client)) == "ok 200 once");
    BOOST_TEST(server.connections == 2);
}

BOOST_AUTO_TEST_CASE(a_redirect_is_an_answer) {
    const Fetched answer =
        answer_to("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    BOOST_TEST(text(answer) == "ok 302 ");
}

BOOST_AUTO_TEST_CASE(bodies_end_in_each_way) {
    BOOST_TEST(text(answer_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n"
                              "0\r\n\r\n")) == "ok 200 abcde");
    BOOST_TEST(text(answer_to("HTTP/1.0 200 OK\r\n\r\nabc")) == "ok 200 abc");
    BOOST_TEST(text(answer_to("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n")) ==
               "ok 304 ");
    BOOST_TEST(text(answer_to("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc")) == "closed 0 ");
    BOOST_TEST(text(answer_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc")) ==
               "closed 0 ");
}

BOOST_AUTO_TEST_CASE(what_is_no_answer_is_refused) {
    BOOST_TEST(text(answer_to("SSH-2.0-OpenSSH_9.2\r\n\r\n")) == "bad_response 0 ");
    BOOST_TEST(text(answer_to("HTTP/1.1 101 Switching Protocols\r\n\r\n")) == "bad_response 0 ");
    BOOST_TEST(
        text(answer_to("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")) ==
        "bad_response 0 ");
    BOOST_TEST(text(answer_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n")) ==
               "bad_response 0 ");
    std::string interim;
    for (int i = 0; i < 5; ++i) interim += "HTTP/1.1 103 Early Hints\r\n\r\n";
    BOOST_TEST(text(answer_to(interim)) == "bad_response 0 ");
    BOOST_TEST(text(answer_to("")) == "closed 0 ");
}

BOOST_AUTO_TEST_CASE(what_is_too_much_is_not_read) {
    BOOST_TEST(text(answer_to("HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n")) == "too_large 0 ");
    const std::string large(10 << 20, 'x');
    BOOST_TEST(text(answer_to("HTTP/1.0 200 OK\r\n\r\n" + large)) == "too_large 0 ");
    BOOST_TEST(text(answer_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA00000\r\n" + large)) ==
               "too_large 0 ");
    BOOST_TEST(text(answer_to("HTTP/1.1 200 OK\r\nX: " + large + "\r\n\r\n")) == "too_large 0 ");
}

BOOST_AUTO_TEST_CASE(who_is_silent_or_slow_is_given_up) {
    for (const bool speaks : {false, true}) {
        HttpServer server([&](ServerSide& side) {
            if (speaks) side.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab");
            while (!side.read_request().empty()) {
            }
        });
        HttpClientOptions options = options_for(server);
        options.timeout = 100ms;
        HttpClient client(context, options);
        BOOST_TEST(text(get(client)) == "timed_out 0 ");
    }
}

BOOST_AUTO_TEST_CASE(no_connection_says_why) {
    std::uint16_t port = 0;
    {
        HttpServer gone([](ServerSide&) {});
        port = gone.port;
    }
    HttpClient closed(context, options_for("http://127.0.0.1:" + std::to_string(port)));
    BOOST_TEST(text(get(closed)) == "unreachable 0 ");
    HttpServer resetting([](ServerSide& side) {
        if (!side.read_request().empty()) side.reset();
    });
    HttpClient reset(context, options_for(resetting));
    BOOST_TEST(text(get(reset)) == "closed 0 ");
}

BOOST_AUTO_TEST_CASE(nothing_is_written_that_could_be_two_requests) {
    HttpServer server([](ServerSide&) {});
    HttpClient client(context, options_for(server));
    BOOST_TEST(text(get(client, "/ HTTP/1.1\r\nX: y")) == "bad_request 0 ");
    BOOST_TEST(text(get(client, "/", {{"Cookie", "a\r\nb"}})) == "bad_request 0 ");
    HttpClientOptions options = options_for(server);
    options.connections = 0;
    HttpClient busy(context, options);
    BOOST_TEST(text(get(busy)) == "busy 0 ");
    BOOST_TEST(server.connections == 0);
}

BOOST_AUTO_TEST_CASE(certificates_are_verified) {
    const SelfSigned good("IP:127.0.0.1"), other_name("DNS:elsewhere.example");
    const std::string path = "/tmp/forestay-ca-" + std::to_string(::getpid()) + ".pem";
    const auto serve = [](ServerSide& side) {
        while (!side.read_request().empty()) side.answer("200 OK", "secret");
    };
    {
        HttpServer server(serve, &good);
        HttpClient unknown(context, options_for(server, true));
        BOOST_TEST(text(get(unknown)) == "bad_tls 0 ");
        good.write(path);
        HttpClientOptions options = options_for(server, true);
        options.ca_file = path;
        HttpClient known(context, options);
        BOOST_TEST(text(get(known)) == "ok 200 secret");
        BOOST_TEST(text(get(known)) == "ok 200 secret");
        BOOST_TEST(server.connections == 2);
    }
    {
        HttpServer server(serve, &other_name);
        other_name.write(path);
        HttpClientOptions options = options_for(server, true);
        options.ca_file = path;
        HttpClient client(context, options);
        BOOST_TEST(text(get(client)) == "bad_tls 0 ");
        options.ca_file = "/nonexistent/ca.pem";
        BOOST_CHECK_THROW(HttpClient(context, options), std::runtime_error);
    }
    std::remove(path.c_str());
    HttpServer plain([](ServerSide& side) { side.write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
    HttpClient client(context, options_for(plain, true));
    BOOST_TEST(text(get(client)) == "bad_tls 0 ");
}

BOOST_AUTO_TEST_SUITE_END()
