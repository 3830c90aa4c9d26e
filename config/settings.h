// Putting trees together: what a file includes, what flags set.
#pragma once

#include <string_view>

#include "config/problem.h"
#include "config/yaml_tree.h"

namespace forestay::config {

// `upstream: URL`, or a list of them, is short for `upstream: {url: ...}`; the rest of the program sees only
// the latter.
void write_out_shorthand(Node& root);

// Lays `over` over `under`: maps are merged, everything else is replaced; but of `requests` both remain,
// those of `over` first, because the first rule that matches wins; and of `websockets` both, but those of
// `under` whose path `over` has too.
[[nodiscard]] Node merge(Node under, Node over);

// Puts `value` at a dotted path, making maps on the way; numbers are indices into lists, one behind the last
// appends.
void set_value(Node& root, std::string_view path, Node value, Problems& problems);

}  // namespace forestay::config
