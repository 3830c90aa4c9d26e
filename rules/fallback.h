// The configured answer to a stalled request, with placeholders filled in for where they stand.
//
// A template is JSON. A string that is nothing but one placeholder becomes the value itself ("{{id}}" -> 7 or
// "x", the request's own bytes); inside a longer string the value is escaped text. So a rendered template is
// JSON by construction; compile() renders a sample and parses it all the same.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proxy/wire/errc.h"

namespace forestay::rules {

// What placeholders stand for. All views, used during render() only.
struct FallbackValues {
    std::string_view
        id;  // raw JSON scalar: the request's id as it came; the ack id as a number; `null` for order
    std::string_view event;  // unescaped
    std::string_view rule;
    std::chrono::milliseconds elapsed{0};
};

class FallbackTemplate {
  public:
    // Compiles JSON text with placeholders {{id}}, {{event}}, {{rule}}, {{elapsed_ms}}. On error `problem`
    // says which placeholder is unknown, unclosed, or stands where no value can be, and what is allowed.
    [[nodiscard]] static std::optional<FallbackTemplate> compile(std::string_view json, std::string& problem);
    void render(std::string& out, const FallbackValues& values) const;

  private:
    enum class Placeholder : std::uint8_t { id, event, rule, elapsed_ms };
    struct Value {
        Placeholder what;
    };  // stands as a JSON value
    struct Inside {
        Placeholder what;
    };  // stands inside a string
    std::vector<std::variant<std::string, Value, Inside>> parts_;
};

// Either an event (`event` not empty, data is its one argument) or an ack (data is the array of its values).
struct Fallback {
    std::string event;  // empty: ack
    FallbackTemplate data;
};

}  // namespace forestay::rules
