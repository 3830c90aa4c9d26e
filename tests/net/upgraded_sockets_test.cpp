// The epoll set over socket pairs; the test is the peer and runs the loop by hand.
#include "proxy/net/upgraded_sockets.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/timer_wheel.h"
#include "tests/net/scripted_upstream.h"

namespace {

using namespace forestay::net;
using namespace forestay::net::testing;

// Keeps what it hears; may do something about it.
struct Owner : SocketOwner {
    std::string heard;
    std::vector<std::size_t> pieces;
    int drained = 0;
    int lost = 0;
    bool reset = false;
    std::function<void(UpgradedSocket&)> react;

    void on_bytes(UpgradedSocket& socket, std::string_view bytes) override {
        heard += bytes;
        pieces.push_back(bytes.size());
        if (react) react(socket);
    }
    void on_drained(UpgradedSocket&) override { ++drained; }
    void on_lost(UpgradedSocket&, bool with_reset) override {
        ++lost;
        reset = with_reset;
    }
};

struct Fixture {
    Shared shared;
    Loop loop{shared};
    UpgradedSockets& sockets = loop.sockets();

    // A socket of the set and its peer.
    UpgradedSocket& add(Owner& owner, UniqueFd& peer) {
        int pair[2];
        BOOST_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        peer.reset(pair[1]);
        return sockets.add(Socket(UniqueFd(pair[0])), owner, UpgradedSockets::Start::connected);
    }
    // The same over TCP, where there are resets.
    UpgradedSocket& add_tcp(Owner& owner, UniqueFd& peer) {
        const ScriptedUpstream listener;
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(listener.port);
        UniqueFd mine(::socket(AF_INET, SOCK_STREAM, 0));
        BOOST_REQUIRE(connect(mine.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        peer = listener.accept();
        return sockets.add(Socket(std::move(mine)), owner, UpgradedSockets::Start::connected);
    }
    // Until nothing is ready any more.
    void settle() {
        for (int quiet = 0; quiet < 3;) quiet = loop.context().poll() == 0 ? quiet + 1 : 0;
    }
    std::size_t send(UpgradedSocket& socket, const std::vector<std::string>& parts) {
        std::vector<iovec> spans;
        for (const std::string& part : parts) spans.push_back({const_cast<char*>(part.data()), part.size()});
        return sockets.send(socket, spans);
    }
};

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i % 26 + i / 26 % 3);
    return bytes;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(upgraded_sockets, Fixture)

BOOST_AUTO_TEST_CASE(bytes_come_in_and_parts_go_out_as_one) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add(owner, peer);
    write_all(peer, "hello");
    settle();
    BOOST_TEST(owner.heard == "hello");
    BOOST_TEST(send(socket, {"a", "", "bc", "def"}) == 0U);
    BOOST_TEST(read_some(peer) == "abcdef");
}

BOOST_AUTO_TEST_CASE(more_parts_than_one_call_takes_go_out_in_order) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add(owner, peer);
    std::vector<std::string> parts;
    std::string whole;
    for (int i = 0; i < 300; ++i) whole += parts.emplace_back(std::to_string(i) + ",");
    BOOST_TEST(send(socket, parts) == 0U);
    BOOST_TEST(read_some(peer) == whole);
}

BOOST_AUTO_TEST_CASE(a_large_input_comes_in_buffers_and_whole) {
    Owner owner;
    UniqueFd peer;
    add(owner, peer);
    const std::string bytes = pattern(UpgradedSockets::buffer_bytes * 5 + 17);
    std::size_t sent = 0;
    while (owner.heard.size() < bytes.size()) {
        const ssize_t took =
            ::send(peer.get(), bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (took > 0) sent += static_cast<std::size_t>(took);
        settle();
    }
    BOOST_TEST((owner.heard == bytes));
    for (const std::size_t piece : owner.pieces) BOOST_TEST(piece <= UpgradedSockets::buffer_bytes);
}

BOOST_AUTO_TEST_CASE(what_the_kernel_does_not_take_waits_and_is_reported_drained) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add(owner, peer);
    const std::string bytes = pattern(3 << 20);
    const std::size_t waits = send(socket, {bytes.substr(0, 1 << 20), bytes.substr(1 << 20)});
    BOOST_TEST(waits > 0U);
    BOOST_TEST(send(socket, {"the end"}) == waits + 7);
    std::string got;
    while (got.size() < bytes.size() + 7) {
        got += read_some(peer);
        settle();
    }
    BOOST_TEST((got == bytes + "the end"));
    BOOST_TEST(owner.drained == 1);
    BOOST_TEST(send(socket, {"x"}) == 0U);
}

BOOST_AUTO_TEST_CASE(a_paused_socket_is_silent_until_resumed) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add(owner, peer);
    settle();
    sockets.pause(socket);
    write_all(peer, "later");
    peer.reset();
    settle();
    BOOST_TEST(owner.heard.empty());
    BOOST_TEST(owner.lost == 0);
    sockets.resume(socket);
    settle();
    BOOST_TEST(owner.heard == "later");
    BOOST_TEST(owner.lost == 1);
}

BOOST_AUTO_TEST_CASE(pausing_in_the_middle_keeps_the_rest) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add(owner, peer);
    owner.react = [&](UpgradedSocket& its) { sockets.pause(its); };
    const std::string bytes = pattern(UpgradedSockets::buffer_bytes * 2);
    write_all(peer, bytes);
    settle();
    BOOST_TEST(owner.pieces.size() == 1U);
    owner.react = nullptr;
    sockets.resume(socket);
    settle();
    BOOST_TEST((owner.heard == bytes));
}

BOOST_AUTO_TEST_CASE(the_last_bytes_before_the_end_of_file_are_heard) {
    Owner owner;
    UniqueFd peer;
    add(owner, peer);
    write_all(peer, "goodbye");
    peer.reset();
    settle();
    BOOST_TEST(owner.heard == "goodbye");
    BOOST_TEST(owner.lost == 1);
    BOOST_TEST(!owner.reset);
    BOOST_TEST(sockets.size() == 0U);
}

// An app is killed while it has not read all we said: its end is a reset, and what it had said before is with
// us.
BOOST_AUTO_TEST_CASE(what_came_before_a_reset_is_heard_before_the_loss) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add_tcp(owner, peer);
    send(socket, {"never read"});
    const std::string bytes = pattern(100'000);
    write_all(peer, bytes);
    peer.reset();
    settle();
    BOOST_TEST((owner.heard == bytes));
    BOOST_TEST(owner.lost == 1);
    BOOST_TEST(owner.reset);
}

BOOST_AUTO_TEST_CASE(a_reset_while_paused_does_not_eat_what_came_before) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add_tcp(owner, peer);
    send(socket, {"never read"});
    sockets.pause(socket);
    write_all(peer, "last words");
    peer.reset();
    settle();
    BOOST_TEST(owner.lost == 0);
    sockets.resume(socket);
    settle();
    BOOST_TEST(owner.heard == "last words");
    BOOST_TEST(owner.lost == 1);
}

BOOST_AUTO_TEST_CASE(a_reset_with_nothing_before_it_is_seen_while_paused) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add_tcp(owner, peer);
    send(socket, {"never read"});
    sockets.pause(socket);
    peer.reset();
    settle();
    BOOST_TEST(owner.lost == 1);
}

BOOST_AUTO_TEST_CASE(close_writes_what_waits_says_fin_and_goes_when_the_peer_has_gone) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add(owner, peer);
    const std::string bytes = pattern(2 << 20);
    BOOST_TEST(send(socket, {bytes}) > 0U);
    sockets.close(socket);
    std::string got;
    while (got.size() < bytes.size()) {
        got += read_some(peer);
        settle();
    }
    BOOST_TEST((got == bytes));
    char end = 0;
    BOOST_TEST(::recv(peer.get(), &end, 1, MSG_DONTWAIT) == 0);
    write_all(peer, "nobody listens");
    settle();
    BOOST_TEST(owner.heard.empty());
    BOOST_TEST(sockets.size() == 1U);
    peer.reset();
    settle();
    BOOST_TEST(sockets.size() == 0U);
    BOOST_TEST(owner.lost == 0);
}

BOOST_AUTO_TEST_CASE(a_peer_that_never_goes_does_not_keep_a_closed_socket) {
    Owner owner;
    UniqueFd peer;
    sockets.close(add(owner, peer));
    settle();
    BOOST_TEST(sockets.size() == 1U);
    const auto later = loop.now() + std::chrono::seconds(6);
    while (TimerEntry* entry = loop.wheel().pop_due(later)) entry->due(later);
    BOOST_TEST(sockets.size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_peer_that_goes_on_sending_to_a_closed_socket_gets_a_reset) {
    Owner owner;
    UniqueFd peer;
    sockets.close(add_tcp(owner, peer));
    const std::string bytes = pattern(64 << 10);
    ssize_t sent = 0;
    for (int i = 0; i < 1000 && sent >= 0; ++i) {
        sent = ::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        settle();
    }
    BOOST_TEST(sent < 0);
    BOOST_TEST((errno == ECONNRESET || errno == EPIPE));
    BOOST_TEST(owner.heard.empty());
    BOOST_TEST(sockets.size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_peer_that_takes_nothing_is_reset_in_the_end) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add_tcp(owner, peer);
    BOOST_TEST(send(socket, {pattern(8 << 20)}) > 0U);
    sockets.close(socket);
    settle();
    BOOST_TEST(sockets.size() == 1U);
    const auto later = loop.now() + std::chrono::seconds(6);
    while (TimerEntry* entry = loop.wheel().pop_due(later)) entry->due(later);
    BOOST_TEST(sockets.size() == 0U);
    std::string rest(64 << 10, '\0');
    ssize_t got = 1;
    while (got > 0) got = ::recv(peer.get(), rest.data(), rest.size(), 0);
    BOOST_TEST(got < 0);
    BOOST_TEST(errno == ECONNRESET);
}

// What waits is ours to count and to bound; Linux would take some MiB.
BOOST_AUTO_TEST_CASE(the_kernel_takes_little_for_a_peer_that_reads_nothing) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add_tcp(owner, peer);
    std::size_t waits = 0;
    std::size_t sent = 0;
    for (const std::string bytes = pattern(16 << 10); waits == 0 && sent < (16U << 20); settle()) {
        waits = send(socket, {bytes});
        sent += bytes.size();
    }
    BOOST_TEST(waits > 0U);
    BOOST_TEST(sent < (1U << 20));
}

BOOST_AUTO_TEST_CASE(writing_to_a_peer_that_is_gone_is_told_as_a_loss) {
    Owner owner;
    UniqueFd peer;
    UpgradedSocket& socket = add(owner, peer);
    settle();
    peer.reset();
    BOOST_TEST(send(socket, {"into the void"}) == 0U);
    BOOST_TEST(owner.lost == 0);
    settle();
    BOOST_TEST(owner.lost == 1);
}

BOOST_AUTO_TEST_CASE(an_owner_may_close_both_sides_from_within) {
    Owner one;
    Owner two;
    UniqueFd peer_one;
    UniqueFd peer_two;
    UpgradedSocket& first = add(one, peer_one);
    UpgradedSocket& second = add(two, peer_two);
    const auto end_all = [&](UpgradedSocket&) {
        sockets.abort(first);
        sockets.abort(second);
    };
    one.react = two.react = end_all;
    write_all(peer_one, "x");
    write_all(peer_two, "y");
    settle();
    BOOST_TEST(one.heard.size() + two.heard.size() == 1U);
    BOOST_TEST(sockets.size() == 0U);
}

// One socket with endless input; the other still gets its turn.
BOOST_AUTO_TEST_CASE(a_flood_does_not_starve_the_others) {
    Owner flood;
    Owner quiet;
    UniqueFd flood_peer;
    UniqueFd quiet_peer;
    add(flood, flood_peer);
    add(quiet, quiet_peer);
    const std::string bytes = pattern(UpgradedSockets::buffer_bytes);
    flood.react = [&](UpgradedSocket&) {  // never drained
        if (flood.pieces.size() == 5) write_all(quiet_peer, "me too");
        // As much as was read: more than the kernel holds would wait for us for ever.
        if (quiet.heard.empty() && flood.pieces.size() < 1000)
            write_all(flood_peer, bytes.substr(0, flood.pieces.back()));
    };
    write_all(flood_peer, bytes);
    settle();
    BOOST_TEST(quiet.heard == "me too");
    BOOST_TEST(flood.pieces.size() < 50U);
}

// Many sockets with endless input, whose bytes are much work; the other need not wait for all of them.
BOOST_AUTO_TEST_CASE(many_floods_do_not_starve_the_others) {
    constexpr std::size_t floods = 50;
    std::vector<Owner> flood(floods);
    std::vector<UniqueFd> flood_peers(floods);
    Owner quiet;
    UniqueFd quiet_peer;
    add(quiet, quiet_peer);
    const std::string bytes = pattern(UpgradedSockets::buffer_bytes);
    std::size_t turns = 0;
    std::size_t turns_before = 0;
    quiet.react = [&](UpgradedSocket&) { turns_before = turns; };
    for (std::size_t i = 0; i < floods; ++i) {
        add(flood[i], flood_peers[i]);
        flood[i].react = [&, i](UpgradedSocket&) {
            for (const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
                 std::chrono::steady_clock::now() < end;) {
            }
            if (++turns == 2 * floods) write_all(quiet_peer, "me too");
            if (turns < 6 * floods) write_all(flood_peers[i], bytes.substr(0, flood[i].pieces.back()));
        };
        write_all(flood_peers[i], bytes);
    }
    settle();
    BOOST_TEST(quiet.heard == "me too");
    BOOST_TEST(turns_before >= 2 * floods);
    BOOST_TEST(turns_before < 3 * floods - 10);
    for (const Owner& each : flood) BOOST_TEST(each.pieces.size() >= 3U);  // they all have turns
}

BOOST_AUTO_TEST_CASE(a_throwing_owner_loses_its_socket_and_no_other) {
    Owner bad;
    Owner good;
    UniqueFd bad_peer;
    UniqueFd good_peer;
    add(bad, bad_peer);
    add(good, good_peer);
    settle();
    bad.react = [](UpgradedSocket&) { throw std::runtime_error("a bug"); };
    write_all(bad_peer, "x");
    write_all(good_peer, "y");
    settle();
    BOOST_TEST(good.heard == "y");
    BOOST_TEST(bad.lost == 1);
    BOOST_TEST(sockets.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_released_descriptor_stays_open) {
    Owner owner;
    UniqueFd peer;
    Socket mine = sockets.release(add(owner, peer));
    settle();
    write_all(peer, "still");
    settle();
    BOOST_TEST(owner.heard.empty());
    std::array<char, 8> heard{};
    BOOST_TEST(mine.recv(heard.data(), heard.size()) == 5);
    BOOST_TEST(std::string_view(heard.data(), 5) == "still");
}

BOOST_AUTO_TEST_SUITE_END()
