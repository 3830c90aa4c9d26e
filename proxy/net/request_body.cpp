#include "proxy/net/request_body.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>

#include "proxy/net/client_limits.h"

namespace forestay::net {

using std::chrono::steady_clock;
using wire::http::ChunkedReader;
using wire::http::Framing;

namespace {

constexpr std::size_t read_bytes = 64 << 10;
// Slower than this, beyond the grace, is an attack or a dead line. Only time spent waiting for the client
// counts.
constexpr std::uint64_t bytes_per_second_min = 500;
constexpr std::chrono::seconds grace{10};

}  // namespace

RequestBody::RequestBody(ClientExchange& exchange, std::uint64_t bytes_max)
    : exchange_(exchange), bytes_max_(bytes_max) {
    exchange_.body_pending = exchange.head.framing == Framing::chunked || exchange.head.content_length > 0;
}

RequestBody::~RequestBody() {
    exchange_.client.buffer().erase(0, used_);
}

RequestBody::State RequestBody::refuse(unsigned status, std::string_view reason) {
    refusal_ = error_reply(status, reason);
    if (const auto limit = limit_behind(reason)) exchange_.context.loop.stats().hit(*limit);
    return State::refused;
}

Duration RequestBody::patience() const {
    const auto credit = grace + std::chrono::milliseconds(received_ * 1000 / bytes_per_second_min) - waited_;
    const auto idle = exchange_.context.loop.shared().options.limits.body_timeout;
    return std::max(Duration(1), std::min(idle, std::chrono::duration_cast<Duration>(credit)));
}

// Brings at least one byte into the stream's buffer.
Task<RequestBody::State> RequestBody::fill() {
    ByteStream& client = exchange_.client;
    if (exchange_.head.expect_continue && !continued_) {
        continued_ = true;
        const Duration timeout = exchange_.context.loop.shared().options.limits.write_timeout;
        const Io written = co_await client.write("HTTP/1.1 100 Continue\r\n\r\n", timeout);
        if (written != Io::ok) co_return State::lost;
    }
    const steady_clock::time_point begun = steady_clock::now();
    const Duration timeout = patience();
    const Io read = co_await client.read(read_bytes, timeout);
    waited_ += steady_clock::now() - begun;
    switch (read) {
        case Io::ok:
            co_return State::data;
        case Io::interrupted:
            co_return State::interrupted;
        case Io::timed_out:
            co_return refuse(408, "body_timeout");
        case Io::closed:
            break;
    }
    co_return State::lost;
}

RequestBody::State RequestBody::take_length() {
    const std::string& buffer = exchange_.client.buffer();
    const std::uint64_t left = exchange_.head.content_length - received_;
    used_ = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
    piece_ = std::string_view(buffer).substr(0, used_);
    received_ += used_;
    if (received_ == exchange_.head.content_length) exchange_.body_pending = false;
    return State::data;
}

// All that was read at once: tiny chunks must not cost a move of the buffer each.
RequestBody::State RequestBody::take_chunks() {
    std::string& buffer = exchange_.client.buffer();
    joined_.clear();
    std::string_view rest = buffer;
    while (!rest.empty() && !chunks_over_) {
        const ChunkedReader::Step step = chunks_.read(rest);
        if (step.state == ChunkedReader::State::bad) return refuse(400, step.reason);
        chunks_over_ = step.state == ChunkedReader::State::done;
        joined_.append(step.data);
        rest.remove_prefix(step.taken);
    }
    buffer.erase(0, buffer.size() - rest.size());
    piece_ = joined_;
    received_ += joined_.size();
    if (received_ > bytes_max_) return refuse(413, "body_too_large");
    if (chunks_over_) exchange_.body_pending = false;
    return State::data;
}

Task<RequestBody::State> RequestBody::next() {
    std::string& buffer = exchange_.client.buffer();
    const wire::http::RequestHead& head = exchange_.head;
    const bool chunked = head.framing == Framing::chunked;
    while (true) {
        buffer.erase(0, std::exchange(used_, 0));
        piece_ = {};
        exchange_.request_bytes = received_;
        if (chunked ? chunks_over_ : received_ == head.content_length) co_return State::end;
        if (!chunked && head.content_length > bytes_max_) co_return refuse(413, "body_too_large");
        if (buffer.empty()) {
            const State filled = co_await fill();
            if (filled != State::data) co_return filled;
        }
        const State taken = chunked ? take_chunks() : take_length();
        if (taken != State::data || !piece_.empty()) co_return taken;
    }
}

Task<RequestBody::State> RequestBody::read_all(std::string& body) {
    while (true) {
        const State state = co_await next();
        if (state != State::data) co_return state;
        body.append(piece_);
    }
}

}  // namespace forestay::net
