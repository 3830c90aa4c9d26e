// The rules of a configuration, compiled: first match wins.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/message.h"
#include "rules/rule.h"

namespace forestay::rules {

// A rule as written: strings, not yet understood. Field names are those of the configuration. JSON is given
// as text.
struct ConditionSpec {
    std::string pointer;
    std::optional<std::string> equals{};  // raw JSON scalar
    std::vector<std::string> one_of{};    // the same
    std::optional<bool> exists{};
    std::optional<std::string> matches{};  // RE2
};
struct SignalSpec {
    std::vector<std::string> event;  // names; of a rule with match.type: types
    std::string id;                  // JSON Pointer; empty: the same as the request's
};
struct FallbackSpec {
    std::string event;                   // event form
    std::optional<std::string> ack;      // ack form: JSON array with placeholders
    std::optional<std::string> message;  // of a rule with match.type: the whole message
    std::string data;                    // event form: JSON with placeholders; empty: null
    [[nodiscard]] bool given() const { return !event.empty() || ack || message || !data.empty(); }
};
struct RuleSpec {
    std::string name;
    struct {
        std::string event;  // this or `type`
        std::string type;
        std::optional<std::string> nsp;
        std::optional<bool> ack;
        std::string path;
        std::vector<std::string> who;
        std::vector<ConditionSpec> where;
    } match;
    std::string schema;      // JSON; empty: none
    std::string id = "ack";  // "ack", "order" or a JSON Pointer
    SignalSpec answer, progress, partial;
    FallbackSpec fallback, abort;  // abort: `partial.fallback`
    Duration timeout{0};           // 0: not given; such a rule only checks its schema
    Duration idle_first{0}, idle_next{0};
    std::string late_answer = "drop";  // "drop", "deliver"; rename is late_rename
    std::optional<std::string> late_rename;
    std::string on_upstream_lost = "hold";  // "hold", "answer"
    bool repeatable = false;
    struct {
        std::vector<std::string> on;  // "upstream_lost", "timeout"; empty: there is no `retry`
        unsigned attempts = 1;
        Duration backoff{500};
    } retry;
    struct {
        Duration window{0};  // 0: there is no `repeat`
        std::string by = "id";
    } repeat;
    unsigned concurrency = 0;
    struct {
        bool given = false;
        unsigned max = 100;
        Duration timeout{30'000};
        FallbackSpec status;
        Duration status_every{1'000};
    } queue;
    struct {
        bool given = false;  // or one of the two that follow is
        unsigned failures = 0;
        double share = 0;  // failure_share
        unsigned minimum = 20;
        Duration window{30'000};
        Duration open{30'000};
    } breaker;
    Rate rate;
};

// One thing wrong with a specification. `field` is a path like "match.where" or "fallback.data".
struct Problem {
    std::size_t rule = 0;  // index into the specifications
    std::string field;
    std::string message;  // what is wrong and what to do
};

// What a message of the app may be to the requests of a rule.
enum class SignalKind : std::uint8_t { answer, progress, partial };
struct Hearing {
    std::uint32_t rule = 0;
    SignalKind kind{};
};

class RuleSet {
  public:
    RuleSet() = default;
    // Compiles all, reporting every problem. The result holds only rules without problems, so that a rule's
    // index is that of its specification only when there are none.
    [[nodiscard]] static RuleSet compile(const std::vector<RuleSpec>& specs, std::vector<Problem>& problems);

    [[nodiscard]] const std::vector<Rule>& rules() const noexcept { return rules_; }
    // The index of the first rule that is about this message of a client. One look-up by name decides that
    // none is, in most cases.
    [[nodiscard]] std::optional<std::size_t> match(const Message& message, const Peer& peer) const;
    // What a message of the app with this name may be, in the order of the rules. Cheap: asked for every one.
    [[nodiscard]] std::span<const Hearing> hearing(const Message& message) const;
    // There is a rule for messages of this dialect.
    [[nodiscard]] bool any(bool json) const noexcept { return json ? any_json_ : any_socketio_; }

  private:
    void add(Rule rule);

    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    template <class Value>
    using ByName = std::unordered_map<std::string, std::vector<Value>, Hash, std::equal_to<>>;

    std::vector<Rule> rules_;
    // By dialect: Socket.IO, JSON. Candidates of a name are its own rules and those for any, in order.
    ByName<std::uint32_t> requests_[2];
    std::vector<std::uint32_t> for_any_[2];
    ByName<Hearing> signals_[2];
    bool any_json_ = false, any_socketio_ = false;
};

// The request's id by a rule, as a key that equal ids share: strings unescaped, other scalars as written,
// told apart. Empty optional when the pointer finds no scalar, or one over 256 bytes; of a string its escapes
// do not count.
[[nodiscard]] std::optional<std::string> id_key(const wire::json::Pointer& pointer, std::string_view body);
// The raw JSON text of the same.
[[nodiscard]] std::optional<std::string_view> id_text(const wire::json::Pointer& pointer,
                                                      std::string_view body);

}  // namespace forestay::rules
