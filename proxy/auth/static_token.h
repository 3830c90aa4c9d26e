// Static API tokens: random strings of at least 128 bits, known here by their SHA-256 only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/auth/errc.h"
#include "proxy/auth/options.h"

namespace forestay::auth {

class StaticTokens {
  public:
    struct Token {
        std::string hash;                        // 32 bytes
        std::string name;                        // the identity
        std::optional<std::int64_t> last_valid;  // the last second at which it is
    };

    // `problems` gets one line per entry that cannot be used.
    StaticTokens(const TokenOptions& options, std::vector<std::string>& problems);

    // Lives as long as this. errc::unknown_token, errc::expired.
    [[nodiscard]] result<const Token*> check(std::string_view token, std::int64_t now_unix) const;

  private:
    std::vector<Token> tokens_;
};

// SHA-256 in lower-case hex: what a configuration says instead of the token.
[[nodiscard]] std::string token_hash(std::string_view token);

// The first second of a day "2027-01-31" in UTC. Empty optional when there is no such day.
[[nodiscard]] std::optional<std::int64_t> day_begins(std::string_view text);

}  // namespace forestay::auth
