#include "tests/scenarios/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <cstring>

#include "proxy/wire/http/head.h"

namespace forestay::scenarios {
namespace {

constexpr int patience_ms = 10'000;

std::string fields_of(const std::string& head, std::string_view name) {
    std::string found;
    bool any = false;
    for (std::size_t from = head.find("\r\n") + 2; from < head.size();) {
        const std::size_t end = std::min(head.find("\r\n", from), head.size());
        const std::string_view line = std::string_view(head).substr(from, end - from);
        from = end + 2;
        const std::size_t colon = line.find(": ");
        if (colon == std::string_view::npos || !wire::http::iequals(line.substr(0, colon), name)) continue;
        if (any) found += '|';
        found += line.substr(colon + 2);
        any = true;
    }
    return any ? found : "-";
}

unsigned loops_of_this_program() {
    const auto& program = boost::unit_test::framework::master_test_suite();
    return program.argc > 1 ? static_cast<unsigned>(std::stoul(program.argv[1])) : 1;
}

template <class Numbers>
void add(Numbers& sums, const Numbers& numbers) {
    std::transform(sums.begin(), sums.end(), numbers.begin(), sums.begin(), std::plus<>());
}
void add(net::Stats& sums, const net::Stats& stats) {
    if (sums.jwks.keys == 0) sums.jwks = stats.jwks;
    sums.connections_accepted += stats.connections_accepted;
    sums.connections_refused += stats.connections_refused;
    sums.handovers += stats.handovers;
    sums.sid_mismatches += stats.sid_mismatches;
    sums.dropped_header_fields += stats.dropped_header_fields;
    sums.spooled_uploads += stats.spooled_uploads;
    sums.spooled_bytes += stats.spooled_bytes;
    sums.sessions.sessions += stats.sessions.sessions;
    add(sums.sessions.limits, stats.sessions.limits);
    add(sums.sessions.shields, stats.sessions.shields);
    add(sums.limit_hits, stats.limit_hits);
    add(sums.http_requests, stats.http_requests);
    add(sums.origin_refusals, stats.origin_refusals);
    add(sums.auth_refusals, stats.auth_refusals);
    add(sums.forward_auth, stats.forward_auth);
    add(sums.handshake_failures, stats.handshake_failures);
    for (const auto& [reason, count] : stats.head_refusals) sums.head_refusals[reason] += count;
}

}  // namespace

Peer::Peer(net::UniqueFd fd) : fd_(std::move(fd)) {
    BOOST_REQUIRE(fd_.get() >= 0);
}

void Peer::send(std::string_view bytes) {
    BOOST_REQUIRE(try_send(bytes));
}

bool Peer::try_send(std::string_view bytes) {
    while (!bytes.empty()) {
        pollfd waits{fd_.get(), POLLOUT, 0};
        if (::poll(&waits, 1, patience_ms) != 1) return false;  // not a check: a thread of the test may call
        const ssize_t size = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

bool Peer::fill() {
    pollfd waits{fd_.get(), POLLIN, 0};
    BOOST_REQUIRE_MESSAGE(::poll(&waits, 1, patience_ms) == 1, "nothing came; so far: " << bytes_);
    char buffer[16384];
    const ssize_t size = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (size > 0) bytes_.append(buffer, static_cast<std::size_t>(size));
    return size > 0;
}

std::string Peer::read_until(std::string_view mark) {
    while (bytes_.find(mark) == std::string::npos) {
        if (!fill()) {
            BOOST_FAIL("the connection ended before " << mark << " in: " << bytes_);
        }
    }
    const std::size_t end = bytes_.find(mark) + mark.size();
    std::string found = bytes_.substr(0, end);
    bytes_.erase(0, end);
    return found;
}

std::string Peer::read_exactly(std::size_t size) {
    while (bytes_.size() < size && fill()) {
    }
    std::string found = bytes_.substr(0, size);
    bytes_.erase(0, found.size());
    return found;
}

std::string Peer::read_to_end() {
    while (fill()) {
    }
    return std::exchange(bytes_, {});
}

void Peer::finish() {
    ::shutdown(fd_.get(), SHUT_WR);
}
void Peer::close() {
    fd_.reset();
}
void Peer::reset() {
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
}

std::string Answer::field(std::string_view name) const {
    return fields_of(head, name);
}
std::string Request::field(std::string_view name) const {
    return fields_of(head, name);
}
std::string Request::line() const {
    return head.substr(0, head.find("\r\n"));
}

Request read_request(Peer& peer) {
    return {peer.read_until("\r\n\r\n")};
}

std::string accept_for(const std::string& key) {
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20];
    EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr);
    unsigned char encoded[29];
    EVP_EncodeBlock(encoded, digest, 20);
    return reinterpret_cast<const char*>(encoded);
}

Answer read_answer(Peer& peer, bool to_head) {
    Answer answer;
    answer.head = peer.read_until("\r\n\r\n");
    BOOST_REQUIRE(answer.head.starts_with("HTTP/1.1 "));
    answer.status = static_cast<unsigned>(std::stoul(answer.head.substr(9, 3)));
    if (to_head || answer.status < 200 || answer.status == 204 || answer.status == 304) {
        answer.whole = true;
    } else if (answer.field("Transfer-Encoding") == "chunked") {
        while (true) {
            const std::string line = peer.read_until("\r\n");
            const std::size_t size = std::stoul(line, nullptr, 16);
            const std::string piece = peer.read_exactly(size + 2);
            if (piece.size() < size + 2) break;
            answer.body += piece.substr(0, size);
            if (size == 0) {
                answer.whole = true;
                break;
            }
        }
    } else if (const std::string length = answer.field("Content-Length"); length != "-") {
        answer.body = peer.read_exactly(std::stoul(length));
        answer.whole = answer.body.size() == std::stoul(length);
    } else {
        answer.body = peer.read_to_end();
    }
    return answer;
}

Upstream::Upstream() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    BOOST_REQUIRE(::listen(listener_.get(), 64) == 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
}

// The proxy looks now and then whether the upstream takes connections; such a look says nothing and ends at
// once.
net::UniqueFd Upstream::take(int timeout_ms) const {
    while (true) {
        pollfd waits{listener_.get(), POLLIN, 0};
        if (::poll(&waits, 1, timeout_ms) != 1) return {};
        net::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        char byte = 0;
        pollfd reads{fd.get(), POLLIN, 0};
        BOOST_REQUIRE(::poll(&reads, 1, patience_ms) == 1);
        if (::recv(fd.get(), &byte, 1, MSG_PEEK) == 1) return fd;
    }
}

Peer Upstream::accept() {
    net::UniqueFd fd = take(patience_ms);
    BOOST_REQUIRE_MESSAGE(fd, "the upstream was not contacted");
    return Peer(std::move(fd));
}

bool Upstream::contacted() const {
    return static_cast<bool>(take(0));
}

Proxy::Proxy(const Upstream& upstream, Setup setup) {
    std::vector<std::string> problems;
    shared_.options = std::move(setup.options);
    if (shared_.options.listen.empty()) shared_.options.listen.push_back({"127.0.0.1", 0, {}});
    shared_.options.listen.front().tls = setup.tls != nullptr;
    shared_.tls = std::move(setup.tls);
    shared_.options.upstream.urls.front().host = "127.0.0.1";
    shared_.options.upstream.urls.front().port = upstream.port();
    shared_.policy = std::move(setup.policy);
    shared_.authenticator = std::make_shared<auth::Authenticator>(std::move(setup.auth), problems);
    shared_.origins = std::make_shared<auth::OriginPolicy>(setup.origins, problems);
    for (const std::string& problem : problems) BOOST_FAIL(problem);
    shared_.clients = std::make_shared<net::ClientTable>(setup.rates_remembered);
    shared_.identities = std::make_shared<net::ClientTable>(setup.rates_remembered);
    shared_.journal = [this](const net::JournalEntry& entry) {
        std::string line(entry.event);
        for (const auto& [name, value] : entry.fields) {
            if (name != "duration_ms") line.append(" ").append(name).append("=").append(value);
        }
        const std::lock_guard lock(mutex_);
        journal_.push_back(std::move(line));
    };
    shared_.loops = setup.loops != 0 ? setup.loops : loops_of_this_program();
    loops_ = std::make_unique<net::Loops>(shared_);
    keys_ = std::make_unique<net::KeySources>(loops_->at(0));
    thread_ = std::thread([this] { loops_->run(); });
}

Proxy::~Proxy() {
    stop();
}

const net::Stats& Proxy::stop() {
    if (thread_.joinable()) {
        loops_->stop();
        thread_.join();
    }
    sums_ = {};
    for (std::size_t i = 0; i < loops_->size(); ++i) add(sums_, loops_->at(i).stats());
    return sums_;
}

Peer Proxy::client() {
    const net::Endpoint& to = address();
    if (!to.unix_path.empty()) {
        net::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un where{};
        where.sun_family = AF_UNIX;
        std::memcpy(where.sun_path, to.unix_path.c_str(), to.unix_path.size() + 1);
        BOOST_REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
        return Peer(std::move(fd));
    }
    net::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    where.sin_port = htons(to.port);
    BOOST_REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
    return Peer(std::move(fd));
}

Peer Proxy::client(std::string_view request) {
    Peer peer = client();
    peer.send(request);
    return peer;
}

void Proxy::drain() {
    loops_->at(0).post([this] {
        loops_->drain([this] {
            const std::lock_guard lock(mutex_);
            drained_ = true;
            loops_->stop();
        });
    });
}

void Proxy::wait_drained() {
    thread_.join();
    const std::lock_guard lock(mutex_);
    BOOST_TEST(drained_);
}

std::vector<std::string> Proxy::journal() {
    const std::lock_guard lock(mutex_);
    return journal_;
}

}  // namespace forestay::scenarios
