// What both sides' contexts have in common. For the files of TLS only: OpenSSL's own types.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forestay::net {

struct TlsContextFree {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, TlsContextFree>;

// Mozilla's intermediate profile. Throws std::bad_alloc.
[[nodiscard]] TlsContext make_tls_context(const SSL_METHOD* method, std::string_view min_version);

// At most 1 MiB; nothing: a line in `problems`.
[[nodiscard]] std::optional<std::string> read_tls_file(const std::string& path,
                                                       std::vector<std::string>& problems);

// The chain and its key; false: a line in `problems`.
bool use_certificate(SSL_CTX& context, const std::string& cert_file, const std::string& cert_pem,
                     const std::string& key_file, const std::string& key_pem,
                     std::vector<std::string>& problems);
// Whom to believe.
bool trust(SSL_CTX& context, const std::string& ca_file, const std::string& ca_pem,
           std::vector<std::string>& problems);

// The oldest error of this thread, and none is left.
[[nodiscard]] std::string take_openssl_error();

}  // namespace forestay::net
