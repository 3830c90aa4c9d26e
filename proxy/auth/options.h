// What the guard is told: who may come from where, and how they prove who they are. Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proxy/auth/digest.h"

namespace forestay::auth {

// How a method's identity is found in what it verified: a JSON Pointer ("/_user_id", "/sub").
struct FlaskSessionOptions {
    std::vector<std::string> secret_keys;  // newest first; all are tried
    std::string identity = "/_user_id";
    std::chrono::seconds max_age{2'678'400};  // PERMANENT_SESSION_LIFETIME
    std::chrono::seconds clock_skew{5};
    // What an app may have changed in its SecureCookieSessionInterface.
    std::string salt = "cookie-session";
    Digest digest = Digest::sha1;
};

struct StarletteSessionOptions {
    std::vector<std::string> secret_keys;  // newest first; all are tried
    std::string identity = "/user";
    std::chrono::seconds max_age{1'209'600};  // SessionMiddleware's max_age
    std::chrono::seconds clock_skew{5};
};

struct JwtOptions {
    std::vector<std::string> algorithms;  // HS, RS, PS and ES with 256, 384 and 512; EdDSA
    std::string secret;                   // HS*: the raw key, at least 32 bytes
    std::string jwks;                     // the others: a JWKS document (JSON)
    std::string jwks_file;                // where that came from; empty: it stays as it is
    std::string jwks_url;                 // or where it is to be had: keys come later, by replace_keys
    std::string jwks_ca_file;             // whom to trust there; empty: the system's authorities
    std::chrono::seconds jwks_max_stale{86'400};  // how long keys are good that cannot be fetched anew
    bool start_degraded = false;                  // without keys of jwks_url, too
    std::string public_key;                       // or one PEM public key
    std::string issuer;                           // exact; empty: not checked
    std::vector<std::string> audience;            // any of them; empty: not checked
    std::chrono::seconds leeway{30};
    std::optional<std::chrono::seconds> max_token_age;  // since `iat`, which then must be there
    std::string require_typ;                            // of the header ("at+jwt"); empty: not checked
    // Claim or JSON Pointer -> what it must be, or have among its words or elements: {scope, chat}.
    std::vector<std::pair<std::string, std::string>> required_claims;
    std::string identity = "/sub";
};

struct TokenOptions {
    // Of each accepted token "HASH [name=NAME] [expires=YYYY-MM-DD]": its SHA-256 in hex, the identity it
    // gives, and the day, in UTC, from which it is not valid any more.
    std::vector<std::string> sha256;
    std::string subject = "token";  // the identity of those without a name
};

// Another server judges the whole request (nginx's auth_request, Traefik's forwardAuth). Asked when no other
// method yields an identity.
struct ForwardOptions {
    std::string url;
    std::chrono::milliseconds timeout{1'000};
    std::vector<std::string> copy_headers;  // of its answer, for the app
    std::string identity;  // the header of its answer that names the user; empty: the first of copy_headers
    std::chrono::seconds recheck{300};  // of live sessions
    bool interactive = false;           // its redirects go to who asks for a page
};

// Of the client's TLS handshake. The first name of the kind is the identity.
struct ClientCertificateOptions {
    enum class Name : std::uint8_t { san_uri, san_dns, san_email, common_name };
    Name identity = Name::san_uri;
};

using Method = std::variant<FlaskSessionOptions, StarletteSessionOptions, JwtOptions, TokenOptions,
                            ClientCertificateOptions>;

// Where a credential may be. The names of headers, query parameters, cookies, subprotocol markers, CONNECT
// fields.
struct Sources {
    std::vector<std::string> header{"authorization"};
    std::vector<std::string> query;
    std::vector<std::string> cookie{"session"};
    std::vector<std::string> protocol;  // "bearer": Sec-WebSocket-Protocol: bearer, <token>
    std::vector<std::string> connect;   // fields of the Socket.IO CONNECT payload
};

enum class RefuseWith : std::uint8_t { connect_error, http };

// What becomes of a live session when its identity ends.
enum class OnExpiry : std::uint8_t { close, warn, ignore };

struct AuthOptions {
    std::vector<std::string> protect;       // path prefixes; empty: nothing is protected
    std::vector<Method> any_of;             // the first that yields an identity wins
    std::optional<ForwardOptions> forward;  // one more
    Sources from;
    RefuseWith refuse_with = RefuseWith::connect_error;
    OnExpiry on_expiry = OnExpiry::close;
    // Header to the upstream -> JSON Pointer or claim name of the identity ("sub" means /sub).
    std::vector<std::pair<std::string, std::string>> identity_headers;
};

enum class MissingOrigin : std::uint8_t { automatic, always, never };

struct OriginOptions {
    // "same-origin", "*", exact origins, https://*.example.com, http://localhost:*
    std::vector<std::string> allowed{"same-origin"};
    std::vector<std::string> allowed_regex;  // RE2, matched against the whole canonical origin
    MissingOrigin allow_missing = MissingOrigin::automatic;
    bool allow_credentials = true;
    bool dev = false;
    std::vector<std::string> allow_headers{"authorization", "content-type"};
};

}  // namespace forestay::auth
