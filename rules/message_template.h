// A message that the configuration writes: a fallback, a status, an error. Placeholders are filled in for
// where they stand.
//
// A template is JSON. A string that is nothing but one placeholder becomes the value itself ("{{id}}" -> 7 or
// "x", the request's own bytes); inside a longer string, and in a key, the value is escaped text. So a
// rendered template is JSON by construction; compile() renders a sample and parses it all the same.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/wire/json/scan.h"
#include "rules/code.h"

namespace forestay::rules {

// What placeholders stand for. All views, used during render() only. {{name}} for each, and {{/pointer}} for
// what a JSON Pointer finds in the request's body: `null`, or "" inside a longer string, when it finds
// nothing.
struct TemplateValues {
    std::string_view
        id;  // raw JSON scalar: the request's id as it came; the ack id as a number; empty or `null` for none
    std::string_view event;  // unescaped; the type of a JSON message
    std::string_view rule;
    std::chrono::milliseconds elapsed{0};  // {{elapsed_ms}}
    Code code = Code::timeout;             // {{code}}, {{reason}}
    unsigned attempt = 1;                  // how often the app was asked; 0: never
    std::size_t place = 0;                 // in line, from 1; {{waiting}} is its length
    std::size_t waiting = 0;
    std::string_view request{};  // its body, for pointers; what follows its first value is not looked at
    std::string_view detail{};   // what a schema found wrong; else empty
};

// What a template is for decides which placeholders mean something in it. Pointers do in all.
enum class Purpose : std::uint8_t {
    fallback,          // all but place, waiting and detail
    checked_fallback,  // of a rule with a schema: detail too
    status,            // of a place in line: place and waiting; not code, reason and detail
    error,             // of a JSON websocket: id, event, rule, code, reason, detail
    reply              // of a JSON websocket, to a ping: event
};

class MessageTemplate {
  public:
    // Compiles JSON text. On error `problem` says which placeholder is unknown, unclosed or has no meaning
    // here, and what is allowed.
    [[nodiscard]] static std::optional<MessageTemplate> compile(std::string_view json, std::string& problem,
                                                                Purpose purpose = Purpose::error);
    void render(std::string& out, const TemplateValues& values) const;
    // It has a {{/pointer}}: `request` is needed.
    [[nodiscard]] bool quotes_request() const noexcept { return quotes_request_; }

  private:
    enum class Word : std::uint8_t {
        id,
        event,
        rule,
        elapsed_ms,
        code,
        reason,
        attempt,
        place,
        waiting,
        detail,
        pointer
    };
    struct Part {
        std::string literal;          // in front of the value
        std::optional<Word> word;     // none: the end
        wire::json::Pointer pointer;  // Word::pointer
        bool inside = false;          // a string, and not alone in it
    };
    static std::optional<Part> parse(std::string_view name, Purpose purpose, std::string& problem);
    static std::string allowed(Purpose purpose);
    static bool has_meaning(Word word, Purpose purpose);
    static void append(std::string& out, const Part& part, const TemplateValues& values);

    std::vector<Part> parts_;
    bool quotes_request_ = false;
};

}  // namespace forestay::rules
