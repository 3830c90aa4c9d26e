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
#include "proxy/net/upstream_polling.h"
#include "proxy/net/upstream_set.h"
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
std::string head_of(const Loop& loop, const Upstream& upstream, const UpstreamHandshakeRequest& request,
                    const std::string& key) {
    std::string head = "GET " + target_at(upstream.url(), request, "websocket") + " HTTP/1.1\r\n";
    const bool preserve_host = loop.shared().options.upstream.preserve_host;
    for (const auto& [name, value] : request.fields) {
        const bool ours = !preserve_host && wire::http::iequals(name, "host");
        head.append(name).append(": ").append(ours ? host_of(upstream.url()) : value).append("\r\n");
    }
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

// How an app without websockets answers: python-engineio 400, frameworks without that route 404, servers that
// know of upgrades 426, those that do not 501.
bool means_no_websockets(unsigned status) {
    return status == 400 || status == 404 || status == 426 || status == 501;
}

class Handshake final : public UpstreamHandshake, UpstreamTurn, SocketOwner, TimerEntry {
  public:
    Handshake(Loop& loop, const UpstreamHandshakeRequest& request, UpstreamPin* pin,
              UpstreamHandshakeDone done)
        : loop_(loop), set_(loop.upstreams()), request_(request), pin_(pin), done_(std::move(done)) {
        const UpstreamOptions& options = loop_.shared().options.upstream;
        // A session's own patience is what counts, if it has any.
        const bool bounded = pin_ == nullptr || options.hold <= Duration::zero();
        if (bounded) line_deadline_ = loop_.now() + options.handshake_timeout;
        loop_.wheel().schedule(*this, line_deadline_);
        set_.enter(*this, pin_);
    }
    ~Handshake() override { let_go(); }

  private:
    enum class Phase : std::uint8_t { in_line, connecting, asked, polling, over };

    void begin(Upstream& upstream) override {
        const UpstreamOptions& options = loop_.shared().options.upstream;
        upstream_ = &upstream;
        deadline_ = std::min(line_deadline_, loop_.now() + options.handshake_timeout);
        if (pin_ != nullptr && upstream.speaks() == Upstream::Speaks::polling) return begin_polling();
        learning_ = pin_ != nullptr && upstream.speaks() == Upstream::Speaks::unknown;
        if (learning_) upstream.begin_learning();
        begin_websocket();
    }

    void begin_websocket() {
        const std::string key = new_key();
        head_ = head_of(loop_, *upstream_, request_, key);
        expected_.accept = accept_for(key);
        expected_.protocols = request_.protocols;
        phase_ = Phase::connecting;
        const auto connect_deadline = loop_.now() + loop_.shared().options.upstream.connect_timeout;
        loop_.wheel().schedule(*this, std::min(deadline_, connect_deadline));
        next_ = 0;
        next_address();
    }

    void next_address() {
        const auto& addresses = upstream_->addresses();
        while (next_ < addresses.size()) {
            Socket socket = upstream_->begin_connect(addresses[next_++]);
            if (!socket) continue;
            socket_ = &loop_.sockets().add(std::move(socket), *this, UpgradedSockets::Start::connecting);
            return;
        }
        // Not now: the caller may be in the middle of a session's actions.
        unreachable_ = true;
        loop_.wheel().schedule(*this, loop_.now());
    }

    void on_drained(UpgradedSocket& socket) override {
        if (phase_ != Phase::connecting) return;
        phase_ = Phase::asked;
        const auto& addresses = upstream_->addresses();
        upstream_->attempted(&addresses[std::min(next_, addresses.size()) - 1]);
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

    void due(session::TimePoint now) override {
        switch (phase_) {
            case Phase::in_line:
                return refuse(HandshakeFailure::timeout);
            case Phase::connecting:
                upstream_->attempted(nullptr);
                if (unreachable_ || now < deadline_) return try_another();
                return refuse(HandshakeFailure::timeout);
            case Phase::asked:
                break;
            case Phase::polling:
            case Phase::over:
                return;
        }
        // A refusal whose body does not end is still a refusal.
        HandshakeResponse response = wire::http::parse_handshake_response(bytes_, false, expected_);
        if (response.status < 200) return refuse(HandshakeFailure::timeout);
        response.body.clear();
        refuse(HandshakeFailure::upstream_refused, std::move(response));
    }

    // Nobody was there. Another process of the app may be; a session goes to the head of the line, because of
    // the rate.
    void try_another() {
        const HandshakeFailure reason =
            unreachable_ ? HandshakeFailure::unreachable : HandshakeFailure::timeout;
        if (!set_.another_answers(*upstream_)) return refuse(reason);
        if (socket_ != nullptr) loop_.sockets().abort(*std::exchange(socket_, nullptr));
        unreachable_ = false;
        stop_learning(Upstream::Speaks::unknown);
        if (pin_ == nullptr) return begin(set_.for_request(upstream_));
        phase_ = Phase::in_line;
        loop_.wheel().schedule(*this, line_deadline_);
        Upstream* const left = upstream_;
        set_.enter(*this, pin_, UpstreamSet::Place::first);
        set_.give_turn_back(left);
    }

    void read_response(bool closed) {
        HandshakeResponse response = wire::http::parse_handshake_response(bytes_, closed, expected_);
        if (response.verdict == HandshakeVerdict::incomplete) return;
        if (response.verdict != HandshakeVerdict::upgraded) {
            if (response.verdict != HandshakeVerdict::refused) response.status = 0;
            if (learning_ && means_no_websockets(response.status)) {
                refused_websocket_ = response.status;
                return begin_polling();
            }
            // Perhaps it has been started anew while nobody was there: the next one will find out.
            const bool spoke = upstream_->speaks() == Upstream::Speaks::websocket;
            if (pin_ != nullptr && spoke && means_no_websockets(response.status))
                upstream_->learned(Upstream::Speaks::unknown);
            const HandshakeFailure reason = failure_for(response.verdict);
            return refuse(reason, std::move(response));
        }
        if (socket_ == nullptr) return refuse(HandshakeFailure::unreachable);
        stop_learning(Upstream::Speaks::websocket);
        Socket socket = loop_.sockets().release(*std::exchange(socket_, nullptr));
        finish(UpstreamUpgraded{std::move(socket), bytes_.substr(response.size), std::move(response.protocol),
                                std::move(response.fields)});
    }

    void begin_polling() {
        if (socket_ != nullptr) loop_.sockets().abort(*std::exchange(socket_, nullptr));
        phase_ = Phase::polling;
        loop_.wheel().cancel(*this);  // the exchange keeps time
        const UpstreamQuestion question{{}, {}, loop_.shared().options.upstream.handshake_timeout};
        exchange_ =
            start_upstream_exchange(loop_, *upstream_, request_, question,
                                    [this](UpstreamAnswer answer) { polling_answered(std::move(answer)); });
    }

    void polling_answered(UpstreamAnswer answer) {
        exchange_.reset();
        if (answer.unreachable) {
            unreachable_ = true;
            return try_another();
        }
        if (answer.status == 200) {
            stop_learning(Upstream::Speaks::polling);
            return finish(UpstreamPollingBegun{std::move(answer.body)});
        }
        HandshakeResponse response;
        response.status = refused_websocket_ != 0 ? refused_websocket_ : answer.status;
        refuse(response.status == 0 ? HandshakeFailure::timeout : HandshakeFailure::upstream_refused,
               std::move(response));
    }

    // Whoever has learned nothing does not know better than somebody who went after him.
    void stop_learning(Upstream::Speaks what) {
        if (!std::exchange(learning_, false)) return;
        if (what != Upstream::Speaks::unknown || upstream_->speaks() == what) upstream_->learned(what);
    }

    void refuse(HandshakeFailure reason, HandshakeResponse response = {}) {
        ++loop_.stats().handshake_failures[static_cast<std::size_t>(reason)];
        // A plain websocket's path may be broken alone.
        const bool no_answer = response.status == 0 || response.status >= 500;
        if (pin_ != nullptr && upstream_ != nullptr && no_answer) upstream_->broke();
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
        exchange_.reset();
        loop_.wheel().cancel(*this);
        stop_learning(Upstream::Speaks::unknown);
        switch (std::exchange(phase_, Phase::over)) {
            case Phase::in_line:
                return set_.leave_line(*this);
            case Phase::connecting:
            case Phase::asked:
            case Phase::polling:
                return set_.give_turn_back(pin_ != nullptr ? upstream_ : nullptr);
            case Phase::over:
                return;
        }
    }

    Loop& loop_;
    UpstreamSet& set_;
    const UpstreamHandshakeRequest& request_;
    UpstreamPin* const pin_;  // null: a plain websocket
    UpstreamHandshakeDone done_;
    session::TimePoint line_deadline_ = session::never;
    session::TimePoint deadline_ = session::never;
    Phase phase_ = Phase::in_line;
    Upstream* upstream_ = nullptr;  // from begin() on
    std::string head_;
    wire::http::HandshakeExpectation expected_;
    std::size_t next_ = 0;  // index of the address after the one that is tried
    bool unreachable_ = false;
    bool learning_ = false;           // whether the app has websockets
    unsigned refused_websocket_ = 0;  // its status, when polling is tried instead
    UpgradedSocket* socket_ = nullptr;
    std::string bytes_;  // of the answer
    std::unique_ptr<UpstreamExchange> exchange_;
};

}  // namespace

std::string target_at(const UpstreamUrl& url, const UpstreamHandshakeRequest& request,
                      std::string_view transport) {
    std::string target = url.path_prefix + request.target;
    if (request.revision == 0) return target;
    target.append("?EIO=").append(std::to_string(request.revision)).append("&transport=").append(transport);
    // An app of that age would answer in a binary form otherwise.
    if (request.revision == 3 && transport == "polling") target += "&b64=1";
    if (!request.query.empty()) target.append("&").append(request.query);
    return target;
}

std::unique_ptr<UpstreamHandshake> start_upstream_handshake(Loop& loop,
                                                            const UpstreamHandshakeRequest& request,
                                                            UpstreamPin* pin, UpstreamHandshakeDone done) {
    return std::make_unique<Handshake>(loop, request, pin, std::move(done));
}

}  // namespace forestay::net
