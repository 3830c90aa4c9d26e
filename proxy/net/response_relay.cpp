#include "proxy/net/response_relay.h"

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <charconv>

namespace forestay::net {
namespace {

using std::string_view;
using std::chrono::steady_clock;
using wire::http::ChunkedReader;
using wire::http::ResponseFraming;
using wire::http::ResponseHeadResult;

constexpr std::size_t read_bytes = 64 << 10;
constexpr unsigned interim_max = 16;
// Longer than any event stream's heartbeat; a silent app behind an open connection is not waited for without
// end.
constexpr std::chrono::minutes body_silence_max{10};

std::string chunk_size(std::size_t size) {
    std::array<char, 20> text{};
    char* end = std::to_chars(text.data(), text.data() + 16, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    return {text.data(), end};
}

}  // namespace

// More of the answer. Watches the client only when there is something to wait for.
Task<Io> ResponseRelay::read(Duration timeout) {
    if (upstream_.read_now(read_bytes)) co_return Io::ok;
    exchange_.client.watch([this](bool closed) {
        client_gone_ = client_gone_ || closed;
        if (closed) upstream_.interrupt();
    });
    const Io read = co_await upstream_.read(read_bytes, timeout);
    exchange_.client.unwatch();
    co_return read;
}

Task<ResponseRelay::Head> ResponseRelay::read_head() {
    const UpstreamOptions& options = exchange_.context.loop.shared().options.upstream;
    const steady_clock::time_point deadline = steady_clock::now() + options.response_timeout;
    std::string& buffer = upstream_.buffer();
    bool any = false;
    for (unsigned interim = 0; interim <= interim_max;) {
        const ResponseHeadResult result =
            wire::http::parse_response_head(buffer, exchange_.head.method == "HEAD", {});
        if (result.state == ResponseHeadResult::State::refused) {
            problem_ = result.reason;
            co_return Head::bad;
        }
        if (result.state == ResponseHeadResult::State::done) {
            if (result.head.status == 101) {  // nobody asked for it
                problem_ = "unasked_upgrade";
                co_return Head::bad;
            }
            if (result.head.status >= 200) {
                // The head keeps its bytes; the buffer starts with the body.
                const std::size_t size = result.head.size;
                head_bytes_ = buffer.substr(0, size);
                head_ =
                    wire::http::parse_response_head(head_bytes_, exchange_.head.method == "HEAD", {}).head;
                buffer.erase(0, size);
                co_return Head::done;
            }
            buffer.erase(0, result.head.size);
            ++interim;
            continue;
        }
        const auto left = std::chrono::duration_cast<Duration>(deadline - steady_clock::now());
        if (left <= Duration::zero()) co_return Head::late;
        const Io got = co_await read(left);
        if (client_gone_) co_return Head::client_gone;
        if (got == Io::timed_out) co_return Head::late;
        if (got != Io::ok) co_return any ? Head::bad : Head::nothing;
        any = true;
    }
    problem_ = "too_many_interim_answers";
    co_return Head::bad;
}

std::string ResponseRelay::client_head() const {
    std::string connection;
    for (const auto& field : head_.fields) {
        if (wire::http::iequals(field.name, "connection")) connection.append(field.value).append(",");
    }
    std::string head = "HTTP/1.1 " + std::to_string(head_.status) + ' ';
    head.append(head_.reason).append("\r\n");
    for (const auto& [name, value] : head_.fields) {
        if (wire::http::iequals(name, "content-length") || wire::http::is_hop_by_hop(name, connection))
            continue;
        append_field(head, name, value);
    }
    for (const auto& [name, value] : exchange_.cookies) append_field(head, name, value);
    // HEAD: what a GET would bring. 204 must not say it, 304 need not.
    const bool says_length = head_.framing == ResponseFraming::length ||
                             (head_.framing == ResponseFraming::none && head_.has_length &&
                              head_.status >= 200 && head_.status != 204 && head_.status != 304);
    if (says_length) append_field(head, "Content-Length", std::to_string(head_.content_length));
    if (to_chunks_) append_field(head, "Transfer-Encoding", "chunked");
    if (!exchange_.keep_alive) {
        append_field(head, "Connection", "close");
    } else if (exchange_.head.minor == 0) {
        append_field(head, "Connection", "keep-alive");
    }
    return head += "\r\n";
}

ResponseRelay::Body ResponseRelay::take_piece() {
    const std::string& buffer = upstream_.buffer();
    piece_ = {};
    switch (head_.framing) {
        case ResponseFraming::none:
            return Body::end;
        case ResponseFraming::chunked:
            return take_chunks();
        case ResponseFraming::length:
            if (left_ == 0) return Body::end;
            used_ = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer.size()));
            left_ -= used_;
            break;
        case ResponseFraming::until_close:
            used_ = buffer.size();
            break;
    }
    piece_ = string_view(buffer).substr(0, used_);
    return Body::piece;
}

// All that was read at once becomes one piece.
ResponseRelay::Body ResponseRelay::take_chunks() {
    if (chunks_over_) return Body::end;
    std::string& buffer = upstream_.buffer();
    joined_.clear();
    string_view rest = buffer;
    while (!rest.empty() && !chunks_over_) {
        const ChunkedReader::Step step = chunks_.read(rest);
        if (step.state == ChunkedReader::State::bad) return Body::cut;
        chunks_over_ = step.state == ChunkedReader::State::done;
        joined_.append(step.data);
        rest.remove_prefix(step.taken);
    }
    buffer.erase(0, buffer.size() - rest.size());
    piece_ = joined_;
    return chunks_over_ && joined_.empty() ? Body::end : Body::piece;
}

// The next bytes of the body, in piece_, without its framing.
Task<ResponseRelay::Body> ResponseRelay::next_piece() {
    while (true) {
        upstream_.buffer().erase(0, std::exchange(used_, 0));
        const Body taken = take_piece();
        if (taken != Body::piece || !piece_.empty()) co_return taken;
        const Io got = co_await read(body_silence_max);
        const bool whole = head_.framing == ResponseFraming::until_close && !upstream_.broken();
        if (got == Io::closed && whole) co_return Body::end;
        if (got != Io::ok) co_return Body::cut;
    }
}

Task<bool> ResponseRelay::write(string_view first, string_view piece, bool last) {
    std::string size;
    string_view end;
    if (to_chunks_ && !piece.empty()) {
        size = chunk_size(piece.size());
        end = last ? "\r\n0\r\n\r\n" : "\r\n";
    } else if (to_chunks_ && last) {
        end = "0\r\n\r\n";
    }
    const std::array<string_view, 4> pieces{first, size, piece, end};
    const Duration timeout = exchange_.context.loop.shared().options.limits.write_timeout;
    const Io written = co_await exchange_.client.write(std::span<const string_view>(pieces), timeout);
    if (written == Io::timed_out) note_slow_client(exchange_);
    co_return written == Io::ok;
}

Task<bool> ResponseRelay::relay_body() {
    left_ = head_.content_length;
    const bool unknown_length =
        head_.framing == ResponseFraming::chunked || head_.framing == ResponseFraming::until_close;
    to_chunks_ = unknown_length && exchange_.head.minor == 1;
    if ((unknown_length && !to_chunks_) || exchange_.context.draining) exchange_.keep_alive = false;
    exchange_.status = head_.status;

    std::string head = client_head();
    // The head does not wait for a body that may be long in coming.
    if (upstream_.buffer().empty() && head_.framing != ResponseFraming::none &&
        (left_ > 0 || unknown_length)) {
        const bool written = co_await write(head, {}, false);
        exchange_.aborted = !written;
        head.clear();
    }
    while (!exchange_.aborted) {
        const Body body = co_await next_piece();
        if (body == Body::cut) {
            exchange_.aborted = true;
            break;
        }
        const bool written = co_await write(head, piece_, body == Body::end);
        exchange_.aborted = !written;
        head.clear();
        if (body == Body::end) break;
    }
    // Bytes behind the answer, a body behind a 304: nobody knows what they are. Such a body may also be on
    // its way (apps that answer HEAD as if it were GET), and would be read as the answer to the next request.
    const bool body_may_follow = head_.framing == ResponseFraming::none &&
                                 (exchange_.head.method == "HEAD" || head_.content_length > 0);
    co_return !exchange_.aborted && head_.keep_alive && !body_may_follow && upstream_.buffer().empty();
}

}  // namespace forestay::net
