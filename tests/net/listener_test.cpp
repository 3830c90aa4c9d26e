// A listening socket and what it does with clients.
#include "proxy/net/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <stdexcept>

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

BOOST_AUTO_TEST_SUITE_END()
