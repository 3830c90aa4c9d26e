// A schema as it is checked. Private to Schema.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/pattern.h"
#include "rules/schema.h"

namespace forestay::rules {

// Types of JSON as bits. An integer is a number, too.
namespace json_type {
constexpr unsigned null = 1, boolean = 2, integer = 4, number = 8, string = 16, array = 32, object = 64;
constexpr unsigned any = 127;
}  // namespace json_type

struct SchemaScalar {
    std::string raw;
    std::optional<double> number;
};

struct SchemaBound {
    double value = 0;
    std::string text;  // as written, for people
};

struct Schema::Node {
    struct Member {
        std::unique_ptr<const Node> schema;   // none: any value
        std::optional<std::size_t> required;  // index in Node::required
    };
    unsigned types = json_type::any;
    std::string types_text;  // "a string or null"
    std::vector<SchemaScalar> one_of;
    std::string one_of_text;
    std::map<std::string, Member, std::less<>> members;
    std::vector<std::string> required;
    bool only_known_members = false;
    std::unique_ptr<const Node> items;
    std::optional<SchemaBound> minimum, maximum, min_length, max_length, min_items, max_items;
    Pattern pattern;
};

// Steps through the members of an array or object in valid JSON: each byte is looked at once.
class JsonMembers {
  public:
    explicit JsonMembers(std::string_view container) noexcept
        : rest_(container.substr(1)), object_(container.front() == '{') {}
    [[nodiscard]] bool next() noexcept;
    [[nodiscard]] std::string_view key() const noexcept { return key_; }  // of an object; a string literal
    [[nodiscard]] std::string_view value() const noexcept { return value_; }

  private:
    std::optional<std::string_view> take() noexcept;
    std::string_view rest_, key_, value_;
    bool object_;
};

// Of a raw JSON number; one out of range is 0 or infinite.
[[nodiscard]] double number_of(std::string_view raw);
// Of any raw JSON value: one bit, or two for an integer.
[[nodiscard]] unsigned types_of(std::string_view raw);

}  // namespace forestay::rules
