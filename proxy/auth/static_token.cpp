#include "proxy/auth/static_token.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "proxy/auth/digest.h"
#include "proxy/auth/plain_text.h"

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

// The next word of `rest`, which loses it; empty: there is none.
std::string_view next_word(std::string_view& rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    const auto word = rest.substr(0, rest.find_first_of(" \t"));
    rest.remove_prefix(word.size());
    return word;
}

// Fills in the token, or says what is wrong. Words of ours only: what stands there may be the token itself,
// written where its hash should be.
std::string_view parse_entry(std::string_view line, StaticTokens::Token& token) {
    auto hash = decode_sha256(next_word(line));
    if (!hash) return "is not 64 hex digits";
    token.hash = std::move(*hash);
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
        const auto value = word.substr(std::min(word.find('=') + 1, word.size()));
        if (word.starts_with("name=")) {
            if (!is_plain(value, max_subject_bytes)) return "has a name that is empty, too long or not plain";
            token.name = value;
        } else if (word.starts_with("expires=")) {
            const auto begins = day_begins(value);
            if (!begins) return "expires on no day: expires=2027-01-31 is expected";
            token.last_valid = *begins - 1;
        } else {
            return "has more behind its hash than name=... and expires=...";
        }
    }
    return {};
}

}  // namespace

StaticTokens::StaticTokens(const TokenOptions& options, std::vector<std::string>& problems) {
    if (options.sha256.empty()) problems.push_back("token: sha256 must name at least one hash");
    for (std::size_t i = 0; i < options.sha256.size(); ++i) {
        Token token{{}, options.subject, std::nullopt};
        const auto problem = parse_entry(options.sha256[i], token);
        if (problem.empty())
            tokens_.push_back(std::move(token));
        else
            problems.push_back("token: sha256 entry " + std::to_string(i + 1) + ' ' + std::string(problem));
    }
}

result<const StaticTokens::Token*> StaticTokens::check(std::string_view token, std::int64_t now_unix) const {
    const auto candidate = hash(Digest::sha256, token);
    // All entries, whichever matches: how long it takes says nothing about which one, or how nearly.
    const Token* match = nullptr;
    for (const Token& entry : tokens_) match = same_bytes(candidate, entry.hash) ? &entry : match;
    if (match == nullptr) return errc::unknown_token;
    if (match->last_valid && now_unix > *match->last_valid) return errc::expired;
    return match;
}

std::string token_hash(std::string_view token) {
    std::string hex;
    for (const char c : hash(Digest::sha256, token)) {
        hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
        hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
    }
    return hex;
}

std::optional<std::int64_t> day_begins(std::string_view text) {
    const auto number = [&](std::size_t from, std::size_t count) -> unsigned {
        unsigned value = 0;
        const char* end = text.data() + from + count;
        const auto [parsed, problem] = std::from_chars(text.data() + from, end, value);
        return problem == std::errc{} && parsed == end ? value : 0;
    };
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(number(0, 4))),
                                          std::chrono::month(number(5, 2)), std::chrono::day(number(8, 2))};
    if (!day.ok() || number(0, 4) == 0) return std::nullopt;
    return std::chrono::seconds(std::chrono::sys_days(day).time_since_epoch()).count();
}

}  // namespace forestay::auth
