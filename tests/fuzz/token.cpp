// Credentials and origins from anybody. The first byte says what the rest is; where a signature would keep
// the fuzzer out, the rest is signed here, so that what lies behind it is reached, too.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/auth/authenticator.h"
#include "proxy/auth/jwk.h"
#include "proxy/auth/origin.h"
#include "proxy/auth/protected_path.h"
#include "proxy/auth/static_token.h"
#include "tests/auth/make_credential.h"

using namespace forestay::auth;

namespace {

constexpr std::int64_t now = 1'767'225'600;
const std::string secret = "0123456789abcdef0123456789abcdef";

void require(bool holds) {
    if (!holds) std::abort();
}

void require_plain(std::string_view text, std::size_t max_bytes) {
    require(!text.empty() && text.size() <= max_bytes);
    for (const char c : text) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

const Authenticator& authenticator() {
    static const Authenticator made = [] {
        AuthOptions options;
        FlaskSessionOptions flask;
        flask.secret_keys = {"new", "old"};
        flask.identity = "/a/0/b";
        StarletteSessionOptions starlette;
        starlette.secret_keys = {"new"};
        JwtOptions jwt;
        jwt.algorithms = {"HS256"};
        jwt.secret = secret;
        TokenOptions token;
        token.sha256 = {std::string(64, '0')};
        options.any_of = {flask, starlette, jwt, token};
        options.from.query = {"token"};
        options.from.protocol = {"bearer"};
        options.from.connect = {"token"};
        options.identity_headers = {{"X-User", "sub"}, {"X-A", "/a"}};
        std::vector<std::string> problems;
        Authenticator all(std::move(options), problems);
        require(problems.empty());
        return all;
    }();
    return made;
}

// A client that brings it all, at each place.
void check(const Presented& presented) {
    const auto identity = authenticator().check(presented, now);
    if (!identity) {
        require(identity.error().value() != 0);
        return;
    }
    require_plain(identity->subject, 256);
    require(!identity->expires || *identity->expires >= now);
    for (const auto& [header, value] : authenticator().identity_headers(*identity))
        require_plain(value, 1024);
}

void check_origin(std::string_view text) {
    static const OriginPolicy policy = [] {
        OriginOptions options;
        options.allowed = {"same-origin", "https://*.a.example", "https://**.b.example",
                           "http://localhost:*"};
        options.allowed_regex = {R"(https://pr-[0-9]+\.example)"};
        std::vector<std::string> problems;
        return OriginPolicy(options, problems);
    }();
    const auto split = text.find('\n');
    const auto origin = text.substr(0, split);
    const auto host = split == text.npos ? "a.example" : text.substr(split + 1);
    const auto verdict = policy.check({.origin = {origin},
                                       .scheme = "https",
                                       .host = host,
                                       .ambient_credential = true,
                                       .safe_read = false});
    const auto canonical = canonical_origin(origin);
    require((verdict == OriginVerdict::malformed) == (!canonical && origin != "null"));
    if (canonical) {
        require(canonical_origin(*canonical) == canonical);
        require_plain(*canonical, 512);
    }
    for (const auto& [name, value] : policy.preflight_headers(origin, "GET, POST, OPTIONS"))
        require_plain(value, 512);
}

// Lines: header, cookie, query, first and second subprotocol, CONNECT payload.
void check_places(std::string_view text) {
    std::string_view line[6];
    for (auto& one : line) {
        one = text.substr(0, text.find('\n'));
        text.remove_prefix(one.size() < text.size() ? one.size() + 1 : one.size());
    }
    Presented presented;
    presented.authorization = {line[0]};
    presented.cookie = line[1];
    presented.query = line[2];
    presented.protocols = {line[3], line[4]};
    presented.connect_payload = line[5];
    check(presented);
}

void check_cookie(const std::string& value) {
    const auto header = "session=" + value;
    Presented presented;
    presented.cookie = header;
    presented.connect_payload = "{}";  // nothing more to come
    check(presented);
}

void check_bearer(const std::string& token) {
    const auto header = "Bearer " + token;
    Presented presented;
    presented.authorization = {header};
    check(presented);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'o':
            check_origin(rest);
            break;
        case 'p':
            check_places(rest);
            break;
        case 'c':
            check_cookie(rest);
            break;
        case 'f':
            check_cookie(flask_cookie("old", rest, now));
            break;
        case 'z':
            check_cookie(sign_flask("new", '.' + encode_base64url(rest), now));
            break;
        case 's':
            check_cookie(sign_flask("new", rest, now));
            break;
        case 'r':
            check_cookie(sign_starlette("new", rest, now));
            break;
        case 'y':
            check_cookie(starlette_cookie("new", rest, now));
            break;
        case 'n': {
            std::vector<std::string> problems;
            TokenOptions options;
            options.sha256 = {rest};
            const StaticTokens tokens(options, problems);
            require(problems.size() <= 1);
            break;
        }
        case 'j':
            check_bearer(rest);
            break;
        case 't':
            check_bearer(hs256(secret, rest));
            break;
        case 'h':
            check_bearer(hs256(secret, R"({"exp":1767225700,"sub":"a"})", rest));
            break;
        case 'k':
            (void)parse_jwks(rest);
            break;
        case 'u':
            (void)is_protected(rest, {"/socket.io/", "/ws"});
            break;
        case 'e': {
            std::string problem;
            require(parse_pem_public_key(rest, problem).has_value() == problem.empty());
            break;
        }
        default:
            break;
    }
    return 0;
}
