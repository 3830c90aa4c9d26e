// TLS as it is spoken here: with clients, and with the app. Contexts only; the handshake and the bytes are
// for those who have the socket.
//
// Mozilla's intermediate profile: TLS 1.2 with ECDHE and AEAD ciphers, and 1.3; X25519, P-256, P-384; no
// renegotiation, no compression, no early data. ALPN: http/1.1.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "proxy/auth/certificate.h"
#include "proxy/net/tls_options.h"
#include "proxy/net/tls_result.h"

struct ssl_st;
struct ssl_ctx_st;

namespace forestay::net {

struct TlsFree {
    void operator()(ssl_st* ssl) const noexcept;
};
using TlsHandle = std::unique_ptr<ssl_st, TlsFree>;

// Towards clients: certificates by name (SNI): exact names before wildcards of one label, the first
// certificate for everybody else. May be used by several threads at once. Connections keep what they began
// with, even if this is gone.
class TlsServer {
  public:
    // Reads the files; null: `problems` has a line for each of them, which names the file.
    [[nodiscard]] static std::shared_ptr<TlsServer> load(TlsServerOptions options,
                                                         std::vector<std::string>& problems);
    ~TlsServer();

    // In accept state, without descriptor. Null when there is no memory.
    [[nodiscard]] TlsHandle new_connection() const;

    // Reads the files again, for connections to come. Problems: what there was stays. Makes new ticket keys,
    // so that nobody resumes an earlier session; to be called every 12 hours for that alone.
    [[nodiscard]] std::vector<std::string> reload();

    // Of the certificate that expires first.
    [[nodiscard]] std::chrono::system_clock::time_point earliest_expiry() const;
    // For which there are certificates, in the order of these.
    [[nodiscard]] std::vector<std::string> names() const;
    // All that reload() reads.
    [[nodiscard]] std::vector<std::string> files() const;

  private:
    struct Impl;
    explicit TlsServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Towards one process of the app. May be used by several threads at once.
class TlsClient {
  public:
    // Null: as above.
    [[nodiscard]] static std::shared_ptr<TlsClient> load(const TlsClientOptions& options,
                                                         std::vector<std::string>& problems);
    ~TlsClient();

    // In connect state, without descriptor; the last session is resumed if the other side likes. Null when
    // there is no memory.
    [[nodiscard]] TlsHandle new_connection() const;

  private:
    struct Impl;
    explicit TlsClient(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

struct TlsError {
    TlsResult result = TlsResult::other;
    std::string text;  // for the log, one line
};
// Of a call that returned `rc` and failed for good; takes the thread's OpenSSL errors.
[[nodiscard]] TlsError handshake_error(ssl_st* ssl, int rc);

// After the handshake. None: no names, not verified.
[[nodiscard]] auth::Certificate peer_certificate(ssl_st* ssl);

}  // namespace forestay::net
