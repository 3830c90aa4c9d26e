// A stream socket that speaks HTTP: bounded reading, gathered writing, a deadline on every wait.
//
// TCP and unix sockets alike, with TLS or without. One coroutine uses it at a time. An idle stream holds no
// buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "proxy/net/options.h"
#include "proxy/net/socket.h"
#include "proxy/net/task.h"

namespace forestay::net {

class Loop;

// How a wait ended. `interrupted`: by interrupt(); what was waited for may still come.
enum class Io : std::uint8_t { ok, closed, timed_out, interrupted };

class ByteStream;

// The open streams of a server, so that it can end all of them.
class StreamGroup {
  public:
    StreamGroup() = default;
    ~StreamGroup();
    StreamGroup(const StreamGroup&) = delete;
    StreamGroup& operator=(const StreamGroup&) = delete;
    // For good: a stream that comes later is aborted from its beginning.
    void abort_all();
    [[nodiscard]] bool aborted() const noexcept { return aborted_; }

  private:
    friend class ByteStream;
    std::set<ByteStream*> open_;
    bool aborted_ = false;
};

class ByteStream {
  public:
    ByteStream(Loop& loop, StreamGroup& group, Socket socket);
    ~ByteStream();
    ByteStream(const ByteStream&) = delete;
    ByteStream& operator=(const ByteStream&) = delete;

    // Read and not used yet. The user erases from the front.
    [[nodiscard]] std::string& buffer() noexcept;
    // Appends what is there, at most `max` bytes, without waiting. False: nothing is there now, or the stream
    // ended.
    bool read_now(std::size_t max);
    // Appends at least one byte and at most `max`. `closed`: the peer has closed, or it is broken.
    [[nodiscard]] Task<Io> read(std::size_t max, Duration timeout);
    // TLS, where the socket has it and has not begun; `timeout` is for all of it. `closed`: it failed, or the
    // peer went.
    [[nodiscard]] Task<Io> handshake(Duration timeout);
    // Waits until there is something to read, without taking it.
    [[nodiscard]] Task<Io> readable(Duration timeout);
    // Writes all of it; `timeout` is for each wait, so that a slow peer that moves is fine. Bytes are counted
    // as they go.
    [[nodiscard]] Task<Io> write(std::span<const std::string_view> pieces, Duration timeout);
    [[nodiscard]] Task<Io> write(std::string_view bytes, Duration timeout);
    // For a socket that begin_connect() gave: waits for the outcome.
    [[nodiscard]] Task<Io> connected(Duration timeout);

    // Calls back once, when the peer closes (true) or sends something (false), unless unwatch() came before.
    // From the loop, never from within watch().
    void watch(std::function<void(bool closed)> happened);
    void unwatch();
    // Ends the wait that is going on, if any.
    void interrupt();
    // From now on the peer counts as gone, for whoever waits and for all that follows.
    void abort();
    // The peer must not take what it has got for the whole.
    void spoil() noexcept;

    // True when the stream ended by a reset, not by the peer's FIN: what came may not be all.
    [[nodiscard]] bool broken() const noexcept;
    // True while the peer has neither closed nor sent anything: fit for another request.
    [[nodiscard]] bool quiet() const;
    // No more writing; the peer sees the end behind the last byte.
    void finish_writing();
    // Leaves the stream.
    [[nodiscard]] Socket release();
    [[nodiscard]] const Socket& socket() const noexcept;
    [[nodiscard]] std::uint64_t bytes_written() const noexcept;

  private:
    friend class StreamGroup;
    struct Impl;
    StreamGroup* group_;          // null: it went before us
    std::shared_ptr<Impl> impl_;  // waits that nobody wants any more hold it weakly
};

}  // namespace forestay::net
