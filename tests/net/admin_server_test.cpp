// The admin listener over real sockets: the loop in a thread of its own, the test as a blocking client.
#include "proxy/net/admin_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "proxy/net/loop.h"

namespace {

using namespace forestay::net;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

Endpoint any_port() {
    Endpoint endpoint;
    endpoint.host = "127.0.0.1";
    return endpoint;
}

// The admin server of a loop that runs until the end of the test.
struct Running {
    explicit Running(const std::vector<Endpoint>& listen) : admin(std::in_place, loop, listen, options()) {
        thread = std::thread([this] { loop.run(); });
    }
    ~Running() {
        loop.stop();
        thread.join();
        admin.reset();
    }
    static AdminRoutes::Options options() {
        return {"", [](const AdminRoutes::Rendered& done) { done("forestay_up 1\n"); }, {}};
    }
    [[nodiscard]] std::uint16_t port() const { return admin->bound().front().port; }

    Shared shared;
    Loop loop{shared};
    std::optional<AdminServer> admin;
    std::thread thread;
};

// What comes back until the server closes.
template <class Socket>
std::string read_all(Socket& socket) {
    std::string text;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(text), error);
    return text;
}

tcp::socket connect(asio::io_context& context, std::uint16_t port) {
    tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(), port});
    return socket;
}

std::string ask(std::uint16_t port, std::string_view request) {
    asio::io_context context;
    tcp::socket socket = connect(context, port);
    asio::write(socket, asio::buffer(request));
    return read_all(socket);
}

}  // namespace

BOOST_AUTO_TEST_CASE(admin_serves_metrics_over_tcp_with_headers_that_browsers_respect) {
    Running running({any_port()});
    const std::string answer =
        ask(running.port(), "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    BOOST_TEST(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(answer.ends_with("\r\n\r\nforestay_up 1\n"));
    BOOST_TEST(answer.find("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n") !=
               std::string::npos);
    BOOST_TEST(answer.find("\r\nX-Content-Type-Options: nosniff\r\n") != std::string::npos);
    BOOST_TEST(answer.find("\r\nCache-Control: no-store\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(admin_keeps_a_connection_for_the_next_scrape) {
    Running running({any_port()});
    const std::string answer = ask(running.port(),
                                   "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                   "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    BOOST_TEST(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(answer.find("HTTP/1.1 404 Not Found\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(admin_answers_a_request_with_a_body_and_closes) {
    Running running({any_port()});
    const std::string answer =
        ask(running.port(), "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
    BOOST_TEST(answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
    BOOST_TEST(answer.find("\r\nAllow: GET\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(admin_refuses_heads_that_are_garbage_or_without_end) {
    Running running({any_port()});
    BOOST_TEST(ask(running.port(), "\x16\x03\x01 no http\r\n\r\n").starts_with("HTTP/1.1 400 "));
    const std::string endless = "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x');
    // The rest of it lies unread in the socket when it closes: the answer may be lost to the reset.
    const std::string answer = ask(running.port(), endless);
    BOOST_TEST((answer.empty() || answer.starts_with("HTTP/1.1 431 ")));
}

BOOST_AUTO_TEST_CASE(admin_on_a_unix_socket_is_for_its_owner_only) {
    const std::string path = "/tmp/forestay-admin-test-" + std::to_string(::getpid());
    Endpoint endpoint;
    endpoint.unix_path = path;
    {
        Running running({endpoint});
        struct stat status {};
        BOOST_REQUIRE(::stat(path.c_str(), &status) == 0);
        BOOST_TEST((status.st_mode & 0777U) == 0600U);
        asio::io_context context;
        asio::local::stream_protocol::socket socket(context);
        socket.connect(path);
        asio::write(socket, asio::buffer(std::string_view("GET /live HTTP/1.0\r\nHost: x\r\n\r\n")));
        BOOST_TEST(read_all(socket).starts_with("HTTP/1.1 200 OK\r\n"));
    }
    BOOST_TEST(::access(path.c_str(), F_OK) != 0);
}

BOOST_AUTO_TEST_CASE(admin_serves_a_full_house_and_those_who_wait_outside) {
    Running running({any_port()});
    asio::io_context context;
    std::vector<tcp::socket> idle;
    for (std::size_t i = 0; i < AdminServer::connections_max; ++i)
        idle.push_back(connect(context, running.port()));
    tcp::socket waiting = connect(context, running.port());
    asio::write(waiting, asio::buffer(std::string_view("GET /live HTTP/1.0\r\nHost: localhost\r\n\r\n")));
    idle.pop_back();
    BOOST_TEST(read_all(waiting).starts_with("HTTP/1.1 200 OK\r\n"));
}

// 64 connections that said nothing kept a liveness probe waiting for ten seconds: the process was taken for
// dead.
BOOST_AUTO_TEST_CASE(admin_answers_a_probe_beside_any_number_of_silent_connections) {
    Running running({any_port()});
    asio::io_context context;
    std::vector<tcp::socket> silent;
    for (std::size_t i = 0; i < 2 * AdminServer::connections_max; ++i)
        silent.push_back(connect(context, running.port()));
    BOOST_TEST(
        ask(running.port(), "GET /live HTTP/1.0\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
    BOOST_TEST(read_all(silent.front()) == "");  // the eldest has gone
}

BOOST_AUTO_TEST_CASE(admin_tells_which_address_it_cannot_have) {
    Running running({any_port()});
    Endpoint taken = any_port();
    taken.port = running.port();
    try {
        const AdminServer second(running.loop, {taken}, Running::options());
        BOOST_ERROR("bound twice");
    } catch (const std::runtime_error& error) {
        BOOST_TEST(error.what() == "cannot listen on 127.0.0.1:" + std::to_string(taken.port) +
                                       " (admin.listen): Address already in use");
    }
}

BOOST_AUTO_TEST_CASE(admin_goes_away_with_clients_connected) {
    std::optional<Running> running(std::in_place, std::vector<Endpoint>{any_port()});
    asio::io_context context;
    tcp::socket socket = connect(context, running->port());
    asio::write(socket, asio::buffer(std::string_view("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    char first = 0;
    asio::read(socket, asio::buffer(&first, 1));
    running.reset();
    BOOST_TEST(read_all(socket).size() > 0U);
}
