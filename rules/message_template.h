// A message that the configuration writes: a fallback, a status, an error. Placeholders are filled in for
// where they stand.
//
// A template is JSON. A string that is nothing but one placeholder becomes the value itself ("{{id}}" -> 7 or
// "x", the request's own bytes); inside a longer string the value is escaped text. So a rendered template is
// JSON by construction; compile() renders a sample and parses it all the same.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rules/code.h"

#include "proxy/wire/errc.h"

namespace forestay::rules {

// What placeholders stand for. All views, used during render() only. {{name}} for each, and {{/pointer}} for
// what a JSON Pointer finds in the request's body: `null` when it finds nothing.
struct TemplateValues {
    std::string_view
        id;  // raw JSON scalar: the request's id as it came; the ack id as a number; `null` for order
    std::string_view event;  // unescaped; the type of a JSON message
    std::string_view rule;
    std::chrono::milliseconds elapsed{0};  // {{elapsed_ms}}
    Code code = Code::timeout;             // {{code}}, {{reason}}
    unsigned attempt = 1;                  // how often the app was asked; 0: never
    std::size_t place = 0;                 // in line, from 1; {{waiting}} is its length
    std::size_t waiting = 0;
    std::string_view request;  // its body, for pointers
    std::string_view detail;   // {{detail}}: what a schema found wrong; else empty
};

class MessageTemplate {
  public:
    // Compiles JSON text with placeholders {{id}}, {{event}}, {{rule}}, {{elapsed_ms}}. On error `problem`
    // says which placeholder is unknown, unclosed, or stands where no value can be, and what is allowed.
    [[nodiscard]] static std::optional<MessageTemplate> compile(std::string_view json, std::string& problem);
    void render(std::string& out, const TemplateValues& values) const;
    // It has a {{/pointer}}: `request` is needed.
    [[nodiscard]] bool quotes_request() const noexcept { return quotes_request_; }

  private:
    enum class Placeholder : std::uint8_t { id, event, rule, elapsed_ms };
    struct Value {
        Placeholder what;
    };  // stands as a JSON value
    struct Inside {
        Placeholder what;
    };  // stands inside a string
    std::vector<std::variant<std::string, Value, Inside>> parts_;
    bool quotes_request_ = false;
};

}  // namespace forestay::rules
