// Which web pages may talk to us (RFC 6454; cross-site WebSocket hijacking).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/auth/options.h"

namespace forestay::auth {

// scheme "://" lower(host) [":" port], default ports removed. Empty optional when `text` is no single origin:
// a list, a path, user info, an empty or too large or zero-led port, non-ASCII, "null".
[[nodiscard]] std::optional<std::string> canonical_origin(std::string_view text);

enum class OriginVerdict : std::uint8_t { allowed, mismatch, null, missing, malformed };
[[nodiscard]] std::string_view name(OriginVerdict verdict) noexcept;

// The facts of a request that the verdict needs.
struct OriginRequest {
    std::vector<std::string_view> origin;  // every Origin header
    std::string_view scheme;          // "http" or "https", as the browser saw it (trusted proxies considered)
    std::string_view host;            // Host as the browser sent it (trusted proxies considered)
    bool ambient_credential = false;  // a Cookie header or a client certificate is there
    bool safe_read = false;           // a plain GET: same-origin polling sends no Origin
};

class OriginPolicy {
  public:
    OriginPolicy(const OriginOptions& options, std::vector<std::string>& problems);
    ~OriginPolicy();
    OriginPolicy(OriginPolicy&&) noexcept;

    [[nodiscard]] OriginVerdict check(const OriginRequest& request) const;
    // The CORS headers of an answer to an allowed request ("Access-Control-Allow-Origin" first), and always
    // Vary.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> answer_headers(
        std::string_view origin) const;
    // Those of a preflight's answer (204). `methods`: a list, as the header has it.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> preflight_headers(
        std::string_view origin, std::string_view methods) const;

  private:
    struct Impl;
    std::unique_ptr<const Impl> impl_;
};

}  // namespace forestay::auth
