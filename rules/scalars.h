// The strings and numbers in a JSON object, with where they are: what may be an id.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace forestay::rules {

struct Scalar {
    std::string pointer;    // to it, as in a rule
    std::string_view text;  // raw JSON
};

// In the first value of `body`, if that is an object: members of members to `depth`, not through arrays, in
// the order in which they stand. At most `most`, and not beyond the 256th member. Where the structure makes
// no sense it ends.
[[nodiscard]] std::vector<Scalar> scalars(std::string_view body, unsigned depth, std::size_t most);

}  // namespace forestay::rules
