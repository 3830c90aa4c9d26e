// forestay between a client and an upstream that the test plays itself: real sockets, free ports, blocking
// calls.
//
// The proxy has threads of its own: one loop, or as many as the test program is told (scenario_tests -- 2).
// Every blocking call gives up after some seconds and fails the test, so that nothing waits for ever; no test
// waits for time to pass.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "proxy/net/key_sources.h"
#include "proxy/net/loops.h"
#include "proxy/net/unique_fd.h"

namespace forestay::scenarios {

// One end of a connection, played by the test.
class Peer {
  public:
    explicit Peer(net::UniqueFd fd);

    void send(std::string_view bytes);
    // False when the other end does not want it any more.
    [[nodiscard]] bool try_send(std::string_view bytes);
    // Up to and with `mark`; the rest is kept for the next call.
    [[nodiscard]] std::string read_until(std::string_view mark);
    [[nodiscard]] std::string read_exactly(std::size_t size);
    // What comes until the other end closes; a reset counts as its end.
    [[nodiscard]] std::string read_to_end();
    [[nodiscard]] bool ends() { return read_to_end().empty(); }
    // No more writing; the other end sees it.
    void finish();
    void close();
    // The close is a reset.
    void reset();

  private:
    bool fill();
    net::UniqueFd fd_;
    std::string bytes_;
};

struct Answer {
    unsigned status = 0;
    std::string head;    // status line and fields
    std::string body;    // without chunk framing
    bool whole = false;  // the end was seen, not only the end of the connection
    // All values of a field, joined by "|"; "-" when it is not there.
    [[nodiscard]] std::string field(std::string_view name) const;
};
// One answer from a connection. `to_head`: there is no body.
[[nodiscard]] Answer read_answer(Peer& peer, bool to_head = false);

// A request head as the upstream got it.
struct Request {
    std::string head;
    [[nodiscard]] std::string line() const;
    [[nodiscard]] std::string field(std::string_view name) const;
};
[[nodiscard]] Request read_request(Peer& peer);
// The Sec-WebSocket-Accept that fits a key.
[[nodiscard]] std::string accept_for(const std::string& key);

class Upstream {
  public:
    Upstream();
    [[nodiscard]] Peer accept();
    // Somebody has connected and said something: for "nobody did", at the end of a test.
    [[nodiscard]] bool contacted() const;
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    // Connections are refused from now on.
    void stop() { listener_.reset(); }

  private:
    [[nodiscard]] net::UniqueFd take(int timeout_ms) const;
    net::UniqueFd listener_;
    std::uint16_t port_ = 0;
};

struct Setup {
    net::Options options;
    session::Policy policy;
    auth::AuthOptions auth;
    auth::OriginOptions origins;
    std::shared_ptr<net::TlsServer> tls;  // what its listener speaks; null: plain HTTP
    std::size_t rates_remembered = net::ClientTable::idle_most;
    unsigned loops = 0;  // 0: as many as the test program is told
};

class Proxy {
  public:
    explicit Proxy(const Upstream& upstream, Setup setup = {});
    ~Proxy();

    [[nodiscard]] Peer client();
    [[nodiscard]] Peer client(std::string_view request);
    [[nodiscard]] const net::Endpoint& address() const { return loops_->bound().front(); }
    [[nodiscard]] net::Loops& loops() { return *loops_; }
    // Starts draining; the returned function waits until that is done.
    void drain();
    void wait_drained();
    // Ends the loops, and says what they have counted: of sums, what the tests ask for.
    const net::Stats& stop();
    // Entries so far, "event name=value ...", without durations.
    [[nodiscard]] std::vector<std::string> journal();

  private:
    net::Shared shared_;
    std::mutex mutex_;
    std::vector<std::string> journal_;
    bool drained_ = false;
    std::unique_ptr<net::Loops> loops_;
    std::unique_ptr<net::KeySources> keys_;
    net::Stats sums_;
    std::thread thread_;
};

}  // namespace forestay::scenarios
