// A listening socket and what it does with clients.
#include "proxy/net/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <stdexcept>
#include <string>

#include "proxy/net/loop.h"
#include "proxy/net/unique_fd.h"

using namespace forestay::net;

namespace {

UniqueFd connect_to(std::uint16_t port) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(listener)

BOOST_AUTO_TEST_CASE(a_client_that_cannot_be_taken_is_not_the_last_one) {
    Shared shared;
    std::size_t told = 0;
    shared.journal = [&](const JournalEntry& entry) { told += entry.event == "internal_error" ? 1U : 0U; };
    Loop loop(shared);
    std::size_t clients = 0;
    Listener listener(loop, {"127.0.0.1", 0, {}}, [&](int fd, const std::string&) {
        const UniqueFd owned(fd);
        if (++clients == 2) loop.stop();
        if (clients == 1) throw std::runtime_error("no room");
    });
    const UniqueFd first = connect_to(listener.bound().port);
    const UniqueFd second = connect_to(listener.bound().port);
    loop.run();
    BOOST_TEST(clients == 2U);
    BOOST_TEST(told == 1U);
}

BOOST_AUTO_TEST_CASE(two_at_one_address_share_the_clients_and_let_nobody_else_in) {
    Shared shared;
    Loop loop(shared);
    constexpr int clients = 64;
    int to_first = 0;
    int to_second = 0;
    const auto counting = [&](int& count) {
        return [&](int fd, const std::string&) {
            const UniqueFd owned(fd);
            ++count;
            if (to_first + to_second == clients) loop.stop();
        };
    };
    Listener first(loop, {"127.0.0.1", 0, {}}, counting(to_first));
    Listener second(loop, first, counting(to_second));
    BOOST_TEST(second.bound().port == first.bound().port);
    BOOST_CHECK_EXCEPTION(
        Listener(loop, first.bound(), counting(to_first)), std::runtime_error,
        [](const std::exception& e) { return std::string(e.what()).ends_with("Address already in use"); });
    std::vector<UniqueFd> open;
    for (int i = 0; i < clients; ++i) open.push_back(connect_to(first.bound().port));
    loop.run();
    BOOST_TEST(to_first > 0);
    BOOST_TEST(to_second > 0);
}

BOOST_AUTO_TEST_SUITE_END()
