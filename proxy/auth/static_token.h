// Static API tokens: random strings of at least 128 bits, known here by their SHA-256 only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/auth/errc.h"
#include "proxy/auth/options.h"

namespace forestay::auth {

class StaticTokens {
  public:
    // `problems` gets one line per entry that is no SHA-256 in hex.
    StaticTokens(const TokenOptions& options, std::vector<std::string>& problems);

    // errc{} when the token is one of them, else errc::unknown_token.
    [[nodiscard]] errc check(std::string_view token) const;

  private:
    std::vector<std::string> hashes_;  // 32 bytes each
};

}  // namespace forestay::auth
