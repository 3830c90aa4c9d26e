// The line in front of the processes of an app, which the test plays. Time is moved by asking the wheel for
// what is due later.
#include "proxy/net/upstream_set.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/net/upstream.h"
#include "proxy/net/upstream_handshake.h"
#include "proxy/net/upstream_polling.h"
#include "tests/net/scripted_upstream.h"

namespace {

using namespace forestay::net;
using namespace forestay::net::testing;
using namespace std::chrono_literals;

// A session that wants to connect, again and again.
struct Wanting {
    UpstreamPin pin;
    std::optional<UpstreamHandshakeResult> result;
    std::unique_ptr<UpstreamHandshake> handshake;
};

struct Fixture {
    ScriptedUpstream one;
    ScriptedUpstream two;
    std::vector<std::string> journal;
    Shared shared = make_shared();
    std::unique_ptr<Loop> loop = std::make_unique<Loop>(shared);
    const UpstreamHandshakeRequest request{
        "/socket.io/", {{"Host", "app.example"}, {"Accept-Encoding", "gzip"}}, {}, 4, "token=x"};
    std::deque<Wanting> sessions;

    Shared make_shared() {
        Shared made;
        made.options.upstream.urls = {{"127.0.0.1", one.port, "", {}}, {"127.0.0.1", two.port, "/two", {}}};
        made.options.upstream.transport = UpstreamTransport::websocket;
        made.options.upstream.handshake_timeout = 24h;
        made.journal = [this](const JournalEntry& entry) { journal.emplace_back(entry.event); };
        return made;
    }
    void restart() {
        loop.reset();
        loop = std::make_unique<Loop>(shared);
    }
    void connect(Wanting& session) {
        session.result.reset();
        session.handshake =
            start_upstream_handshake(*loop, request, &session.pin, [&session](UpstreamHandshakeResult its) {
                session.result = std::move(its);
                session.handshake.reset();
            });
    }
    Wanting& connect() {
        connect(sessions.emplace_back());
        return sessions.back();
    }
    void run() {
        for (int quiet = 0; quiet < 3;) quiet = loop->context().poll() == 0 ? quiet + 1 : 0;
    }
    void pass(std::chrono::milliseconds time) { until(loop->now() + time); }
    void until(forestay::session::TimePoint now) {
        while (TimerEntry* entry = loop->wheel().pop_due(now)) entry->due(now);
        run();
    }
    // How many sessions have begun to connect after each slot of this time.
    std::vector<std::uint64_t> begun_in(std::chrono::milliseconds time) {
        std::vector<std::uint64_t> begun{at(0) + at(1)};
        const auto start = loop->now();
        for (auto passed = TimerWheel::slot; passed <= time; passed += TimerWheel::slot) {
            until(start + passed);
            begun.push_back(at(0) + at(1));
        }
        return begun;
    }
    std::uint64_t at(std::size_t index) { return loop->stats().upstreams[index].sessions; }
    // The next connection to this one, and what it asks.
    UniqueFd accept(const ScriptedUpstream& which, std::string& asked) {
        run();
        UniqueFd peer = which.accept();
        run();
        asked = read_some(peer);
        return peer;
    }
    void answer(const UniqueFd& peer, std::string_view bytes) {
        write_all(peer, bytes);
        run();
    }
    static void listen_again(ScriptedUpstream& which) {
        which.listener.reset(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(which.port);
        const int on = 1;
        setsockopt(which.listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        BOOST_REQUIRE(bind(which.listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        BOOST_REQUIRE(listen(which.listener.get(), 256) == 0);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(upstream_set, Fixture)

BOOST_AUTO_TEST_CASE(sessions_spread_and_stay) {
    shared.options.upstream.connects_per_second = 10'000;
    restart();
    for (int i = 0; i < 6; ++i) connect();
    BOOST_TEST(at(0) == 3U);
    BOOST_TEST(at(1) == 3U);
    Wanting& second = sessions[1];
    BOOST_TEST(second.pin.at()->url().path_prefix == "/two");
    second.handshake.reset();
    sessions[3].pin.move_to(nullptr);  // less there now
    connect(sessions[0]);
    BOOST_TEST(at(0) == 3U);
    connect(second);
    BOOST_TEST(second.pin.at()->url().path_prefix == "/two");
}

BOOST_AUTO_TEST_CASE(a_session_whose_process_is_gone_moves_without_being_told) {
    Wanting& session = connect();
    std::string asked;
    UniqueFd peer = accept(one, asked);
    answer(peer, switching(asked));
    one.listener.reset();
    connect(session);
    run();
    pass(20ms);
    BOOST_TEST(!session.result.has_value());
    peer = accept(two, asked);
    BOOST_TEST(asked.starts_with("GET /two/socket.io/?EIO=4&transport=websocket&token=x HTTP/1.1\r\n"));
    BOOST_TEST(at(0) == 0U);
    BOOST_TEST(at(1) == 1U);
    BOOST_TEST(!loop->stats().upstreams[0].up);
    BOOST_TEST(!loop->upstreams().down_since().has_value());
    // New ones go where somebody answers, however many are there.
    connect();
    connect();
    pass(1s);
    BOOST_TEST(at(1) == 3U);
}

BOOST_AUTO_TEST_CASE(while_nothing_answers_sessions_wait_and_one_probe_looks) {
    one.listener.reset();
    two.listener.reset();
    Wanting& first = connect();
    run();
    for (const auto time : {20ms, 40ms, 60ms}) pass(time);  // one, then the other
    BOOST_REQUIRE(first.result.has_value());
    BOOST_TEST(std::get<UpstreamRefusal>(*first.result).status == 0U);
    BOOST_TEST(loop->upstreams().down_since().has_value());
    for (int i = 0; i < 5; ++i) connect();
    const auto attempts = loop->stats().upstream_connects;
    pass(2h);
    BOOST_TEST(loop->stats().upstream_connects == attempts + 2);  // the probes, one each
    for (std::size_t i = 1; i < sessions.size(); ++i) BOOST_TEST(!sessions[i].result.has_value());
    sessions.pop_back();  // leaves the line

    listen_again(two);
    for (const auto time : {2h + 1s, 2h + 2s}) pass(time);
    BOOST_TEST(at(1) == 5U);  // the first one has found it refusing, and is still its own
    BOOST_TEST(!loop->upstreams().down_since().has_value());
    BOOST_TEST(std::count(journal.begin(), journal.end(), "upstream_down") == 2);
    BOOST_TEST(std::count(journal.begin(), journal.end(), "upstream_up") == 1);
}

BOOST_AUTO_TEST_CASE(no_second_sees_more_connects_than_the_rate) {
    for (const unsigned rate : {1U, 3U, 20U, 100U}) {
        sessions.clear();
        shared.options.upstream.connects_per_second = rate;
        restart();
        for (unsigned i = 0; i < 60; ++i) connect();
        const auto begun = begun_in(3s);
        for (std::size_t i = 0; i + 100 < begun.size(); ++i) {
            const std::uint64_t before = i == 0 ? 0 : begun[i - 1];
            BOOST_TEST_REQUIRE(begun[i + 99] - before <= rate);
        }
        BOOST_TEST(begun.back() >= std::min(60U, rate == 1 ? 3 : 3 * rate * 8 / 10));
    }
}

BOOST_AUTO_TEST_CASE(several_loops_share_the_rate) {
    shared.options.upstream.connects_per_second = 5;
    shared.loops = 3;
    std::uint64_t begun = 0;
    for (unsigned index = 0; index < 3; ++index) {
        sessions.clear();
        loop = std::make_unique<Loop>(shared, index);
        for (unsigned i = 0; i < 60; ++i) connect();
        begun += begun_in(990ms).back();
    }
    BOOST_TEST(begun <= 5U);
    BOOST_TEST(begun >= 3U);
}

// Debian's Flask-SocketIO in threading mode: no websockets. One session finds out, the others wait.
BOOST_AUTO_TEST_CASE(an_app_without_websockets_is_asked_once) {
    shared.options.upstream.urls.pop_back();
    shared.options.upstream.transport = UpstreamTransport::automatic;
    restart();
    for (int i = 0; i < 3; ++i) connect();
    std::string asked;
    UniqueFd peer = accept(one, asked);
    BOOST_TEST(asked.starts_with("GET /socket.io/?EIO=4&transport=websocket&token=x HTTP/1.1\r\n"));
    BOOST_TEST(!one.waiting());
    answer(peer, "HTTP/1.1 400 BAD REQUEST\r\nContent-Length: 13\r\n\r\n\"Bad Request\"");
    peer = accept(one, asked);
    BOOST_TEST(asked.starts_with("GET /socket.io/?EIO=4&transport=polling&token=x HTTP/1.1\r\n"));
    BOOST_TEST(asked.find("Upgrade") == std::string::npos);
    BOOST_TEST(asked.find("gzip") == std::string::npos);
    pass(50ms);
    BOOST_TEST(!one.waiting());
    answer(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n0{}\r\n0\r\n\r\n");
    BOOST_REQUIRE(sessions[0].result.has_value());
    BOOST_TEST(std::get<UpstreamPollingBegun>(*sessions[0].result).body == "0{}");
    pass(100ms);
    for (int i = 0; i < 2; ++i) {
        peer = accept(one, asked);
        BOOST_TEST(field(asked, "Host") == "app.example");
        BOOST_TEST(asked.find("transport=polling") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_credential_that_the_app_refuses_says_nothing_about_websockets) {
    shared.options.upstream.transport = UpstreamTransport::automatic;
    restart();
    Wanting& session = connect();
    std::string asked;
    UniqueFd peer = accept(one, asked);
    answer(peer, "HTTP/1.1 401 UNAUTHORIZED\r\nContent-Length: 0\r\n\r\n");
    BOOST_TEST(std::get<UpstreamRefusal>(*session.result).status == 401U);
    BOOST_TEST(!one.waiting());
}

BOOST_AUTO_TEST_CASE(an_app_that_was_down_may_have_websockets_now) {
    shared.options.upstream.urls.pop_back();
    shared.options.upstream.transport = UpstreamTransport::automatic;
    restart();
    Wanting& session = connect();
    std::string asked;
    UniqueFd peer = accept(one, asked);
    answer(peer, "HTTP/1.1 400 no\r\nContent-Length: 0\r\n\r\n");
    peer = accept(one, asked);
    answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n0{}");
    session.pin.at()->attempted(nullptr);
    connect(session);
    pass(200ms);  // a probe first
    pass(20ms);
    one.accept().reset();
    peer = accept(one, asked);
    BOOST_TEST(asked.find("transport=websocket") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_app_that_has_lost_its_websockets_unseen_is_polled_soon) {
    shared.options.upstream.urls.pop_back();
    shared.options.upstream.transport = UpstreamTransport::automatic;
    restart();
    const std::string no = "HTTP/1.1 400 no\r\nContent-Length: 0\r\n\r\n";
    Wanting& session = connect();
    std::string asked;
    UniqueFd peer = accept(one, asked);
    answer(peer, switching(asked));
    connect(session);
    pass(20ms);
    peer = accept(one, asked);
    answer(peer, no);
    BOOST_TEST(std::get<UpstreamRefusal>(*session.result).status == 400U);
    connect(session);
    pass(50ms);
    peer = accept(one, asked);
    answer(peer, no);
    peer = accept(one, asked);
    BOOST_TEST(asked.find("transport=polling") != std::string::npos);
}

// It takes connections, and that is all: a process that is stopped.
BOOST_AUTO_TEST_CASE(a_process_that_never_answers_keeps_few_sessions_and_not_the_line) {
    shared.options.upstream.connects_per_second = 1'000'000;
    restart();
    std::vector<UniqueFd> peers;
    for (int i = 0; i < 50; ++i) {
        for (int each = 0; each < 4; ++each) connect();
        for (run(); two.waiting(); run()) {
            std::string asked;
            peers.push_back(accept(two, asked));
            answer(peers.back(), switching(asked));
        }
    }
    const auto connected = std::count_if(sessions.begin(), sessions.end(),
                                         [](const Wanting& each) { return each.result.has_value(); });
    BOOST_TEST(connected >= 200 - 16);
    BOOST_TEST(std::all_of(sessions.begin(), sessions.end(),
                           [](const Wanting& each) { return each.pin.at() != nullptr; }));
}

// Whatever a client asks for as a plain websocket, sessions are not kept away from that process.
BOOST_AUTO_TEST_CASE(a_plain_websocket_that_fails_says_nothing_about_the_process) {
    restart();
    const UpstreamHandshakeRequest plain{"/ws", {{"Host", "app.example"}}, {}, 0, {}};
    bool refused = false;
    const auto handshake = start_upstream_handshake(*loop, plain, nullptr, [&](UpstreamHandshakeResult its) {
        refused = std::holds_alternative<UpstreamRefusal>(its);
    });
    run();
    const ScriptedUpstream& asked_one = one.waiting() ? one : two;
    std::string asked;
    const UniqueFd peer = accept(asked_one, asked);
    answer(peer, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    BOOST_TEST(refused);
    UpstreamSet& set = loop->upstreams();
    BOOST_TEST(&set.for_request() != &set.for_request());
}

// Three loops, and two of them had something to say in the same moment.
BOOST_AUTO_TEST_CASE(a_loop_that_heard_old_news_last_learns_the_truth) {
    shared.loops = 2;
    restart();
    Loop other(shared, 1);
    for (Loop* each : {loop.get(), &other}) each->introduce({loop.get(), &other});
    for (std::size_t i = 0; i < 2; ++i) other.upstreams().heard(i, false);
    BOOST_TEST(other.upstreams().down_since().has_value());
    loop->upstreams().watch();
    pass(20ms);
    other.context().poll();
    BOOST_TEST(!other.upstreams().down_since().has_value());
}

BOOST_AUTO_TEST_CASE(exchanges_that_have_no_end_go_with_the_loop) {
    Upstream& upstream = loop->upstreams().for_request();
    const auto begin = [&](const UpstreamExchange* after) {
        const UpstreamQuestion question{"sid", "42[]", 24h, after};
        return start_upstream_exchange(*loop, upstream, request, question, [](const UpstreamAnswer&) {
            BOOST_ERROR("nobody wanted it any more");
        });
    };
    auto first = begin(nullptr);
    auto second = begin(first.get());
    first.reset();
    second.reset();
    run();
    BOOST_TEST(loop->upstreams().exchanges->all == 2U);
    const std::shared_ptr<UpstreamSet::Exchanges> left = loop->upstreams().exchanges;
    loop.reset();
    BOOST_TEST(left->all == 0U);
}

// What is asked for by polling for EIO3, what an answer may be, and that a request goes on alone.
BOOST_AUTO_TEST_CASE(a_handshake_that_nobody_waits_for_is_not_aborted) {
    shared.options.upstream.transport = UpstreamTransport::polling;
    restart();
    UpstreamHandshakeRequest old = request;
    old.revision = 3;
    UpstreamPin pin;
    auto handshake = start_upstream_handshake(
        *loop, old, &pin, [](const UpstreamHandshakeResult&) { BOOST_ERROR("nobody wanted it any more"); });
    std::string asked;
    UniqueFd peer = accept(one, asked);
    BOOST_TEST(asked.starts_with("GET /socket.io/?EIO=3&transport=polling&b64=1&token=x HTTP/1.1\r\n"));
    handshake.reset();
    run();
    char byte = 0;
    BOOST_TEST(::recv(peer.get(), &byte, 1, MSG_DONTWAIT) == -1);
    BOOST_TEST(loop->upstreams().exchanges->all == 1U);
    answer(peer, "HTTP/1.1 200 OK\r\n\r\nuntil the end");
    peer.reset();
    run();
    BOOST_TEST(loop->upstreams().exchanges->all == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
