// The handshake against a scripted upstream: the test accepts, reads the request and answers with literals.
// Time is moved by asking the wheel for what is due later.
#include "proxy/net/upstream_handshake.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "proxy/net/loop.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/net/upgraded_sockets.h"
#include "proxy/net/upstream.h"
#include "proxy/net/upstream_set.h"
#include "tests/net/scripted_upstream.h"

namespace {

using namespace forestay::net;
using namespace forestay::net::testing;
using namespace std::chrono_literals;

struct Fixture {
    ScriptedUpstream upstream;
    Shared shared = make_shared();
    std::unique_ptr<Loop> loop = std::make_unique<Loop>(shared);
    std::optional<UpstreamHandshakeResult> result;
    UpstreamHandshakeRequest request{
        "/socket.io/", {{"Host", "app.example"}, {"Cookie", "session=abc"}}, {"chat", "v2"}, 4, "token=x"};
    UpstreamPin pin;
    std::unique_ptr<UpstreamHandshake> handshake;

    Shared make_shared() const {
        Shared made;
        made.options.upstream.urls.front() = {"127.0.0.1", upstream.port, "/app", {}};
        made.options.upstream.connect_timeout = 2s;
        made.options.upstream.handshake_timeout = 10s;
        made.options.upstream.connects_per_second = 10'000;
        return made;
    }
    void restart() {
        loop.reset();
        loop = std::make_unique<Loop>(shared);
    }
    void start() {
        handshake = start_upstream_handshake(*loop, request, &pin, [this](UpstreamHandshakeResult its) {
            result = std::move(its);
            handshake.reset();
        });
    }
    void run() {
        for (int quiet = 0; quiet < 3;) quiet = loop->context().poll() == 0 ? quiet + 1 : 0;
    }
    void pass(std::chrono::milliseconds time) {
        const auto later = loop->now() + time;
        while (TimerEntry* entry = loop->wheel().pop_due(later)) entry->due(later);
    }
    UniqueFd accept() {
        run();
        UniqueFd peer = upstream.accept();
        run();
        return peer;
    }
    void write(const UniqueFd& peer, std::string_view bytes) {
        write_all(peer, bytes);
        run();
    }
    const UpstreamRefusal& refusal() {
        BOOST_REQUIRE(result.has_value());
        return std::get<UpstreamRefusal>(*result);
    }
    std::uint64_t failures(HandshakeFailure why) {
        return loop->stats().handshake_failures[static_cast<std::size_t>(why)];
    }
};

// Sessions that want to connect at once.
struct Crowd {
    Crowd(Fixture& of, std::size_t size) : results(size), pins(size) {
        for (std::size_t i = 0; i < size; ++i) {
            all.push_back(start_upstream_handshake(
                *of.loop, of.request, &pins[i],
                [this, i](UpstreamHandshakeResult its) { results[i] = std::move(its); }));
        }
    }
    std::deque<std::optional<UpstreamHandshakeResult>> results;
    std::deque<UpstreamPin> pins;
    std::deque<std::unique_ptr<UpstreamHandshake>> all;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(upstream_handshake, Fixture)

BOOST_AUTO_TEST_CASE(asks_as_a_client_would_and_hands_over_the_socket) {
    start();
    UniqueFd peer = accept();
    const std::string asked = read_some(peer);
    BOOST_TEST(asked.starts_with(
        "GET /app/socket.io/?EIO=4&transport=websocket&token=x HTTP/1.1\r\nHost: app.example\r\n"));
    BOOST_TEST(asked.ends_with("\r\n\r\n"));
    BOOST_TEST(field(asked, "Cookie") == "session=abc");
    BOOST_TEST(field(asked, "Connection") == "Upgrade");
    BOOST_TEST(field(asked, "Upgrade") == "websocket");
    BOOST_TEST(field(asked, "Sec-WebSocket-Version") == "13");
    BOOST_TEST(field(asked, "Sec-WebSocket-Protocol") == "chat, v2");
    BOOST_TEST(field(asked, "Sec-WebSocket-Key").size() == 24U);
    BOOST_TEST(field(asked, "Sec-WebSocket-Extensions") == "(none)");

    write(peer, switching(asked, "Sec-WebSocket-Protocol: v2\r\nSet-Cookie: a=1\r\n") + "\x81\x02hi");
    BOOST_REQUIRE(result.has_value());
    auto& open = std::get<UpstreamUpgraded>(*result);
    BOOST_TEST(open.early == "\x81\x02hi");
    BOOST_TEST(open.protocol == "v2");
    BOOST_TEST(open.fields.back().second == "a=1");
    write(peer, "more");
    std::array<char, 8> more{};
    BOOST_TEST(open.socket.recv(more.data(), more.size()) == 4);
    BOOST_TEST(std::string_view(more.data(), 4) == "more");
    BOOST_TEST(loop->stats().upstream_connects == 1U);
    BOOST_TEST(loop->stats().upstream_up);
    BOOST_TEST(loop->sockets().size() == 0U);
}

BOOST_AUTO_TEST_CASE(an_answer_in_single_bytes_is_an_answer) {
    start();
    UniqueFd peer = accept();
    for (const char byte : switching(read_some(peer))) {
        BOOST_TEST_REQUIRE(!result.has_value());
        write(peer, {&byte, 1});
    }
    BOOST_TEST(std::holds_alternative<UpstreamUpgraded>(*result));
}

BOOST_AUTO_TEST_CASE(a_refusal_is_handed_on_with_its_body) {
    start();
    UniqueFd peer = accept();
    write(peer, "HTTP/1.1 401 UNAUTHORIZED\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno");
    BOOST_TEST(refusal().status == 401U);
    BOOST_TEST(refusal().body == "no");
    BOOST_TEST(refusal().fields.size() == 2U);
    BOOST_CHECK(refusal().reason == HandshakeFailure::upstream_refused);
    BOOST_TEST(failures(HandshakeFailure::upstream_refused) == 1U);
}

BOOST_AUTO_TEST_CASE(a_wrong_accept_opens_nothing_and_is_not_relayed) {
    start();
    UniqueFd peer = accept();
    write(peer,
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    BOOST_CHECK(refusal().reason == HandshakeFailure::bad_accept);
    BOOST_TEST(refusal().status == 0U);
    BOOST_TEST(failures(HandshakeFailure::bad_accept) == 1U);
}

BOOST_AUTO_TEST_CASE(an_upstream_that_hangs_up_is_unreachable) {
    start();
    accept().reset();
    run();
    BOOST_CHECK(refusal().reason == HandshakeFailure::unreachable);
}

BOOST_AUTO_TEST_CASE(a_refused_connection_is_unreachable_and_told_later) {
    upstream.listener.reset();
    start();
    run();
    pass(20ms);
    BOOST_CHECK(refusal().reason == HandshakeFailure::unreachable);
    BOOST_TEST(loop->stats().upstream_connect_failures == 1U);
    BOOST_TEST(!loop->stats().upstream_up);
}

BOOST_AUTO_TEST_CASE(silence_ends_at_the_handshake_timeout) {
    start();
    UniqueFd peer = accept();
    pass(9980ms);
    BOOST_TEST(!result.has_value());
    pass(10020ms);
    BOOST_CHECK(refusal().reason == HandshakeFailure::timeout);
    BOOST_TEST(refusal().status == 0U);
}

BOOST_AUTO_TEST_CASE(a_refusal_whose_body_never_ends_is_relayed_without_it) {
    start();
    UniqueFd peer = accept();
    write(peer, "HTTP/1.1 403 no\r\nContent-Length: 10\r\n\r\nhalf");
    BOOST_TEST(!result.has_value());
    pass(10020ms);
    BOOST_TEST(refusal().status == 403U);
    BOOST_TEST(refusal().body == "");
}

BOOST_AUTO_TEST_CASE(dropping_the_handshake_cancels_it) {
    start();
    UniqueFd peer = accept();
    handshake.reset();
    run();
    read_some(peer);
    char byte = 0;
    BOOST_TEST(::recv(peer.get(), &byte, 1, MSG_DONTWAIT) <= 0);
    BOOST_TEST(!result.has_value());
    BOOST_TEST(loop->wheel().size() == 0U);
}

// A cold upstream gets `turns` handshakes at a time, and the others in the order they came.
BOOST_AUTO_TEST_CASE(handshakes_beyond_the_turns_wait_in_line) {
    shared.options.upstream.transport = UpstreamTransport::websocket;
    restart();
    Crowd crowd(*this, UpstreamSet::turns + 2);
    run();
    std::deque<UniqueFd> peers;
    while (upstream.waiting()) peers.emplace_back(::accept(upstream.listener.get(), nullptr, nullptr));
    BOOST_TEST(peers.size() == UpstreamSet::turns);
    run();
    write(peers[3], "HTTP/1.1 404 no\r\nContent-Length: 0\r\n\r\n");
    BOOST_TEST(crowd.results[3].has_value());
    run();
    BOOST_TEST(upstream.waiting());
    peers.emplace_back(::accept(upstream.listener.get(), nullptr, nullptr));
    BOOST_TEST(!upstream.waiting());
    crowd.all[UpstreamSet::turns + 1].reset();  // leaves the line
    peers[5].reset();
    run();
    BOOST_TEST(!upstream.waiting());
    // The wait does not count: who had its turn late has its time, too.
    pass(10020ms);
    BOOST_TEST(crowd.results[0].has_value());
    BOOST_TEST(!crowd.results[UpstreamSet::turns + 1].has_value());
}

BOOST_AUTO_TEST_SUITE_END()
