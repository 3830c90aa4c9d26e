// The marks that binary packets carry where their attachments belong.
#pragma once

#include <string_view>

namespace forestay::wire::socketio {

// True when the valid JSON `payload` holds {"_placeholder":true,"num":k} for each k below `attachments`
// exactly once, in either key order, and the key "_placeholder" nowhere else.
[[nodiscard]] bool has_exact_placeholders(std::string_view payload, unsigned attachments) noexcept;

}  // namespace forestay::wire::socketio
