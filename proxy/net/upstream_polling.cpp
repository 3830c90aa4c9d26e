#include "proxy/net/upstream_polling.h"

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "proxy/net/byte_stream.h"
#include "proxy/net/loop.h"
#include "proxy/net/reply.h"
#include "proxy/net/upstream.h"
#include "proxy/net/upstream_pool.h"
#include "proxy/net/upstream_set.h"
#include "proxy/wire/http/chunked.h"
#include "proxy/wire/http/response.h"

namespace forestay::net {
namespace {

using std::string_view;
using wire::http::iequals;
using wire::http::ResponseFraming;
using wire::http::ResponseHead;
using wire::http::ResponseHeadResult;

constexpr std::size_t read_bytes = 64 << 10;
constexpr unsigned interim_max = 16;
// All that waits for a session comes in one answer, as base64 what is binary.
constexpr std::size_t answer_messages = 8;

struct Exchange {
    Exchange(Loop& l, Upstream& u, bool is_post)
        : loop(l), upstream(u), post(is_post), counts(loop.upstreams().exchanges) {
        ++counts->all;
        if (post) ++counts->posts;
    }
    ~Exchange() {
        --counts->all;
        if (post) --counts->posts;
    }

    Loop& loop;
    Upstream& upstream;
    const bool post;
    const std::shared_ptr<UpstreamSet::Exchanges> counts;  // outlive us
    std::string request;
    Duration patience{};
    session::TimePoint deadline;  // from begin() on
    bool over = false;
    std::shared_ptr<Exchange> next;  // begins then
    UpstreamAnswered done;           // empty: nobody wants the answer any more
};

class Handle final : public UpstreamExchange {
  public:
    explicit Handle(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
    ~Handle() override { exchange_->done = nullptr; }
    [[nodiscard]] Exchange& exchange() const { return *exchange_; }

  private:
    std::shared_ptr<Exchange> exchange_;
};

// Only what the app's handlers see of a client: nothing that is about this one request's body or answer.
bool goes_along(string_view name) {
    constexpr std::array<string_view, 10> not_these{
        "accept-encoding",   "content-type",        "content-encoding", "content-length", "range",
        "if-modified-since", "if-unmodified-since", "if-none-match",    "if-match",       "if-range"};
    return std::none_of(not_these.begin(), not_these.end(),
                        [&](string_view each) { return iequals(name, each); });
}

std::string percent_encoded(string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            out += c;
        } else {
            out += '%';
            out += "0123456789ABCDEF"[byte >> 4];
            out += "0123456789ABCDEF"[byte & 15];
        }
    }
    return out;
}

std::string request_text(const Loop& loop, const Upstream& upstream,
                         const UpstreamHandshakeRequest& handshake, const UpstreamQuestion& question) {
    const auto& [sid, body, deadline, after] = question;
    std::string text = body ? "POST " : "GET ";
    text += target_at(upstream.url(), handshake, "polling");
    if (!sid.empty()) text += "&sid=" + percent_encoded(sid);
    text += " HTTP/1.1\r\n";
    const bool preserve_host = loop.shared().options.upstream.preserve_host;
    for (const auto& [name, value] : handshake.fields) {
        if (!goes_along(name)) continue;
        const bool ours = !preserve_host && iequals(name, "host");
        append_field(text, name, ours ? host_of(upstream.url()) : value);
    }
    append_field(text, "Connection", "close");
    if (body) {
        append_field(text, "Content-Type", "text/plain;charset=UTF-8");
        append_field(text, "Content-Length", std::to_string(body->size()));
    }
    text += "\r\n";
    if (body) text += *body;
    return text;
}

Duration time_left(const Exchange& exchange) {
    exchange.loop.read_clock();
    const auto left = std::chrono::duration_cast<Duration>(exchange.deadline - exchange.loop.now());
    return std::max(left, Duration(0));
}

// False: the answer ends here, or is none.
Task<bool> read_more(Exchange& exchange, ByteStream& stream) {
    const Io got = co_await stream.read(read_bytes, time_left(exchange));
    co_return got == Io::ok;
}

// Of the answer to come. status 0: none that can be read.
Task<ResponseHead> read_head(Exchange& exchange, ByteStream& stream) {
    std::string& buffer = stream.buffer();
    for (unsigned interim = 0; interim <= interim_max;) {
        ResponseHeadResult result = wire::http::parse_response_head(buffer, false, {});
        if (result.state == ResponseHeadResult::State::refused) break;
        if (result.state == ResponseHeadResult::State::incomplete) {
            const bool more = co_await read_more(exchange, stream);
            if (!more) break;
            continue;
        }
        if (result.head.status == 101) break;
        result.head.fields.clear();  // views into the buffer
        result.head.reason = {};
        buffer.erase(0, result.head.size);
        if (result.head.status >= 200) co_return std::move(result.head);
        ++interim;
    }
    co_return ResponseHead{};
}

enum class Body : std::uint8_t { more, whole, bad };

// Moves what is there from the stream's buffer to the body.
Body take_body(const ResponseHead& head, wire::http::ChunkedReader& chunks, std::string& buffer,
               std::string& body) {
    if (head.framing != ResponseFraming::chunked) {
        body += buffer;
        buffer.clear();
        if (head.framing == ResponseFraming::none) return Body::whole;
        if (head.framing == ResponseFraming::until_close || body.size() < head.content_length)
            return Body::more;
        body.resize(head.content_length);
        return Body::whole;
    }
    string_view rest = buffer;
    while (!rest.empty()) {
        const auto step = chunks.read(rest);
        rest.remove_prefix(step.taken);
        body += step.data;
        if (step.state == wire::http::ChunkedReader::State::done) return Body::whole;
        if (step.state == wire::http::ChunkedReader::State::bad) return Body::bad;
    }
    buffer.clear();
    return Body::more;
}

Task<UpstreamAnswer> ask(Exchange& exchange) {
    UpstreamAnswer answer;
    UpstreamConnection connection =
        co_await connect_to(exchange.loop, exchange.loop.upstreams().streams(), exchange.upstream);
    const std::unique_ptr<ByteStream> stream = std::move(connection.stream);
    if (!stream) {
        answer.unreachable = true;
        co_return answer;
    }
    const Io written = co_await stream->write(exchange.request, time_left(exchange));
    std::string().swap(exchange.request);
    // An early answer is one, too; a write that failed may have been for one.
    if (written == Io::timed_out || written == Io::interrupted) co_return answer;
    const ResponseHead head = co_await read_head(exchange, *stream);
    if (head.status == 0) co_return answer;

    const std::size_t limit = answer_messages * exchange.loop.shared().policy.limits.message_bytes;
    wire::http::ChunkedReader chunks;
    std::string body;
    while (true) {
        const Body taken = take_body(head, chunks, stream->buffer(), body);
        if (taken == Body::whole) break;
        if (taken == Body::bad || body.size() > limit || head.content_length > limit) co_return answer;
        const bool more = co_await read_more(exchange, *stream);
        if (more) continue;
        if (head.framing != ResponseFraming::until_close || stream->broken()) co_return answer;
        break;
    }
    answer.status = head.status;
    answer.body = std::move(body);
    co_return answer;
}

void begin(const std::shared_ptr<Exchange>& exchange);

Task<void> run(std::shared_ptr<Exchange> exchange) {
    UpstreamAnswer answer = co_await ask(*exchange);
    exchange->loop.read_clock();
    exchange->over = true;
    if (exchange->next) begin(exchange->next);
    if (const UpstreamAnswered done = std::exchange(exchange->done, nullptr)) done(std::move(answer));
}

void report(const Loop& loop, const std::exception_ptr& bug) {
    if (!bug || !loop.shared().journal) return;
    try {
        std::rethrow_exception(bug);
    } catch (const std::exception& error) {
        loop.shared().journal(
            {Level::error, "internal_error", {{"where", "upstream"}, {"what", error.what()}}});
    }
}

// Posted: the caller may be in the middle of a session's actions.
void begin(const std::shared_ptr<Exchange>& exchange) {
    exchange->deadline = exchange->loop.now() + exchange->patience;
    boost::asio::post(exchange->loop.context(), [exchange] {
        boost::asio::co_spawn(exchange->loop.context(), run(exchange),
                              [exchange](const std::exception_ptr& bug) { report(exchange->loop, bug); });
    });
}

}  // namespace

std::unique_ptr<UpstreamExchange> start_upstream_exchange(Loop& loop, Upstream& upstream,
                                                          const UpstreamHandshakeRequest& handshake,
                                                          const UpstreamQuestion& question,
                                                          UpstreamAnswered done) {
    auto exchange = std::make_shared<Exchange>(loop, upstream, question.body.has_value());
    exchange->request = request_text(loop, upstream, handshake, question);
    exchange->patience = question.deadline;
    exchange->done = std::move(done);
    const auto* const after = static_cast<const Handle*>(question.after);
    if (after != nullptr && !after->exchange().over) {
        after->exchange().next = exchange;
    } else {
        begin(exchange);
    }
    return std::make_unique<Handle>(std::move(exchange));
}

}  // namespace forestay::net
