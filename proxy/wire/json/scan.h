// JSON by scanning: find, check and copy pieces without building a tree (RFC 8259).
//
// What forestay inspects it forwards byte for byte: big numbers, duplicate keys and lone surrogates survive.
// Nothing here recurses; depth is a counter with a bound.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/wire/errc.h"

namespace forestay::wire::json {

constexpr std::size_t max_depth = 64;  // nesting of arrays and objects

// Checks that `text` is exactly one JSON value, with white space around it allowed. errc::bad_json,
// errc::json_too_deep. NaN and Infinity are not JSON; 1e400 and lone surrogate escapes are.
[[nodiscard]] boost::system::error_code validate(std::string_view text,
                                                 std::size_t depth = max_depth) noexcept;

// The raw text of the first value in `text` (leading white space skipped); what follows it is not looked at.
// Structure is followed, not validated: give it validated text, or expect nullopt or a wrong piece, never a
// crash.
[[nodiscard]] std::optional<std::string_view> first_value(std::string_view text) noexcept;

// The raw text of element `index` of the array `array`.
[[nodiscard]] std::optional<std::string_view> element(std::string_view array, std::size_t index) noexcept;

// The same, and all that follows it: enough for Pointer::find, and cheaper, as the element need not be
// walked.
[[nodiscard]] std::optional<std::string_view> from_element(std::string_view array,
                                                           std::size_t index) noexcept;

// The raw text of the member `name` (unescaped) of the object `object`; the first of duplicates.
[[nodiscard]] std::optional<std::string_view> member(std::string_view object, std::string_view name) noexcept;

// A JSON Pointer (RFC 6901), parsed once. "" is the whole value.
class Pointer {
  public:
    Pointer() = default;
    // Empty optional when `text` is neither empty nor starts with '/', or has a bad '~' escape.
    [[nodiscard]] static std::optional<Pointer> parse(std::string_view text);
    // The raw text of what this points at inside the first value of `value`; the first of duplicate keys, as
    // a scanner sees it. What follows that value is not looked at.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view value) const noexcept;
    // A key on the way stands twice in its object: others may find something else there.
    [[nodiscard]] bool is_ambiguous(std::string_view value) const noexcept;
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    friend bool operator==(const Pointer& a, const Pointer& b) { return a.text_ == b.text_; }

  private:
    std::string text_;
    std::vector<std::string> tokens_;  // unescaped
};

// Content of a JSON string literal (quotes included in `literal`), escapes resolved to UTF-8; lone surrogates
// become U+FFFD. Empty optional when it is no string literal.
[[nodiscard]] std::optional<std::string> unescape(std::string_view literal);

// Appends `text` (UTF-8) as the inside of a JSON string literal, without the quotes. Controls are escaped;
// with ascii_only every other character too.
void append_escaped(std::string& out, std::string_view text, bool ascii_only = false);

// Copies JSON text with every non-ASCII character inside it written as \uXXXX.
void append_ascii(std::string& out, std::string_view json);

// Copies JSON text with each NaN, Infinity and -Infinity outside of strings as null; all else byte for byte.
// False, and nothing is written, when there is none: found out without a tree and at memory speed. What is
// otherwise no JSON stays so.
[[nodiscard]] bool write_finite(std::string& out, std::string_view text);

// True when the raw values mean the same scalar: strings are compared unescaped, others as text. "1" is not
// 1, and 1 is not 1.0.
[[nodiscard]] bool same_scalar(std::string_view a, std::string_view b);

}  // namespace forestay::wire::json
