#include "tests/bench/peer.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace forestay::bench {
namespace {

constexpr std::size_t close_it = std::string::npos;
constexpr std::size_t start_bytes = 40;  // of a message: unmasked and looked at
constexpr std::array<unsigned char, 4> mask{0x37, 0xfa, 0x21, 0x3d};

std::array<char, 64 << 10> read_buffer;

std::string accept_key(std::string_view key) {
    const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    unsigned char base64[32];
    return {reinterpret_cast<char*>(base64),
            static_cast<std::size_t>(EVP_EncodeBlock(base64, digest, sizeof digest))};
}

// The value of a header; empty when it is not there. Names are matched as the proxies write them: any case.
std::string_view header(std::string_view head, std::string_view name) {
    for (std::size_t line = head.find("\r\n"); line != std::string_view::npos;
         line = head.find("\r\n", line + 2)) {
        const std::string_view rest = head.substr(line + 2);
        if (rest.size() <= name.size() || rest[name.size()] != ':') continue;
        if (::strncasecmp(rest.data(), name.data(), name.size()) != 0) continue;
        std::string_view value = rest.substr(name.size() + 1, rest.find("\r\n") - name.size() - 1);
        value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
        return value;
    }
    return {};
}

// The number behind a packet's type; -1 when there is none.
std::int64_t id_of(std::string_view text) {
    std::int64_t id = -1;
    return std::from_chars(text.data(), text.data() + text.size(), id).ec == std::errc{} ? id : -1;
}

}  // namespace

std::string_view event_text(char* buffer, std::string_view type, std::uint64_t id) {
    char* at = std::copy(type.begin(), type.end(), buffer);
    at = std::to_chars(at, at + 20, id).ptr;
    constexpr std::string_view name = "[\"q\",\"";
    at = std::copy(name.begin(), name.end(), at);
    at = std::fill_n(at, buffer + message_bytes - 2 - at, 'x');
    *at++ = '"';
    *at = ']';
    return {buffer, message_bytes};
}

Peer::Peer(int epoll, int fd, ssl_st* tls) : fd_(fd), tls_(tls) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = this;
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) throw std::runtime_error("epoll_ctl");
}

Peer::~Peer() {
    ::SSL_free(tls_);
    ::close(fd_);
}

ssize_t Peer::receive(char* to, std::size_t size) {
    if (tls_ == nullptr) return ::recv(fd_, to, size, 0);
    const int got = ::SSL_read(tls_, to, static_cast<int>(size));
    if (got > 0) return got;
    errno = ::SSL_get_error(tls_, got) == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
    return -1;
}

bool Peer::on_events(std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && !out_.empty()) flush();
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) == 0) return true;
    for (;;) {
        // What was left of the last read goes in front.
        std::memcpy(read_buffer.data(), in_.data(), in_.size());
        const std::size_t kept = in_.size();
        const ssize_t got = receive(read_buffer.data() + kept, read_buffer.size() - kept);
        if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
        if (got < 0) break;
        const std::size_t size = kept + static_cast<std::size_t>(got);
        const std::size_t used = take(read_buffer.data(), size);
        if (used == close_it) return false;
        in_.assign(read_buffer.data() + used, size - used);
        // A short read has drained the socket, unless the peer's end is behind it.
        if (tls_ == nullptr && size < read_buffer.size() && (events & EPOLLRDHUP) == 0) break;
    }
    flush();
    return true;
}

void Peer::flush() {
    if (out_.empty()) return;
    const ssize_t sent = tls_ != nullptr ? ::SSL_write(tls_, out_.data(), static_cast<int>(out_.size()))
                                         : ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
}

std::size_t Peer::take(char* bytes, std::size_t size) {
    std::size_t used = 0;
    if (!upgraded_) {
        const std::size_t end = std::string_view(bytes, size).find("\r\n\r\n");
        if (end == std::string_view::npos) return 0;
        if (!on_head({bytes, end + 2})) return close_it;
        upgraded_ = true;
        used = end + 4;
    }
    while (used < size) {
        const std::size_t frame = take_frame(bytes + used, size - used);
        if (frame == close_it) return close_it;
        if (frame == 0) break;
        used += frame;
    }
    return used;
}

// The size of the complete frame at the front, 0 when it is not complete.
std::size_t Peer::take_frame(char* bytes, std::size_t size) {
    if (size < 2) return 0;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const bool masked = (byte(1) & 0x80U) != 0;
    std::size_t length = byte(1) & 0x7FU;
    std::size_t head = 2;
    if (length == 127) return close_it;  // nobody here sends 64 KiB
    if (length == 126) {
        if (size < 4) return 0;
        length = static_cast<std::size_t>(byte(2)) << 8U | byte(3);
        head = 4;
    }
    const std::size_t payload = head + (masked ? 4 : 0);
    if (size < payload + length) return 0;
    if ((byte(0) & 0x0FU) == 8) return close_it;
    if ((byte(0) & 0x0FU) != 1) return payload + length;  // pings and pongs of the websocket layer
    const std::size_t looked_at = std::min(length, start_bytes);
    if (masked) {
        for (std::size_t i = 0; i < looked_at; ++i) bytes[payload + i] ^= bytes[head + i % 4];
    }
    return on_message({bytes + payload, looked_at}, length) ? payload + length : close_it;
}

void Peer::append_frame(std::string_view payload, bool masked) {
    const unsigned mask_bit = masked ? 0x80 : 0;
    out_.push_back(static_cast<char>(0x81));
    if (payload.size() < 126) {
        out_.push_back(static_cast<char>(mask_bit | payload.size()));
    } else {
        out_.push_back(static_cast<char>(mask_bit | 126U));
        out_.push_back(static_cast<char>(payload.size() >> 8U));
        out_.push_back(static_cast<char>(payload.size() & 0xFFU));
    }
    if (masked) out_.append(reinterpret_cast<const char*>(mask.data()), mask.size());
    const std::size_t at = out_.size();
    out_ += payload;
    if (!masked) return;
    for (std::size_t i = 0; i < payload.size(); ++i)
        out_[at + i] = static_cast<char>(out_[at + i] ^ mask[i % 4]);
}

bool UpstreamPeer::on_head(std::string_view head) {
    const std::string_view key = header(head, "Sec-WebSocket-Key");
    if (key.empty()) return false;
    append_raw(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Accept: " +
        accept_key(key) + "\r\n\r\n");
    // Heartbeats are not what is measured: the next ping would come after the end of the run.
    append_frame(R"(0{"sid":"0123456789abcdefghij","upgrades":[],"pingInterval":300000,"pingTimeout":300000,)"
                 R"("maxPayload":1000000})",
                 false);
    return true;
}

bool UpstreamPeer::on_message(std::string_view start, std::size_t size) {
    if (start.starts_with("42") && size == message_bytes) {
        const std::int64_t id = id_of(start.substr(2));
        char buffer[message_bytes];
        if (id >= 0) append_frame(event_text(buffer, "43", static_cast<std::uint64_t>(id)), false);
        return id >= 0;
    }
    if (start.starts_with("40")) {
        append_frame(R"(40{"sid":"ABCDEFGHIJ0123456789"})", false);
        return true;
    }
    if (start == "2") append_frame("3", false);
    if (start != "2" && start != "3" && start != "41" && start != "1") ++refused_;
    return true;
}

ClientPeer::ClientPeer(int epoll, int fd, const Answered& answered, ssl_st* tls)
    : Peer(epoll, fd, tls), answered_(answered) {
    append_raw(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
        "13\r\n\r\n");
    flush();
}

bool ClientPeer::on_head(std::string_view head) {
    return head.starts_with("HTTP/1.1 101 ") &&
           header(head, "Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
}

bool ClientPeer::on_message(std::string_view start, std::size_t size) {
    if (start.starts_with("43")) {
        const std::int64_t id = id_of(start.substr(2));
        // Answers come in the order of the requests, whole, and once.
        if (size != message_bytes || id != static_cast<std::int64_t>(answers_) || answers_ >= asked_)
            return false;
        const Clock::time_point intended = intended_[answers_ % remembered];
        ++answers_;
        answered_(*this, intended);
        return true;
    }
    if (start == "2") append_frame("3", true);
    if (start.starts_with("40")) ready_ = true;
    if (start.starts_with("0{")) append_frame("40", true);
    return start == "2" || start.starts_with("40") || start.starts_with("0{");
}

bool ClientPeer::ask(Clock::time_point intended) {
    if (outstanding() == remembered) return false;
    intended_.resize(remembered);
    intended_[asked_ % remembered] = intended;
    char buffer[message_bytes];
    append_frame(event_text(buffer, "42", asked_++), true);
    return true;
}

}  // namespace forestay::bench
