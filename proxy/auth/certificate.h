// X.509 certificates: what they say of their holder, until when, and whether a private key is theirs.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct x509_st;

namespace forestay::auth {

// Names as the certificate has them (RFC 5280 4.2.1.6). One with control characters in it is left out: it
// would be read as another by somebody.
struct Certificate {
    std::vector<std::string> uris;
    std::vector<std::string> dns_names;
    std::vector<std::string> emails;
    std::string common_name;  // of the subject; the last one, when there are several
    std::chrono::system_clock::time_point not_before{};
    std::chrono::system_clock::time_point not_after{};
    bool verified = false;  // by a TLS handshake, against a CA that was told
};

// Not verified.
[[nodiscard]] Certificate certificate_facts(x509_st* certificate);

// The first certificate of a PEM text; nothing: `problem` says why, as the end of a sentence that begins with
// the file.
[[nodiscard]] std::optional<Certificate> read_certificate(std::string_view pem, std::string& problem);
// Both as PEM, the key without a passphrase. Empty: it is the certificate's own; else what is wrong.
[[nodiscard]] std::string check_private_key(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace forestay::auth
