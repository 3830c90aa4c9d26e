// JSONP: polling of EIO3 by browsers without CORS. The answer to a GET is a script that calls the page's
// callback with the payload; a POST is a form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forestay::wire::engineio {

// ___eio[7]("payload"); in ASCII alone: U+2028 and U+2029 would end a line in older JavaScript.
[[nodiscard]] std::string jsonp_answer(std::uint32_t index, std::string_view payload);

// The payload in a form's field `d`. Forms turn newlines into CRLF, so clients write \n for them, and \\n for
// what was \n before. Empty optional: there is no such field, or its escapes are broken.
[[nodiscard]] std::optional<std::string> payload_of_form(std::string_view form);

}  // namespace forestay::wire::engineio
