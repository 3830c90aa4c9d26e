// The two ends of a Socket.IO conversation over a websocket, as lean as they can be: what is measured is the
// proxy between them. Both live in one thread and one epoll set.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct ssl_st;

namespace forestay::bench {

using Clock = std::chrono::steady_clock;

constexpr std::size_t message_bytes = 128;  // of every request and answer: the websocket payload

// A socket in the epoll set that speaks HTTP up to the 101, then frames.
class Peer {
  public:
    // `tls`: its handshake is done; taken. Null: without.
    Peer(int epoll, int fd, ssl_st* tls = nullptr);
    virtual ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    // Reads and writes what there is; false: the connection is over.
    [[nodiscard]] bool on_events(std::uint32_t events);
    void flush();

  protected:
    // The HTTP head, without the empty line. False: close.
    virtual bool on_head(std::string_view head) = 0;
    // The first bytes of a message (all that a decision needs), unmasked, and the size of the whole.
    virtual bool on_message(std::string_view start, std::size_t size) = 0;
    // Ours to the upstream are masked, as a client's must be.
    void append_frame(std::string_view payload, bool masked);
    void append_raw(std::string_view bytes) { out_ += bytes; }
    [[nodiscard]] std::size_t unsent() const noexcept { return out_.size(); }

  private:
    [[nodiscard]] std::size_t take(char* bytes, std::size_t size);  // how many were used; npos: close
    [[nodiscard]] std::size_t take_frame(char* bytes, std::size_t size);

    [[nodiscard]] ssize_t receive(char* to, std::size_t size);

    int fd_;
    ssl_st* tls_;
    bool upgraded_ = false;
    std::string in_;   // an incomplete head or frame
    std::string out_;  // not yet written
};

// The app: answers the handshake, OPEN, CONNECT, and every event that wants an ack.
class UpstreamPeer : public Peer {
  public:
    using Peer::Peer;
    [[nodiscard]] static std::uint64_t refused() { return refused_; }

  protected:
    bool on_head(std::string_view head) override;
    bool on_message(std::string_view start, std::size_t size) override;

  private:
    static inline std::uint64_t refused_ = 0;  // messages that it did not understand
};

// A user: joins, then asks.
class ClientPeer final : public Peer {
  public:
    // Called with each answer: when the question was to be asked.
    using Answered = std::function<void(ClientPeer&, Clock::time_point intended)>;

    ClientPeer(int epoll, int fd, const Answered& answered, ssl_st* tls = nullptr);
    [[nodiscard]] bool ready() const { return ready_; }
    [[nodiscard]] std::size_t outstanding() const { return static_cast<std::size_t>(asked_ - answers_); }
    // Appends a request; flush() sends. False when too many are outstanding to remember.
    bool ask(Clock::time_point intended);

  private:
    static constexpr std::size_t remembered = 1024;
    bool on_head(std::string_view head) override;
    bool on_message(std::string_view start, std::size_t size) override;

    const Answered& answered_;
    bool ready_ = false;
    std::uint64_t asked_ = 0;
    std::uint64_t answers_ = 0;
    std::vector<Clock::time_point> intended_;  // by ack id, as a ring; made with the first request
};

// The message of `message_bytes` that starts with `type` and `id`.
[[nodiscard]] std::string_view event_text(char* buffer, std::string_view type, std::uint64_t id);

}  // namespace forestay::bench
