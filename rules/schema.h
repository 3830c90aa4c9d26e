// A small subset of JSON Schema, checked on the text without a tree.
//
//   type (one or a list), required, properties, items, enum, const, minLength, maxLength (characters),
//   minimum, maximum, minItems, maxItems, pattern (RE2, anywhere in the string), additionalProperties: false
//
// Anything else is an error of the configuration, but `title`, `description` and `$schema`, which say nothing
// to a checker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace forestay::rules {

class Schema {
  public:
    // From JSON. On error `problem` says what is not understood, and where ("/properties/mode/type: ...").
    [[nodiscard]] static std::optional<Schema> compile(std::string_view json, std::string& problem);

    // What is wrong with the first value of `text`, which is valid JSON: "/message_id is missing". Empty:
    // nothing. Names places and expectations, never values.
    [[nodiscard]] std::optional<std::string> problem(std::string_view text) const;

    struct Node;

  private:
    std::shared_ptr<const Node> root_;
};

}  // namespace forestay::rules
