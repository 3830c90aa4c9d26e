#include "proxy/net/http_client.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <optional>
#include <stdexcept>

#include "proxy/wire/http/chunked.h"
#include "proxy/wire/http/response.h"

namespace forestay::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t max_fields = 100;
constexpr int max_interim_answers = 4;  // 103 and the like

struct Connection {
    Connection(asio::io_context& context, asio::ssl::context* tls_context) : socket(context) {
        if (tls_context != nullptr) tls.emplace(socket, *tls_context);
    }
    // Not closed by the server, and nothing said unasked. Of TLS bytes only the next request can tell.
    bool looks_alive() {
        char byte = 0;
        const ssize_t size = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        return size > 0 && tls.has_value();
    }
    void close() {
        error_code ignored;
        socket.close(ignored);
    }

    tcp::socket socket;
    std::optional<asio::ssl::stream<tcp::socket&>> tls;
    Clock::time_point idle_since{};
    std::string buffer;
};

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

bool is_address(const std::string& host) {
    std::array<unsigned char, 16> bytes{};
    return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

}  // namespace

std::string_view name(Fetch what) noexcept {
    constexpr std::array<std::string_view, static_cast<std::size_t>(fetch_last) + 1> names{
        "ok",     "unresolved",   "unreachable", "bad_tls",     "timed_out",
        "closed", "bad_response", "too_large",   "bad_request", "busy"};
    return names[static_cast<std::size_t>(what)];
}

const std::string* Fetched::find(std::string_view field) const noexcept {
    for (const auto& [name, value] : fields) {
        if (wire::http::iequals(name, field)) return &value;
    }
    return nullptr;
}

struct HttpClient::Pool {
    Pool(asio::io_context& c, HttpClientOptions o) : context(c), options(std::move(o)) {
        if (!options.url.tls) return;
        tls.emplace(asio::ssl::context::tls_client);
        SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
        tls->set_verify_mode(asio::ssl::verify_peer);
        error_code error;
        if (options.ca_file.empty()) {
            tls->set_default_verify_paths(error);
        } else {
            tls->load_verify_file(options.ca_file, error);
        }
        if (error) throw std::runtime_error("ca_file " + options.ca_file + ": " + error.message());
    }

    std::unique_ptr<Connection> take_idle() {
        const auto oldest = Clock::now() - options.idle_time;
        while (!idle.empty()) {
            auto connection = std::move(idle.back());  // the freshest
            idle.pop_back();
            if (connection->idle_since > oldest && connection->looks_alive()) return connection;
        }
        return nullptr;
    }
    void keep(std::unique_ptr<Connection> connection) {
        if (idle.size() >= options.idle_connections) idle.pop_front();
        connection->idle_since = Clock::now();
        if (options.idle_connections > 0) idle.push_back(std::move(connection));
    }

    asio::io_context& context;
    HttpClientOptions options;
    std::optional<asio::ssl::context> tls;
    std::deque<std::unique_ptr<Connection>> idle;
    std::size_t running = 0;
};

// One request. Its work is a coroutine of its own, so that whoever waits is let go in time even while a name
// is being resolved, which cannot be taken back.
struct HttpClient::Job {
    Job(std::shared_ptr<Pool> p, std::string request_text)
        : pool(std::move(p)), request(std::move(request_text)), done(pool->context), resolver(pool->context) {
        ++pool->running;
    }
    ~Job() { --pool->running; }
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    void finish() {
        finished = true;
        done.expires_at(Clock::time_point::min());  // also for a wait that has not begun
    }
    void abandon() {
        abandoned = true;
        resolver.cancel();
        if (connection) connection->close();
    }
    bool fail(Fetch what, std::string detail) {
        answer = Fetched();
        answer.what = what;
        answer.detail = std::move(detail);
        return false;
    }

    static Task<void> run(std::shared_ptr<Job> job);
    Task<bool> connect();
    Task<bool> exchange();
    Task<bool> read_more();
    Task<bool> read_head(wire::http::ResponseHead& framing);
    Task<bool> read_body(const wire::http::ResponseHead& framing);
    Task<bool> read_chunks();

    std::shared_ptr<Pool> pool;
    std::string request;
    asio::steady_timer done;
    tcp::resolver resolver;
    std::unique_ptr<Connection> connection;
    Fetched answer;
    bool heard = false;  // a byte of the answer
    bool ended = false;  // the server has closed, properly
    bool finished = false;
    bool abandoned = false;
};

Task<void> HttpClient::Job::run(std::shared_ptr<Job> job) {
    try {
        job->connection = job->pool->take_idle();
        const bool reused = job->connection != nullptr;
        bool ok = reused || co_await job->connect();
        if (ok) ok = co_await job->exchange();
        // The server may have closed a kept connection just when we wrote: once more, on a fresh one.
        if (!ok && reused && !job->heard && !job->abandoned) {
            job->connection.reset();
            if (co_await job->connect()) ok = co_await job->exchange();
        }
        if (ok && job->connection && !job->abandoned) job->pool->keep(std::move(job->connection));
    } catch (const std::exception& error) {
        job->fail(Fetch::closed, error.what());
    }
    job->connection.reset();
    job->finish();
}

Task<bool> HttpClient::Job::connect() {
    const wire::http::Url& url = pool->options.url;
    const std::string port = std::to_string(url.port);
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const auto endpoints =
        co_await resolver.async_resolve(url.host, port, tcp::resolver::numeric_service, token);
    if (error) co_return fail(Fetch::unresolved, error.message());
    if (abandoned) co_return false;
    connection = std::make_unique<Connection>(pool->context, pool->tls ? &*pool->tls : nullptr);
    co_await asio::async_connect(connection->socket, endpoints, token);
    if (error || abandoned) co_return fail(Fetch::unreachable, error.message());
    if (!connection->tls) co_return true;
    auto& tls = *connection->tls;
    if (!is_address(url.host)) SSL_set_tlsext_host_name(tls.native_handle(), url.host.c_str());
    const asio::ssl::host_name_verification same_name(url.host);
    tls.set_verify_callback(same_name);
    co_await tls.async_handshake(asio::ssl::stream_base::client, token);
    if (error) co_return fail(Fetch::bad_tls, error.message());
    co_return true;
}

Task<bool> HttpClient::Job::exchange() {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const auto bytes = asio::buffer(request);
    if (connection->tls) {
        co_await asio::async_write(*connection->tls, bytes, token);
    } else {
        co_await asio::async_write(connection->socket, bytes, token);
    }
    if (error) co_return fail(Fetch::closed, error.message());
    answer = Fetched();
    wire::http::ResponseHead framing;
    if (!co_await read_head(framing)) co_return false;
    if (!co_await read_body(framing)) co_return false;
    // What follows unasked is nobody's answer.
    if (!framing.keep_alive || ended || !connection->buffer.empty()) connection.reset();
    co_return true;
}

// At least one byte, or the end; only a proper end is one.
Task<bool> HttpClient::Job::read_more() {
    std::array<char, 4096> bytes;
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const auto into = asio::buffer(bytes);
    std::size_t size = 0;
    if (connection->tls) {
        size = co_await connection->tls->async_read_some(into, token);
    } else {
        size = co_await connection->socket.async_read_some(into, token);
    }
    ended = error == asio::error::eof;
    if (error && !ended) co_return fail(Fetch::closed, error.message());
    connection->buffer.append(bytes.data(), size);
    heard = heard || size > 0;
    co_return true;
}

Task<bool> HttpClient::Job::read_head(wire::http::ResponseHead& framing) {
    std::string& buffer = connection->buffer;
    const wire::http::ResponseLimits limits{pool->options.header_bytes, max_fields};
    using State = wire::http::ResponseHeadResult::State;
    for (int interim = 0; interim < max_interim_answers;) {
        const auto parsed = wire::http::parse_response_head(buffer, false, limits);
        if (parsed.state == State::refused) {
            const bool large = parsed.reason == "head_too_large" || parsed.reason == "too_many_fields";
            co_return fail(large ? Fetch::too_large : Fetch::bad_response, std::string(parsed.reason));
        }
        if (parsed.state == State::incomplete) {
            if (ended) co_return fail(Fetch::closed, "before the end of the head");
            if (!co_await read_more()) co_return false;
            continue;
        }
        if (parsed.head.status == 101) break;
        if (parsed.head.status >= 200) {
            answer.status = parsed.head.status;
            for (const auto& field : parsed.head.fields)
                answer.fields.emplace_back(std::string(field.name), std::string(field.value));
            framing.framing = parsed.head.framing;
            framing.content_length = parsed.head.content_length;
            framing.keep_alive = parsed.head.keep_alive;
            buffer.erase(0, parsed.head.size);
            co_return true;
        }
        buffer.erase(0, parsed.head.size);
        ++interim;
    }
    co_return fail(Fetch::bad_response, "no final answer");
}

Task<bool> HttpClient::Job::read_body(const wire::http::ResponseHead& framing) {
    using wire::http::ResponseFraming;
    std::string& buffer = connection->buffer;
    const std::size_t most = pool->options.body_bytes;
    const bool to_end = framing.framing == ResponseFraming::until_close;
    if (framing.framing == ResponseFraming::none) co_return true;
    if (framing.framing == ResponseFraming::chunked) co_return co_await read_chunks();
    if (!to_end && framing.content_length > most)
        co_return fail(Fetch::too_large, "a body of " + std::to_string(framing.content_length) + " bytes");
    while (to_end ? !ended : buffer.size() < framing.content_length) {
        if (ended) co_return fail(Fetch::closed, "before the end of the body");
        if (!co_await read_more()) co_return false;
        if (to_end && buffer.size() > most)
            co_return fail(Fetch::too_large, "a body of more than " + std::to_string(most) + " bytes");
    }
    const std::size_t size = to_end ? buffer.size() : static_cast<std::size_t>(framing.content_length);
    answer.body = buffer.substr(0, size);
    buffer.erase(0, size);
    co_return true;
}

Task<bool> HttpClient::Job::read_chunks() {
    using State = wire::http::ChunkedReader::State;
    std::string& buffer = connection->buffer;
    const std::size_t most = pool->options.body_bytes;
    wire::http::ChunkedReader reader;
    while (true) {
        const auto step = reader.read(buffer);
        if (step.state == State::bad) co_return fail(Fetch::bad_response, std::string(step.reason));
        answer.body += step.data;
        buffer.erase(0, step.taken);
        if (answer.body.size() > most)
            co_return fail(Fetch::too_large, "a body of more than " + std::to_string(most) + " bytes");
        if (step.state == State::done) co_return true;
        if (step.state == State::data) continue;
        if (ended) co_return fail(Fetch::closed, "before the end of the body");
        if (!co_await read_more()) co_return false;
    }
}

HttpClient::HttpClient(asio::io_context& context, HttpClientOptions options)
    : pool_(std::make_shared<Pool>(context, std::move(options))) {}

HttpClient::~HttpClient() {
    pool_->idle.clear();
}

Task<Fetched> HttpClient::get(std::string target, wire::http::OwnedFields fields) {
    const std::shared_ptr<Pool> pool = pool_;
    Fetched failed;
    std::string request = "GET " + target + " HTTP/1.1\r\nHost: " + pool->options.url.host_field + "\r\n";
    bool odd = has_control(target) || target.find(' ') != std::string::npos;
    for (const auto& [field, value] : fields) {
        odd = odd || has_control(field) || has_control(value);
        request += field + ": " + value + "\r\n";
    }
    request += "\r\n";
    if (odd) failed.what = Fetch::bad_request;
    if (pool->running >= pool->options.connections) failed.what = Fetch::busy;
    if (failed.what != Fetch::ok) co_return failed;

    const auto job = std::make_shared<Job>(pool, std::move(request));
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    job->done.expires_after(pool->options.timeout);
    asio::co_spawn(pool->context, Job::run(job), asio::detached);
    co_await job->done.async_wait(token);
    if (job->finished) co_return std::move(job->answer);
    job->abandon();
    failed.what = Fetch::timed_out;
    failed.detail = "after " + std::to_string(pool->options.timeout.count()) + " ms";
    co_return failed;
}

}  // namespace forestay::net
