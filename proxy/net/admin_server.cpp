#include "proxy/net/admin_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstring>
#include <list>
#include <optional>
#include <stdexcept>

#include "proxy/net/loop.h"

namespace forestay::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Protocol = asio::generic::stream_protocol;  // TCP and unix sockets alike
using ErrorCode = boost::system::error_code;

constexpr std::size_t header_bytes_max = 8 << 10;
constexpr std::chrono::seconds request_timeout{10};
constexpr std::chrono::seconds keepalive_timeout{60};  // longer than scrape intervals
constexpr std::chrono::seconds write_timeout{10};
// When all places are taken: how long a connection may be without a request.
constexpr std::chrono::milliseconds patience{500};
constexpr std::chrono::seconds accept_pause{1};  // after an error: out of descriptors, most likely

struct Listener {
    Listener(asio::io_context& context, Endpoint e)
        : endpoint(std::move(e)), acceptor(context), pause(context) {}
    Endpoint endpoint;  // as configured
    asio::basic_socket_acceptor<Protocol> acceptor;
    asio::steady_timer pause;
    bool accepting = false;
};

Protocol::endpoint resolve(asio::io_context& context, const Endpoint& endpoint) {
    if (!endpoint.unix_path.empty()) return asio::local::stream_protocol::endpoint(endpoint.unix_path);
    asio::ip::tcp::resolver resolver(context);
    const auto found =
        resolver.resolve(endpoint.host, std::to_string(endpoint.port),
                         asio::ip::tcp::resolver::passive | asio::ip::tcp::resolver::numeric_service);
    return found.begin()->endpoint();
}

// A socket that a process before us has left behind is in the way; a file of another kind is somebody's.
void remove_stale_socket(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path.c_str());
}

// Binds and listens; what was bound.
Endpoint open(asio::io_context& context, Listener& listener) {
    Endpoint bound = listener.endpoint;
    const Protocol::endpoint address = resolve(context, bound);
    listener.acceptor.open(address.protocol());
    if (bound.unix_path.empty()) {
        listener.acceptor.set_option(asio::socket_base::reuse_address(true));
        listener.acceptor.bind(address);
    } else {
        remove_stale_socket(bound.unix_path);
        listener.acceptor.bind(address);
        // Before listen(): nobody gets in while the mode is the umask's.
        if (::chmod(bound.unix_path.c_str(), 0600) != 0)
            throw boost::system::system_error(errno, boost::system::generic_category());
    }
    listener.acceptor.listen();
    if (bound.unix_path.empty()) {
        asio::ip::tcp::endpoint local;
        const Protocol::endpoint any = listener.acceptor.local_endpoint();
        std::memcpy(local.data(), any.data(), any.size());
        bound.port = local.port();
    }
    return bound;
}

std::string display(const Endpoint& endpoint) {
    if (!endpoint.unix_path.empty()) return "unix:" + endpoint.unix_path;
    return endpoint.host + ':' + std::to_string(endpoint.port);
}

}  // namespace

struct AdminServer::Impl : std::enable_shared_from_this<Impl> {
    class Connection;

    Impl(asio::io_context& context, AdminRoutes::Options options)
        : routes(std::move(options)), room(context) {}

    void accept_where_possible();
    void accept(Listener& listener);
    void left(Connection& connection);
    void make_room();

    AdminRoutes routes;
    std::vector<std::unique_ptr<Listener>> listeners;
    std::vector<Endpoint> bound;
    std::list<Connection*> connections;  // each kept alive by its own pending operation; newest last
    asio::steady_timer room;             // when there is none
    bool closed = false;
};

// One client: a request, its answer, the next.
class AdminServer::Impl::Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(std::shared_ptr<Impl> server, const Endpoint& via, Protocol::socket socket)
        : server_(std::move(server)), via_(via), stream_(std::move(socket)) {
        place_ = server_->connections.insert(server_->connections.end(), this);
    }
    ~Connection() { server_->left(*this); }

    void read(std::chrono::seconds timeout);
    void close() {
        closed_ = true;
        stream_.close();
    }
    // Nothing is asked, or not yet whole, and not just since now.
    [[nodiscard]] bool idle() const {
        return reading_ && !closed_ && std::chrono::steady_clock::now() - reading_since_ >= patience;
    }
    [[nodiscard]] std::list<Connection*>::iterator place() const { return place_; }

  private:
    void on_request(const ErrorCode& error);
    void answer(bool keep_alive);
    void write(AdminAnswer answer, bool keep_alive);

    std::shared_ptr<Impl> server_;
    Endpoint via_;
    beast::basic_stream<Protocol> stream_;
    std::list<Connection*>::iterator place_;
    std::chrono::steady_clock::time_point reading_since_;
    bool reading_ = false;
    bool closed_ = false;
    beast::flat_static_buffer<header_bytes_max> buffer_;
    std::optional<http::request_parser<http::empty_body>> parser_;
    http::response<http::string_body> response_;
};

void AdminServer::Impl::Connection::read(std::chrono::seconds timeout) {
    reading_ = true;
    reading_since_ = std::chrono::steady_clock::now();
    parser_.emplace();
    parser_->header_limit(header_bytes_max);
    stream_.expires_after(timeout);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->on_request(error); });
}

void AdminServer::Impl::Connection::on_request(const ErrorCode& error) {
    reading_ = false;
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return write({431, "request header too large\n"}, false);
    }
    if (error == http::error::end_of_stream || error == beast::error::timeout || server_->closed) return;
    if (error.category() == make_error_code(http::error::bad_method).category()) {
        return write({400, "bad request\n"}, false);
    }
    if (error) return;
    // A body would have to be read before the next request: nobody needs to send one.
    answer(parser_->keep_alive() && parser_->is_done());
}

void AdminServer::Impl::Connection::answer(bool keep_alive) {
    const auto& message = parser_->get();
    AdminRequest request{message.method_string(), message.target(), {}, {}};
    for (const auto& field : message) {
        if (field.name() == http::field::host) request.hosts.push_back(field.value());
        if (field.name() == http::field::authorization) request.authorizations.push_back(field.value());
    }
    const bool host_matters = via_.unix_path.empty();
    server_->routes.answer(request, via_.host, host_matters, std::chrono::steady_clock::now(),
                           [self = shared_from_this(), keep_alive](AdminAnswer answer) {
                               if (!self->server_->closed) self->write(std::move(answer), keep_alive);
                           });
}

void AdminServer::Impl::Connection::write(AdminAnswer answer, bool keep_alive) {
    response_ = {};
    response_.result(answer.status);
    response_.set(http::field::content_type, answer.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    if (answer.status == 401) response_.set(http::field::www_authenticate, "Bearer");
    if (answer.status == 405) response_.set(http::field::allow, "GET");
    response_.body() = std::move(answer.body);
    response_.keep_alive(keep_alive);
    response_.prepare_payload();
    stream_.expires_after(write_timeout);
    http::async_write(stream_, response_,
                      [self = shared_from_this(), keep_alive](const ErrorCode& error, std::size_t) {
                          if (error || self->server_->closed) return;
                          if (keep_alive) return self->read(keepalive_timeout);
                          ErrorCode ignored;
                          self->stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
                      });
}

void AdminServer::Impl::accept_where_possible() {
    if (!closed && connections.size() >= connections_max) return make_room();
    for (const auto& listener : listeners) {
        if (!closed && !listener->accepting && connections.size() < connections_max) accept(*listener);
    }
}

void AdminServer::Impl::accept(Listener& listener) {
    listener.accepting = true;
    listener.acceptor.async_accept([self = shared_from_this(), &listener](const ErrorCode& error,
                                                                          Protocol::socket socket) {
        if (self->closed) return;
        if (!error) {
            listener.accepting = false;
            std::make_shared<Connection>(self, listener.endpoint, std::move(socket))->read(request_timeout);
            return self->accept_where_possible();
        }
        listener.pause.expires_after(accept_pause);
        listener.pause.async_wait([self, &listener](const ErrorCode&) {
            listener.accepting = false;
            self->accept_where_possible();
        });
    });
}

void AdminServer::Impl::left(Connection& connection) {
    connections.erase(connection.place());
    accept_where_possible();
}

// Whoever says nothing must not keep a probe out, or the process would be restarted for it: the eldest of
// these goes, and then the next in the kernel's queue comes.
void AdminServer::Impl::make_room() {
    const auto eldest = std::find_if(connections.begin(), connections.end(),
                                     [](const Connection* connection) { return connection->idle(); });
    if (eldest != connections.end()) return (*eldest)->close();
    room.expires_after(patience / 5);
    room.async_wait([self = shared_from_this()](const ErrorCode& error) {
        if (!error) self->accept_where_possible();
    });
}

AdminServer::AdminServer(Loop& loop, const std::vector<Endpoint>& listen, AdminRoutes::Options options)
    : impl_(std::make_shared<Impl>(loop.context(), std::move(options))) {
    for (const Endpoint& endpoint : listen) {
        auto listener = std::make_unique<Listener>(loop.context(), endpoint);
        try {
            impl_->bound.push_back(open(loop.context(), *listener));
        } catch (const boost::system::system_error& error) {
            // Not what() of the error: it ends in the line of Asio's source where it happened.
            throw std::runtime_error("cannot listen on " + display(endpoint) +
                                     " (admin.listen): " + error.code().message());
        }
        impl_->listeners.push_back(std::move(listener));
    }
    impl_->accept_where_possible();
}

AdminServer::~AdminServer() {
    impl_->closed = true;
    impl_->routes.close();
    impl_->room.cancel();
    for (const auto& listener : impl_->listeners) {
        ErrorCode ignored;
        listener->acceptor.close(ignored);
        listener->pause.cancel();
        if (!listener->endpoint.unix_path.empty()) ::unlink(listener->endpoint.unix_path.c_str());
    }
    for (Impl::Connection* connection : impl_->connections) connection->close();
}

const std::vector<Endpoint>& AdminServer::bound() const noexcept {
    return impl_->bound;
}

}  // namespace forestay::net
