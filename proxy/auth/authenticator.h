// Credential -> identity or refusal. Pure: keys are given at construction, the time with each call.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/auth/certificate.h"
#include "proxy/auth/errc.h"
#include "proxy/auth/jwk.h"
#include "proxy/auth/options.h"

namespace forestay::auth {

// Who somebody is, and until when we believe it.
struct Identity {
    std::string subject;  // at most 256 bytes, no control characters
    // "flask_session", "starlette_session", "jwt", "token", "client_certificate", "forward"
    std::string method;
    std::optional<std::int64_t> expires;  // unix seconds, leeway included
    std::string claims;  // JSON object: the session's or the token's content; "{}" if there is none
    std::vector<std::pair<std::string, std::string>> fields{};  // what else the app is told: header -> value
};

// What a client brought. Views are read during the call only.
struct Presented {
    std::vector<std::string_view> authorization;  // values of the configured headers
    std::string_view cookie;                      // value of the Cookie header
    std::string_view query;                       // raw, without '?'
    std::vector<std::string_view> protocols;      // Sec-WebSocket-Protocol, split at commas, trimmed
    std::string_view connect_payload;             // JSON of a Socket.IO CONNECT, may be empty
    const Certificate* certificate = nullptr;     // of its TLS handshake; counts when it is verified
};

class VerdictCache;

// Where verdicts that were dear to come by are kept, and whose this one is.
struct Remembering {
    VerdictCache& verdicts;
    std::string_view client;  // its address, or what stands for it
};

class Authenticator {
  public:
    // `problems` gets one line per unusable option ("jwt: HS256 needs a secret of at least 32 bytes").
    Authenticator(AuthOptions options, std::vector<std::string>& problems);
    ~Authenticator();
    Authenticator(Authenticator&&) noexcept;

    [[nodiscard]] bool protects(std::string_view path) const;
    // True when a credential may come with the CONNECT packet, so that a handshake without one is let through
    // to it.
    [[nodiscard]] bool accepts_connect() const;
    // Looks at every configured place. errc::no_credential when there is none; errc::ambiguous when two
    // places bring different ones; else the most telling refusal of the methods that could judge it (expired
    // over malformed). Cookies come unasked: one that proves nothing is no second credential beside another,
    // and, while a credential may still come with CONNECT (accepts_connect() and no connect_payload yet),
    // none at all.
    // A client certificate comes unasked, too: it counts where nothing else proves anything.
    // With `remembering`, a JWT of a public key that has been good is good without being verified again,
    // until it expires and for 30 seconds at most (verdict_cache.h).
    [[nodiscard]] result<Identity> check(const Presented& presented, std::int64_t now_unix,
                                         const Remembering* remembering = nullptr) const;

    // The credential that was given on purpose, in whichever place; empty: none, or not one only.
    [[nodiscard]] std::string given(const Presented& presented) const;
    // A credential that was given on purpose and by itself, as for auth.refresh. Nothing is remembered.
    [[nodiscard]] result<Identity> check_credential(std::string_view credential, std::int64_t now_unix) const;

    // Of options().any_of[method], which is a jwt of a JWKS document: another document that would do, or null
    // and why not.
    [[nodiscard]] std::shared_ptr<const KeySet> read_keys(std::size_t method, std::string_view jwks,
                                                          std::string& problem) const;
    // The keys of its document from now on; null: its tokens get errc::no_keys. All that changes of this,
    // ever; from any thread, while others check.
    void replace_keys(std::size_t method, std::shared_ptr<const KeySet> keys) const;

    [[nodiscard]] const AuthOptions& options() const;
    // Header name -> value for the upstream: from identity_headers, and the identity's own.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> identity_headers(
        const Identity& identity) const;

  private:
    struct Impl;
    std::unique_ptr<const Impl> impl_;
};

}  // namespace forestay::auth
