// What TLS is told. Plain values, filled by the configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace forestay::net {

struct TlsServerOptions {
    struct Pair {
        std::string cert_file;  // the certificate and what stands between it and its CA, as PEM
        std::string key_file;   // PEM, without a passphrase
    };
    std::vector<Pair> certificates;   // at least one; the first is for clients that name no other
    std::string min_version = "1.2";  // or 1.3
    std::string client_ca_file;       // PEM; needed unless client_certificates is off
    // optional: a client may come without one, but not with a bad one.
    enum class ClientCertificates : std::uint8_t { off, optional, required };
    ClientCertificates client_certificates = ClientCertificates::off;
};

struct TlsClientOptions {
    std::string ca_file;      // PEM; empty: the CAs that the system trusts
    std::string server_name;  // what the certificate must say: a host name, or an IP address
    std::string cert_file;    // PEM, for apps that ask for one; empty: none
    std::string key_file;
    bool verify = true;
    std::string min_version = "1.2";
};

}  // namespace forestay::net
