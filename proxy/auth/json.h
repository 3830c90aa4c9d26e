// Small JSON documents that we own the rules of: token headers and claims, session contents, key sets,
// CONNECT payloads. Never for event arguments: numbers beyond 64 bits and lone surrogates are refused here.
#pragma once

#include <simdjson.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace forestay::auth {

// A parsed JSON object. The elements handed out live as long as it does.
class JsonObject {
  public:
    // Empty optional when `text` is not exactly one JSON object in UTF-8, is nested deeper than 32, or has a
    // member twice at the top: two readers would pick different ones.
    [[nodiscard]] static std::optional<JsonObject> parse(std::string_view text);

    [[nodiscard]] simdjson::dom::element root() const noexcept { return root_; }
    // The member, or nothing.
    [[nodiscard]] std::optional<simdjson::dom::element> find(std::string_view name) const;

  private:
    JsonObject() = default;
    std::unique_ptr<simdjson::dom::parser> parser_;
    simdjson::dom::element root_;  // an object
};

[[nodiscard]] std::optional<std::string_view> as_string(simdjson::dom::element element);

// Flask writes what JSON lacks as an object with one "tag" member: {" t": [1, 2]} is a tuple, {" u": "<hex>"}
// a UUID.
enum class Tags : bool { none, flask };

// The text of what a JSON Pointer (RFC 6901) points at: a string as it is, an integer in decimal, a UUID with
// dashes. Empty optional when there is nothing, or nothing with a text.
[[nodiscard]] std::optional<std::string> text_at(const JsonObject& object, std::string_view pointer,
                                                 Tags tags);

}  // namespace forestay::auth
