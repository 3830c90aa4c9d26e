// Is a path under a protected prefix, however it is spelled?
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace forestay::auth {

// True when the path, as sent or as a server may come to read it (percent-decoded once, slashes merged, dot
// segments resolved), starts with one of the prefixes. "/socket.io/" covers "/socket.io" too. WSGI servers
// decode the path before the app sees it: "/%73ocket.io/" reaches the same app code as "/socket.io/", so it
// needs the same credential.
[[nodiscard]] bool is_protected(std::string_view path, const std::vector<std::string>& prefixes);

}  // namespace forestay::auth
