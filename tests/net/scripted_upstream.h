// An upstream that does what the test says: it listens on a free port of loopback; the test accepts, reads
// and answers.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/net/unique_fd.h"

namespace forestay::net::testing {

inline std::string accept_for(const std::string& key) {
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20];
    EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr);
    unsigned char encoded[29];
    EVP_EncodeBlock(encoded, digest, 20);
    return reinterpret_cast<const char*>(encoded);
}

// The value of a field of a request head.
inline std::string field(const std::string& head, const std::string& name) {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == head.npos) return "(none)";
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

// The 101 to a request, with more fields.
inline std::string switching(const std::string& request, const std::string& more = "") {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
           "Upgrade\r\nSec-WebSocket-Accept: " +
           accept_for(field(request, "Sec-WebSocket-Key")) + "\r\n" + more + "\r\n";
}

// What is there to be read.
inline std::string read_some(const UniqueFd& peer) {
    std::string bytes(1 << 20, '\0');
    const ssize_t got = ::recv(peer.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
}

inline void write_all(const UniqueFd& peer, std::string_view bytes) {
    BOOST_REQUIRE(::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                  static_cast<ssize_t>(bytes.size()));
}

struct ScriptedUpstream {
    ScriptedUpstream() : listener(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        BOOST_REQUIRE(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        BOOST_REQUIRE(listen(listener.get(), 256) == 0);
        socklen_t size = sizeof address;
        getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
        port = ntohs(address.sin_port);
    }
    [[nodiscard]] bool waiting() const {
        pollfd waits{listener.get(), POLLIN, 0};
        return ::poll(&waits, 1, 0) == 1;
    }
    [[nodiscard]] UniqueFd accept() const {
        BOOST_REQUIRE(waiting());
        return UniqueFd(::accept(listener.get(), nullptr, nullptr));
    }
    UniqueFd listener;
    std::uint16_t port = 0;
};

}  // namespace forestay::net::testing
