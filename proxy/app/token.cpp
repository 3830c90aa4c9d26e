#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>

#include "proxy/app/commands.h"
#include "proxy/auth/credentials.h"
#include "proxy/auth/plain_text.h"
#include "proxy/auth/secret.h"
#include "proxy/auth/static_token.h"

namespace forestay::app {
namespace {

// What secret scanners can look for.
constexpr const char* prefix = "fst_";
constexpr std::size_t random_bytes = 24;  // 192 bits, and a multiple of 3: base64 without padding

std::string make_token() {
    std::array<unsigned char, random_bytes> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        throw std::runtime_error("RAND_bytes failed");
    std::array<unsigned char, random_bytes / 3 * 4 + 1> text{};
    const int size = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
    std::string token(prefix);
    for (int i = 0; i < size; ++i) {
        const char c = static_cast<char>(text[static_cast<std::size_t>(i)]);
        token += c == '+' ? '-' : c == '/' ? '_' : c;
    }
    return token;
}

// Empty: fine.
std::string problem_of(const TokenFacts& facts) {
    const bool plain = facts.name.empty() || (auth::is_plain(facts.name, auth::max_subject_bytes) &&
                                              facts.name.find_first_of(" \t") == std::string::npos);
    if (!plain) return "--name: 1 to 256 bytes without blanks and control characters are expected";
    if (!facts.expires.empty() && !auth::day_begins(facts.expires))
        return "--expires: a day such as 2027-01-31 is expected";
    return "";
}

std::string line_of(const std::string& token, const TokenFacts& facts) {
    std::string line = auth::token_hash(token);
    if (!facts.name.empty()) line += " name=" + facts.name;
    if (!facts.expires.empty()) line += " expires=" + facts.expires;
    return line;
}

int refuse(const std::string& problem) {
    std::fprintf(stderr, "forestay: %s\n", problem.c_str());
    return bad_usage;
}

// The first line of standard input, without its end; empty when it is too long for a token, too.
std::string read_token() {
    std::string token;
    for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar()) {
        token += static_cast<char>(c);
        if (token.size() > auth::max_credential_bytes) return "";
    }
    if (token.ends_with('\r')) token.pop_back();
    return token;
}

}  // namespace

int new_token(const TokenFacts& facts) {
    if (const std::string problem = problem_of(facts); !problem.empty()) return refuse(problem);
    std::string token = make_token();
    std::printf("%s\n%s\n", token.c_str(), line_of(token, facts).c_str());
    auth::wipe(token);
    if (facts.quiet) return fine;
    std::fputs(
        "The first line is the token: give it to its user, it is shown this once only.\n"
        "The second line is for forestay: put it into the file that auth.any_of[].token.sha256_file names.\n",
        stderr);
    return fine;
}

int hash_token(const TokenFacts& facts) {
    if (const std::string problem = problem_of(facts); !problem.empty()) return refuse(problem);
    std::string token = read_token();
    if (token.empty()) return refuse("token hash: a token is expected on standard input, of at most 16 KiB");
    std::printf("%s\n", line_of(token, facts).c_str());
    auth::wipe(token);
    return fine;
}

}  // namespace forestay::app
