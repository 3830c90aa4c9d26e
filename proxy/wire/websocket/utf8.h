// UTF-8 validation, whole and incremental (RFC 3629).
#pragma once

#include <cstdint>
#include <string_view>

namespace forestay::wire::websocket {

// Validates text that arrives in pieces cut anywhere, also inside a character.
class Utf8Validator {
  public:
    // False as soon as the text so far cannot be the beginning of valid UTF-8; stays false.
    [[nodiscard]] bool feed(std::string_view piece) noexcept;
    // True when the text so far is whole: valid and not cut inside a character.
    [[nodiscard]] bool complete() const noexcept { return state_ == 0; }
    void reset() noexcept { state_ = 0; }

  private:
    std::uint32_t state_ = 0;
};

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace forestay::wire::websocket
