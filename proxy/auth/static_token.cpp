#include "proxy/auth/static_token.h"

#include <optional>

#include "proxy/auth/digest.h"

namespace forestay::auth {
namespace {

constexpr std::size_t sha256_bytes = 32;

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> decode_sha256(std::string_view hex) {
    if (hex.size() != 2 * sha256_bytes) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int high = hex_digit(hex[i]);
        const int low = hex_digit(hex[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes.push_back(static_cast<char>(high << 4 | low));
    }
    return bytes;
}

}  // namespace

StaticTokens::StaticTokens(const TokenOptions& options, std::vector<std::string>& problems) {
    if (options.sha256.empty()) problems.push_back("token: sha256 must name at least one hash");
    for (std::size_t i = 0; i < options.sha256.size(); ++i) {
        // The entry itself is not shown: it may be the token, written where its hash should be.
        auto hash = decode_sha256(options.sha256[i]);
        if (hash) hashes_.push_back(std::move(*hash));
        if (!hash)
            problems.push_back("token: sha256 entry " + std::to_string(i + 1) + " is not 64 hex digits");
    }
}

errc StaticTokens::check(std::string_view token) const {
    const auto candidate = hash(Digest::sha256, token);
    // All entries, whichever matches: how long it takes says nothing about which one, or how nearly.
    unsigned matches = 0;
    for (const auto& entry : hashes_) matches += same_bytes(candidate, entry) ? 1U : 0U;
    return matches > 0 ? errc{} : errc::unknown_token;
}

}  // namespace forestay::auth
