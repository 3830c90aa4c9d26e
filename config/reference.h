// The table of keys for readers: config/README.md for people, a JSON Schema for editors.
#pragma once

#include <string>

namespace forestay::config {

// The text of config/README.md; a test fails when the file is another.
[[nodiscard]] std::string reference_markdown();
// JSON Schema, draft 7: what editors complete and underline. The program itself checks more.
[[nodiscard]] std::string json_schema();

}  // namespace forestay::config
