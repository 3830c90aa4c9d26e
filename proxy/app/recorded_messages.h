// Recorded messages, one JSON object in a line, for `forestay rules test`. Read one by one: a file may be of
// any size, a line not.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

namespace forestay::app {

struct RecordedMessage {
    enum class Kind : std::uint8_t {
        packet,        // of Socket.IO, without the digit of Engine.IO
        json,          // of a JSON websocket
        upstream_lost  // no message: the app has gone away
    };
    std::size_t line = 0;
    std::chrono::nanoseconds at{0};  // since the beginning; never less than the one before
    Kind kind{};
    bool from_client = false;
    std::string session;  // "" when none is named; of upstream_lost: all of them
    std::string who;      // subject of the client's identity
    std::string path;     // json: of the handshake
    std::string text;
};

class RecordedMessages {
  public:
    static constexpr std::size_t line_bytes = 8 << 20;

    // `in` outlives this.
    explicit RecordedMessages(std::istream& in) : in_(in) {}

    // The next one; none at the end, or when a line is bad: then problem() is not empty.
    [[nodiscard]] std::optional<RecordedMessage> next();
    // "3: what is wrong"
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

  private:
    bool read_line();
    bool parse(std::string_view json, RecordedMessage& message);
    bool fail(std::string_view what);

    std::istream& in_;
    std::string line_;
    std::size_t number_ = 0;
    std::chrono::nanoseconds last_{0};
    std::string problem_;
};

}  // namespace forestay::app
