#include "proxy/net/http_connection.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <utility>

#include "proxy/net/client_limits.h"
#include "proxy/net/guard.h"
#include "proxy/net/http_forward.h"
#include "proxy/net/polling_exchange.h"
#include "proxy/net/signal.h"
#include "proxy/net/tls_handshakes.h"
#include "proxy/net/websocket_upgrade.h"
#include "proxy/wire/engineio/query.h"

namespace forestay::net {

namespace asio = boost::asio;
using std::string_view;
using std::chrono::steady_clock;
using wire::http::HeadRefusal;
using wire::http::HeadResult;

namespace {

constexpr std::size_t read_bytes = 16 << 10;
// After an answer to a client that is still sending: how long and how much we read, so that a reset does not
// eat the answer.
constexpr std::chrono::seconds linger_time{2};
constexpr std::size_t linger_bytes = 4 << 20;

struct WaitingForAuth {
    explicit WaitingForAuth(Loop& loop) : signal(loop) {}
    Signal signal;
    ForwardAnswer answer;
};

// Takes as long as the server's timeout at most; a client that goes meanwhile is noticed when it is answered.
Task<ForwardAnswer> ask_forward_auth(Loop& loop, const ForwardQuestion& question) {
    const auto waiting = std::make_shared<WaitingForAuth>(loop);
    loop.forward_auth()->ask(question, [waiting](const ForwardAnswer& answer) {
        waiting->answer = answer;
        waiting->signal.notify();
    });
    co_await waiting->signal.wait();
    co_return std::move(waiting->answer);
}

Duration left_until(steady_clock::time_point deadline) {
    return std::chrono::duration_cast<Duration>(deadline - steady_clock::now());
}

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<HttpContext> context, Arrival arrival, Admission admission)
    : context_(std::move(context)),
      peer_(std::move(arrival.peer)),
      place_(std::move(arrival.place)),
      client_(context_->loop, context_->streams, std::move(arrival.socket)),
      admission_(admission) {
    client_.buffer() = std::move(arrival.early);
    context_->connections.insert(this);
    ++context_->loop.stats().client_connections[static_cast<std::size_t>(ClientTransport::http)];
}

HttpConnection::~HttpConnection() {
    end_waiting();
    context_->connections.erase(this);
    --context_->loop.stats().client_connections[static_cast<std::size_t>(ClientTransport::http)];
}

void HttpConnection::serve(const std::shared_ptr<HttpContext>& context, Arrival arrival,
                           Admission admission) {
    std::unique_ptr<HttpConnection> self(new HttpConnection(context, std::move(arrival), admission));
    asio::co_spawn(context->loop.context(), run(std::move(self)), [context](const std::exception_ptr& bug) {
        if (!bug) return;
        try {
            std::rethrow_exception(bug);
        } catch (const std::exception& error) {
            const Journal& journal = context->loop.shared().journal;
            if (journal)
                journal({Level::error, "internal_error", {{"where", "http"}, {"what", error.what()}}});
        }
    });
}

bool HttpConnection::make_room(HttpContext& context) {
    if (context.waiting.empty()) return false;
    HttpConnection& longest = *context.waiting.front();
    longest.end_waiting();
    longest.client_.abort();
    return true;
}

void HttpConnection::begin_waiting() {
    if (!waiting_) waiting_ = context_->waiting.insert(context_->waiting.end(), this);
}

void HttpConnection::end_waiting() {
    if (waiting_) context_->waiting.erase(*std::exchange(waiting_, std::nullopt));
}

void HttpConnection::drain() {
    keep_alive_ = false;
    if (idle_) client_.abort();
}

Task<void> HttpConnection::run(std::unique_ptr<HttpConnection> self) {
    HttpConnection& connection = *self;
    connection.begin_waiting();
    if (!co_await connection.begin_tls()) co_return;
    while (true) {
        connection.begin_waiting();
        const Next next = co_await connection.read_head();
        connection.end_waiting();
        if (next != Next::request) break;
        if (HttpContext* home = connection.home()) {
            ++connection.context_->loop.stats().handovers;
            // What came behind the head is with it: nobody has taken anything yet.
            hand_over(*home, {connection.client_.release(), std::move(connection.peer_),
                              std::move(connection.place_), std::move(connection.head_bytes_)});
            co_return;
        }
        co_await connection.serve_request();
        if (connection.released_) co_return;
        if (!connection.keep_alive_) break;
    }
    if (connection.unread_) co_await connection.linger();
}

// Done at once without TLS, and where another loop has done it.
Task<bool> HttpConnection::begin_tls() {
    if (!client_.socket().encrypted() || client_.socket().secured()) co_return true;
    Loop& loop = context_->loop;
    const Io secured = co_await client_.handshake(loop.shared().options.limits.header_timeout);
    if (secured == Io::ok) {
        count_tls(loop, TlsSide::client);
    } else {
        tell_client_tls_failure(loop, client_.socket(), peer_, secured == Io::timed_out);
    }
    co_return secured == Io::ok;
}

// Until a whole head is there, or the client has done wrong, or nothing comes.
Task<HttpConnection::Next> HttpConnection::read_head() {
    const HttpLimits& limits = context_->loop.shared().options.limits;
    const wire::http::HeadLimits head_limits{limits.header_bytes, limits.header_count, limits.target_bytes,
                                             context_->loop.shared().options.drop_underscore_headers};
    std::string& buffer = client_.buffer();
    const bool first = head_bytes_.empty();
    std::string().swap(head_bytes_);
    head_ = {};
    if (buffer.empty()) {
        std::string().swap(buffer);  // an idle connection holds none
        idle_ = true;
        const Io waited = co_await client_.readable(first ? limits.header_timeout : limits.keepalive_timeout);
        if (waited != Io::ok) co_return Next::over;
    }
    idle_ = false;
    const steady_clock::time_point deadline = steady_clock::now() + limits.header_timeout;
    // Parsed at the first bytes, and then whenever a line ends: a slow head is not read again and again.
    bool look = true;
    while (true) {
        if (look && !buffer.empty()) {
            HeadResult result = wire::http::parse_request_head(buffer, head_limits);
            if (result.state == HeadResult::State::refused) {
                co_await refuse_head(result.refusal);
                co_return Next::refused;
            }
            if (result.state == HeadResult::State::done) {
                // The head's views stay good: the bytes do not move, they change hands. (A whole head is too
                // long for the string's own space.)
                head_bytes_ = std::move(buffer);
                buffer = head_bytes_.substr(result.head.size);
                head_ = std::move(result.head);
                co_return Next::request;
            }
        }
        const std::size_t before = buffer.size();
        const Duration left = std::max(Duration(1), left_until(deadline));
        const Io read = co_await client_.read(read_bytes, left);
        if (read == Io::timed_out || (read == Io::ok && left_until(deadline) <= Duration::zero())) {
            co_await refuse_head({408, "header_timeout"});
            co_return Next::refused;
        }
        if (read != Io::ok) co_return Next::over;
        look = before == 0 || buffer.size() >= limits.header_bytes ||
               buffer.find('\n', before) != std::string::npos;
    }
}

// Where the session of this request lives, if that is another loop. A request that will be refused anyway is
// refused here.
HttpContext* HttpConnection::home() const {
    const std::vector<HttpContext*>& loops = context_->loops;
    if (loops.empty() || context_->draining || admission_ == Admission::full) return nullptr;
    if (route_of(head_, context_->loop.shared().options) != Route::engineio) return nullptr;
    const auto query = wire::engineio::parse_query(head_.query, wire::engineio::Jsonp::allowed);
    const unsigned index = query ? context_->endpoint.home_of(query->sid) : Loop::max;
    return index < loops.size() && loops[index] != context_.get() ? loops[index] : nullptr;
}

Task<void> HttpConnection::refuse_head(HeadRefusal refusal) {
    Stats& stats = context_->loop.stats();
    const auto counter = stats.head_refusals.find(refusal.reason);
    if (counter != stats.head_refusals.end()) {
        ++counter->second;
    } else {
        stats.head_refusals.emplace(refusal.reason, 1);
    }
    if (wire::http::is_smuggling(refusal.reason)) stats.sessions.count(session::Shield::smuggling);
    const ClientFacts facts{peer_, peer_, std::string(scheme()), {}};
    ClientExchange exchange{*context_, client_, head_, facts, {}};
    exchange.reason = refusal.reason;
    if (refusal.status != 0) {
        Reply reply = error_reply(refusal.status, refusal.reason);
        co_await send_reply(exchange, std::move(reply));
        ++stats.http_requests[std::min<std::size_t>(exchange.status / 100, 5)];
    }
    if (const auto limit = limit_behind(refusal.reason)) stats.hit(*limit);
    journal_refusal(exchange);
    unread_ = refusal.status != 0 && !exchange.aborted;
    keep_alive_ = false;
}

Task<void> HttpConnection::serve_request() {
    const steady_clock::time_point begun = steady_clock::now();
    const std::uint64_t written_before = client_.bytes_written();
    Stats& stats = context_->loop.stats();
    stats.dropped_header_fields += head_.dropped_fields;
    if (head_.dropped_fields > 0) count_dropped_fields(begun);
    ClientFacts facts = client_facts(head_, peer_, scheme(), context_->loop.shared().options.trusted_proxies);
    auth::Certificate certificate;
    if (client_.socket().encrypted()) {
        certificate = peer_certificate(client_.socket().tls());
        facts.certificate = &certificate;
    }
    ClientExchange exchange{*context_, client_, head_, facts, {}};
    exchange.keep_alive = keep_alive_ && head_.keep_alive && !context_->draining;
    exchange.body_pending = head_.framing == wire::http::Framing::chunked || head_.content_length > 0;
    measured_ = true;

    co_await dispatch(exchange);

    account(exchange, begun, client_.bytes_written() - written_before);
    released_ = exchange.released;
    if (exchange.aborted) client_.spoil();
    keep_alive_ = keep_alive_ && exchange.keep_alive && !exchange.aborted && !exchange.body_pending;
    unread_ = !exchange.aborted && (exchange.body_pending || !client_.buffer().empty());
}

// A client that means no harm sends such fields with each request: the log has one line a minute.
void HttpConnection::count_dropped_fields(steady_clock::time_point now) {
    constexpr std::chrono::minutes interval{1};
    context_->loop.stats().sessions.count(session::Shield::underscore_headers);
    const Journal& journal = context_->loop.shared().journal;
    if (!journal || context_->dropped_fields_told > now) return;
    context_->dropped_fields_told = now + interval;
    journal({Level::warning, "shield_hit", {{"client", peer_}, {"shield", "underscore_headers"}}});
}

Task<void> HttpConnection::dispatch(ClientExchange& exchange) {
    const Shared& shared = context_->loop.shared();
    Stats& stats = context_->loop.stats();
    if (admission_ == Admission::full) {
        Reply busy =
            error_reply(503, limit_hit_names[static_cast<std::size_t>(fullness(shared.options.limits))]);
        co_await send_reply(exchange, std::move(busy));
        co_return;
    }
    const Route route = route_of(head_, shared.options);
    Reply refusal;
    if (route == Route::ambiguous) {
        refusal = error_reply(400, "ambiguous_path");
        co_await send_reply(exchange, std::move(refusal));
        co_return;
    }
    if (route == Route::asterisk) {
        refusal.status = 204;
        refusal.fields.emplace_back("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        co_await send_reply(exchange, std::move(refusal));
        co_return;
    }
    wire::http::HandshakeResult handshake;
    if (head_.upgrade_websocket) {
        measured_ = false;
        handshake = wire::http::check_handshake(head_);
        if (!handshake.ok) {
            const string_view reason = handshake.refusal.reason;
            const auto& names = handshake_failure_names;
            const auto name = std::find(names.begin(), names.end(), reason);
            if (name != names.end())
                ++stats.handshake_failures[static_cast<std::size_t>(name - names.begin())];
            refusal = error_reply(handshake.refusal.status, reason);
            co_await send_reply(exchange, std::move(refusal));
            co_return;
        }
    }
    Guarded guarded = guard(context_->loop, head_, route, exchange.facts, handshake.request.protocols);
    if (guarded.pending) {
        const ForwardAnswer answer = co_await ask_forward_auth(context_->loop, *guarded.pending->question);
        guard_further(context_->loop, head_, route, exchange.facts, handshake.request.protocols, answer,
                      guarded);
        exchange.cookies = std::move(guarded.cookies);
    }
    exchange.cors = std::move(guarded.cors);
    if (guarded.refusal) {
        co_await send_reply(exchange, std::move(*guarded.refusal));
    } else if (context_->draining && route != Route::http) {
        refusal = error_reply(503, "draining");
        co_await send_reply(exchange, std::move(refusal));
    } else if (route == Route::http) {
        co_await forward_http(exchange, guarded.request.upstream_fields);
    } else if (route == Route::websocket) {
        co_await upgrade_plain(exchange, std::move(guarded.request), handshake.request);
    } else if (head_.upgrade_websocket) {
        co_await upgrade_engineio(exchange, std::move(guarded.request), handshake.request);
    } else {
        measured_ = head_.method == "POST";  // a poll hangs by design
        co_await serve_polling(exchange, std::move(guarded.request));
    }
}

// A close with unread bytes would be a reset, and the client might never see the answer.
Task<void> HttpConnection::linger() {
    client_.finish_writing();
    const steady_clock::time_point deadline = steady_clock::now() + linger_time;
    std::string& buffer = client_.buffer();
    for (std::size_t seen = 0; seen < linger_bytes;) {
        const Duration left = left_until(deadline);
        if (left <= Duration::zero()) co_return;
        buffer.clear();
        const Io read = co_await client_.read(read_bytes, left);
        if (read != Io::ok) co_return;
        seen += buffer.size();
    }
}

void HttpConnection::account(const ClientExchange& exchange, steady_clock::time_point begun,
                             std::uint64_t bytes) {
    Stats& stats = context_->loop.stats();
    const auto took = steady_clock::now() - begun;
    stats.http_request_bytes += exchange.request_bytes;
    stats.http_response_bytes += bytes;
    ++stats.http_requests[std::min<std::size_t>(exchange.status / 100, 5)];
    if (measured_ && exchange.status != 0) stats.http_duration.observe(took);
    if (!exchange.reason.empty()) journal_refusal(exchange);
    const Journal& journal = context_->loop.shared().journal;
    if (!journal) return;
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
    journal({Level::info,
             "http",
             {{"client", exchange.facts.address},
              {"method", std::string(head_.method)},
              {"path", std::string(head_.path)},
              {"status", std::to_string(exchange.aborted ? 499 : exchange.status)},
              {"bytes", std::to_string(bytes)},
              {"duration_ms", std::to_string(milliseconds)}},
             true});
}

void HttpConnection::journal_refusal(const ClientExchange& exchange) const {
    const Journal& journal = context_->loop.shared().journal;
    if (!journal) return;
    JournalEntry entry{Level::info,
                       "refused",
                       {{"client", exchange.facts.address},
                        {"path", std::string(head_.path)},
                        {"status", std::to_string(exchange.status)},
                        {"reason", std::string(exchange.reason)}}};
    if (const auto limit = limit_behind(exchange.reason))
        entry.fields.emplace_back("limit", limit_hit_names[static_cast<std::size_t>(*limit)]);
    journal(entry);
}

}  // namespace forestay::net
