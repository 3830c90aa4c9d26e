#include "proxy/net/upstream_handshake.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "proxy/net/loop.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/net/upgraded_sockets.h"
#include "proxy/net/upstream.h"
#include "proxy/wire/http/handshake_response.h"

namespace forestay::net {

namespace {

using wire::http::HandshakeResponse;
using wire::http::HandshakeVerdict;

template <std::size_t N>
std::string base64(const std::array<unsigned char, N>& bytes) {
    std::array<unsigned char, (N + 2) / 3 * 4 + 1> text;
    const int size = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(N));
    return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size)};
}

std::string new_key() {
    std::array<unsigned char, 16> bytes;
    if (RAND_bytes(bytes.data(), bytes.size()) != 1) throw std::runtime_error("RAND_bytes failed");
    return base64(bytes);
}

// RFC 6455 section 4.2.2, item 5.4.
std::string accept_for(const std::string& key) {
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, 20> digest;
    if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1) {
        throw std::runtime_error("SHA-1 is not available");
    }
    return base64(digest);
}

// The names as every server writes them: some compare the case.
std::string head_of(const UpstreamHandshakeRequest& request, const std::string& key) {
    std::string head = "GET " + request.target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : request.fields)
        head.append(name).append(": ").append(value).append("\r\n");
    head += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
            key + "\r\n";
    std::string_view separator = "Sec-WebSocket-Protocol: ";
    for (const std::string& protocol : request.protocols) {
        head.append(separator).append(protocol);
        separator = ", ";
    }
    head += request.protocols.empty() ? "\r\n" : "\r\n\r\n";
    return head;
}

HandshakeFailure failure_for(HandshakeVerdict verdict) {
    switch (verdict) {
        case HandshakeVerdict::refused:
            return HandshakeFailure::upstream_refused;
        case HandshakeVerdict::bad_accept:
            return HandshakeFailure::bad_accept;
        case HandshakeVerdict::unoffered:
            return HandshakeFailure::unoffered;
        case HandshakeVerdict::malformed:
        case HandshakeVerdict::bad_upgrade:
        case HandshakeVerdict::incomplete:
        case HandshakeVerdict::upgraded:
            break;
    }
    return HandshakeFailure::bad_upgrade;
}

class Handshake final : public UpstreamHandshake, UpstreamTurn, SocketOwner, TimerEntry {
  public:
    Handshake(Loop& loop, UpstreamHandshakeRequest request, UpstreamHandshakeDone done)
        : loop_(loop),
          done_(std::move(done)),
          line_(request.plain ? Upstream::Line::plain : Upstream::Line::sessions) {
        const std::string key = new_key();
        head_ = head_of(request, key);
        expected_.accept = accept_for(key);
        expected_.protocols = std::move(request.protocols);
        deadline_ = loop.now() + loop.shared().options.upstream.handshake_timeout;
        loop.wheel().schedule(*this, deadline_);
        if (loop.upstream().take_turn(*this, line_)) begin();
    }
    ~Handshake() override { let_go(); }

  private:
    enum class Phase : std::uint8_t { in_line, connecting, asked, over };

    void begin() override {
        phase_ = Phase::connecting;
        const auto connect_deadline = loop_.now() + loop_.shared().options.upstream.connect_timeout;
        loop_.wheel().schedule(*this, std::min(deadline_, connect_deadline));
        next_address();
    }

    void next_address() {
        const auto& addresses = loop_.upstream().addresses();
        while (next_ < addresses.size()) {
            const int fd = begin_connect(addresses[next_++]);
            if (fd < 0) continue;
            socket_ = &loop_.sockets().add(fd, *this, UpgradedSockets::Start::connecting);
            return;
        }
        // Not now: the caller may be in the middle of a session's actions.
        unreachable_ = true;
        loop_.wheel().schedule(*this, loop_.now());
    }

    void on_drained(UpgradedSocket& socket) override {
        if (phase_ != Phase::connecting) return;
        phase_ = Phase::asked;
        const auto& addresses = loop_.upstream().addresses();
        loop_.upstream().attempted(&addresses[std::min(next_, addresses.size()) - 1]);
        loop_.wheel().schedule(*this, deadline_);
        const iovec span{head_.data(), head_.size()};
        loop_.sockets().send(socket, {&span, 1});
    }

    void on_bytes(UpgradedSocket&, std::string_view bytes) override {
        bytes_.append(bytes);
        read_response(false);
    }

    void on_lost(UpgradedSocket&, bool) override {
        socket_ = nullptr;
        if (phase_ == Phase::connecting) return next_address();
        if (bytes_.empty()) return refuse(HandshakeFailure::unreachable);
        read_response(true);
    }

    void due(session::TimePoint) override {
        if (phase_ == Phase::connecting) loop_.upstream().attempted(nullptr);
        if (unreachable_) return refuse(HandshakeFailure::unreachable);
        if (phase_ != Phase::asked) return refuse(HandshakeFailure::timeout);
        // A refusal whose body does not end is still a refusal.
        HandshakeResponse response = wire::http::parse_handshake_response(bytes_, false, expected_);
        if (response.status < 200) return refuse(HandshakeFailure::timeout);
        response.body.clear();
        refuse(HandshakeFailure::upstream_refused, std::move(response));
    }

    void read_response(bool closed) {
        HandshakeResponse response = wire::http::parse_handshake_response(bytes_, closed, expected_);
        if (response.verdict == HandshakeVerdict::incomplete) return;
        if (response.verdict != HandshakeVerdict::upgraded) {
            if (response.verdict != HandshakeVerdict::refused) response.status = 0;
            const HandshakeFailure reason = failure_for(response.verdict);
            return refuse(reason, std::move(response));
        }
        if (socket_ == nullptr) return refuse(HandshakeFailure::unreachable);
        UniqueFd fd(loop_.sockets().release(*std::exchange(socket_, nullptr)));
        finish(UpstreamUpgraded{std::move(fd), bytes_.substr(response.size), std::move(response.protocol),
                                std::move(response.fields)});
    }

    void refuse(HandshakeFailure reason, HandshakeResponse response = {}) {
        ++loop_.stats().handshake_failures[static_cast<std::size_t>(reason)];
        finish(
            UpstreamRefusal{reason, response.status, std::move(response.fields), std::move(response.body)});
    }

    // `done` may destroy this.
    void finish(UpstreamHandshakeResult result) {
        let_go();
        const UpstreamHandshakeDone done = std::move(done_);
        done(std::move(result));
    }

    void let_go() {
        if (socket_ != nullptr) loop_.sockets().abort(*std::exchange(socket_, nullptr));
        loop_.wheel().cancel(*this);
        const Phase was = std::exchange(phase_, Phase::over);
        if (was == Phase::in_line) loop_.upstream().leave_line(*this, line_);
        if (was == Phase::connecting || was == Phase::asked) loop_.upstream().give_turn_back(line_);
    }

    Loop& loop_;
    UpstreamHandshakeDone done_;
    const Upstream::Line line_;
    std::string head_;
    wire::http::HandshakeExpectation expected_;
    session::TimePoint deadline_;
    Phase phase_ = Phase::in_line;
    std::size_t next_ = 0;  // index of the address after the one that is tried
    bool unreachable_ = false;
    UpgradedSocket* socket_ = nullptr;
    std::string bytes_;  // of the answer
};

}  // namespace

std::unique_ptr<UpstreamHandshake> start_upstream_handshake(Loop& loop, UpstreamHandshakeRequest request,
                                                            UpstreamHandshakeDone done) {
    return std::make_unique<Handshake>(loop, std::move(request), std::move(done));
}

}  // namespace forestay::net
