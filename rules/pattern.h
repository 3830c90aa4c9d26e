// Regular expressions of the configuration: RE2, so that no text of a peer can make one run away.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace forestay::rules {

using Pattern = std::shared_ptr<const re2::RE2>;

// Null with a `problem` when RE2 does not understand it.
[[nodiscard]] Pattern compile_pattern(std::string_view text, std::string& problem);
// Anywhere in the raw JSON string `literal`, unescaped; false for every other value.
[[nodiscard]] bool matches(const Pattern& pattern, std::string_view literal);

}  // namespace forestay::rules
