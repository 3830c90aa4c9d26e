// A line of cors.allowed_origins that stands for more than one origin.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace forestay::auth {

// https://*.example.com    exactly one label before the rest, not the rest itself
// https://**.example.com   one label or more
// http://localhost:*       any port; localhost, 127.0.0.1 and [::1] only
class OriginPattern {
  public:
    // Empty optional when `text` is none of these forms.
    [[nodiscard]] static std::optional<OriginPattern> parse(std::string_view text);
    [[nodiscard]] static OriginPattern any_port(std::string scheme_and_host);
    [[nodiscard]] bool matches(std::string_view canonical_origin) const;

  private:
    enum class Kind { one_label, labels, any_port };
    Kind kind_ = Kind::any_port;
    std::string head_;  // "https://"; any_port: "http://localhost"
    std::string tail_;  // ".example.com", ".example.com:8443"; any_port: empty
};

// ws:// and wss:// as people write them in an origin list mean the pages' http:// and https://.
[[nodiscard]] std::string page_scheme(std::string_view origin);

}  // namespace forestay::auth
