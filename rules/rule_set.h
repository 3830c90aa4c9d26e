// The rules of a configuration, compiled: first match wins.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/wire/socketio/packet.h"
#include "rules/rule.h"

namespace forestay::rules {

// A rule as written: strings, not yet understood. Field names are those of the configuration.
struct RuleSpec {
    std::string name;
    struct {
        std::string event;
        std::optional<std::string> nsp;
        std::optional<bool> ack;
        std::vector<std::pair<std::string, std::string>> where;  // JSON Pointer -> raw JSON scalar
    } match;
    std::string id = "ack";  // "ack", "order" or a JSON Pointer
    struct {
        std::vector<std::string> event;
        std::string id;  // JSON Pointer; empty: the same as the request's
    } answer;
    std::chrono::milliseconds timeout{0};
    struct {
        std::string event;               // event form
        std::optional<std::string> ack;  // ack form: JSON array with placeholders
        std::string data;                // event form: JSON with placeholders; empty: null
    } fallback;
    std::string late_answer = "drop";  // "drop", "deliver"; rename is late_rename
    std::optional<std::string> late_rename;
    std::string on_upstream_lost = "hold";  // "hold", "answer"
    bool repeatable = false;
    unsigned attempts = 0;  // retry.attempts on [upstream_lost]; 0: there is no `retry`
};

// One thing wrong with a specification. `field` is a path like "match.where" or "fallback.data".
struct Problem {
    std::size_t rule = 0;  // index into the specifications
    std::string field;
    std::string message;  // what is wrong and what to do
};

class RuleSet {
  public:
    RuleSet() = default;
    // Compiles all, reporting every problem. The result holds only rules without problems.
    [[nodiscard]] static RuleSet compile(const std::vector<RuleSpec>& specs, std::vector<Problem>& problems);

    [[nodiscard]] const std::vector<Rule>& rules() const noexcept { return rules_; }
    // The index of the first rule that tracks this client event.
    [[nodiscard]] std::optional<std::size_t> match(const wire::socketio::Packet& packet) const;
    // True when an event of this name may be an answer to some rule. Cheap: asked for every event of the
    // upstream.
    [[nodiscard]] bool may_answer(const wire::socketio::Packet& packet) const;

  private:
    std::vector<Rule> rules_;
    std::vector<std::string> answer_events_;  // sorted, unique
};

// The request's id by a rule, as a key that equal ids share: strings unescaped, other scalars as written,
// told apart. Empty optional when the pointer finds no scalar, or one over 256 bytes.
[[nodiscard]] std::optional<std::string> id_key(const wire::json::Pointer& pointer,
                                                const wire::socketio::Packet& packet);
// The raw JSON text of the same.
[[nodiscard]] std::optional<std::string_view> id_text(const wire::json::Pointer& pointer,
                                                      const wire::socketio::Packet& packet);

}  // namespace forestay::rules
