#include "proxy/net/tls_profile.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <sstream>

#include "proxy/auth/certificate.h"

namespace forestay::net {
namespace {

constexpr std::size_t file_bytes_max = 1 << 20;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using X509Handle = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyHandle = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio reading(const std::string& text) {
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

X509Handle next_certificate(BIO* from) {
    return {PEM_read_bio_X509(from, nullptr, nullptr, nullptr), &X509_free};
}

}  // namespace

TlsContext make_tls_context(const SSL_METHOD* method, std::string_view min_version) {
    TlsContext made(SSL_CTX_new(method));
    if (!made) throw std::bad_alloc();
    SSL_CTX* context = made.get();
    SSL_CTX_set_min_proto_version(context, min_version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, 0);
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_cipher_list(context,
                            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                            "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                            "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305");
    SSL_CTX_set_ciphersuites(context,
                             "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // An end without close_notify is an attack on plain websockets and responses without length: told apart.
    SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    // An idle connection shall cost little, and a write of a part is fine.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    ERR_clear_error();
    return made;
}

std::optional<std::string> read_tls_file(const std::string& path, std::vector<std::string>& problems) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text(file_bytes_max + 1, '\0');
    if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.is_open() || file.bad() || (file.gcount() == 0 && errno != 0)) {
        problems.push_back("cannot read " + path + ": " + std::strerror(errno));
        return std::nullopt;
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() <= file_bytes_max) return text;
    problems.push_back("cannot read " + path + ": larger than 1 MiB");
    return std::nullopt;
}

std::string take_openssl_error() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "error " + std::to_string(code);
}

bool use_certificate(SSL_CTX& context, const std::string& cert_file, const std::string& cert_pem,
                     const std::string& key_file, const std::string& key_pem,
                     std::vector<std::string>& problems) {
    std::string problem;
    if (!auth::read_certificate(cert_pem, problem)) {
        problems.push_back(cert_file + ' ' + problem);
        return false;
    }
    problem = auth::check_private_key(cert_pem, key_pem);
    if (!problem.empty()) {
        problems.push_back(key_file + ' ' + problem);
        return false;
    }
    const Bio chain = reading(cert_pem);
    const X509Handle own = next_certificate(chain.get());
    bool good = SSL_CTX_use_certificate(&context, own.get()) == 1;
    while (good) {
        const X509Handle issuer = next_certificate(chain.get());
        if (!issuer) break;
        good = SSL_CTX_add1_chain_cert(&context, issuer.get()) == 1;
    }
    if (good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) ERR_clear_error();
    const KeyHandle key(PEM_read_bio_PrivateKey(reading(key_pem).get(), nullptr, nullptr, nullptr),
                        &EVP_PKEY_free);
    good = good && ERR_peek_error() == 0 && SSL_CTX_use_PrivateKey(&context, key.get()) == 1;
    if (!good) problems.push_back(cert_file + " cannot be used: " + take_openssl_error());
    return good;
}

bool trust(SSL_CTX& context, const std::string& ca_file, const std::string& ca_pem,
           std::vector<std::string>& problems) {
    X509_STORE* store = SSL_CTX_get_cert_store(&context);
    const Bio authorities = reading(ca_pem);
    bool any = false;
    while (const X509Handle authority = next_certificate(authorities.get())) {
        any = X509_STORE_add_cert(store, authority.get()) == 1 || any;
        SSL_CTX_add_client_CA(&context, authority.get());
    }
    ERR_clear_error();
    if (!any) problems.push_back(ca_file + " has no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
    return any;
}

}  // namespace forestay::net
