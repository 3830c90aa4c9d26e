#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "proxy/net/tls_context.h"

namespace forestay::net {
namespace {

TlsResult of_verification(long why, bool server) {
    switch (why) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return TlsResult::name_mismatch;
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return TlsResult::expired;
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return TlsResult::certificate_unknown_ca;
        default:
            return server ? TlsResult::client_certificate_bad : TlsResult::other;
    }
}

// `server`: we are.
TlsResult of_reason(int reason, bool server) {
    switch (reason) {
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_NO_SUITABLE_KEY_SHARE:
        case SSL_R_NO_SUITABLE_GROUPS:
        case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
            return TlsResult::no_shared_cipher;
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW:
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_NO_PROTOCOLS_AVAILABLE:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
            return TlsResult::unsupported_version;
        case SSL_R_HTTP_REQUEST:
        case SSL_R_HTTPS_PROXY_REQUEST:
            return TlsResult::plain_http;
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            return TlsResult::client_certificate_missing;
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
            return TlsResult::certificate_unknown_ca;
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
            return TlsResult::expired;
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
            // Browsers say so of a CA that they do not know.
            return server ? TlsResult::certificate_unknown_ca : TlsResult::client_certificate_bad;
        case SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return TlsResult::closed;
        default:
            return TlsResult::other;
    }
}

}  // namespace

TlsError handshake_error(ssl_st* ssl, int rc) {
    const int saved = errno;
    const int kind = SSL_get_error(ssl, rc);
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) {
        const bool failed = kind == SSL_ERROR_SYSCALL && saved != 0;
        return {TlsResult::closed, failed ? std::strerror(saved) : "closed by the other side"};
    }
    const bool server = SSL_is_server(ssl) == 1;
    const int reason = ERR_GET_REASON(code);
    const long verdict = SSL_get_verify_result(ssl);
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return {of_verification(verdict, server),
                std::string("its certificate: ") + X509_verify_cert_error_string(verdict)};
    const char* text = ERR_reason_error_string(code);
    return {ERR_GET_LIB(code) == ERR_LIB_SSL ? of_reason(reason, server) : TlsResult::other,
            text != nullptr ? text : "error " + std::to_string(code)};
}

auth::Certificate peer_certificate(ssl_st* ssl) {
    X509* certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr) return {};
    auth::Certificate out = auth::certificate_facts(certificate);
    out.verified = SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE && SSL_get_verify_result(ssl) == X509_V_OK;
    return out;
}

}  // namespace forestay::net
