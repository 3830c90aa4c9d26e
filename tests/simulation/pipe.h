// One direction of a connection: bytes arrive in order, after the same latency, in pieces cut anywhere.
//
// The receiver may stop reading (hold), the network may stop delivering after some more bytes (freeze).
// Cutting takes its chances from a generator of its own and never moves bytes in time: the same conversation
// with other cuts must come to the same result.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "tests/simulation/random.h"
#include "tests/simulation/schedule.h"

namespace forestay::simulation {

class Pipe {
  public:
    using Bytes = std::function<void(std::string_view)>;
    using Ended = std::function<void()>;

    // `cuts`: cuts pieces; without it bytes arrive as they were written.
    Pipe(Schedule& schedule, std::chrono::microseconds latency, Random* cuts, Bytes bytes, Ended ended);

    // `read` is called when the last of these bytes is about to be handed over.
    void write(std::string_view bytes, std::function<void()> read = {});
    void finish();  // end of stream, behind what was written
    void cut();     // the connection is gone: nothing arrives any more
    void hold(bool on);
    // After `bytes` more, nothing for a while.
    void freeze(std::size_t bytes, std::chrono::microseconds duration);
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
    // What waits because the receiver does not read.
    [[nodiscard]] std::size_t held_back() const noexcept { return held_ ? waiting_ : 0; }

  private:
    struct Piece {
        TimePoint arrival;
        std::string bytes;
        std::size_t taken = 0;
        bool last = false;
        std::function<void()> read;
    };
    void pump();
    [[nodiscard]] bool stopped() const noexcept { return cut_ || held_ || (allowance_ && *allowance_ == 0); }
    void take_some(Piece& piece);

    Schedule& schedule_;
    std::chrono::microseconds latency_;
    Random* cuts_;
    Bytes bytes_;
    Ended ended_;
    std::deque<Piece> pieces_;
    std::size_t waiting_ = 0;
    std::optional<std::size_t> allowance_;
    std::uint64_t freezes_ = 0;
    bool held_ = false;
    bool cut_ = false;
    bool pumping_ = false;
};

}  // namespace forestay::simulation
