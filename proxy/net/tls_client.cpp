#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <mutex>
#include <utility>

#include "proxy/net/tls_context.h"
#include "proxy/net/tls_profile.h"

namespace forestay::net {
namespace {

bool is_address(const std::string& host) {
    std::array<unsigned char, 16> bytes{};
    return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

// Lives as long as the context, and with that as long as the last connection.
struct LastSession {
    ~LastSession() { SSL_SESSION_free(session); }

    std::mutex mutex;
    SSL_SESSION* session = nullptr;
};

int last_session_index() {
    static const int index = SSL_CTX_get_ex_new_index(
        0, nullptr, nullptr, nullptr,
        [](void*, void* last, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<LastSession*>(last); });
    return index;
}

LastSession& last_session(SSL_CTX* context) {
    return *static_cast<LastSession*>(SSL_CTX_get_ex_data(context, last_session_index()));
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
    LastSession& last = last_session(SSL_get_SSL_CTX(ssl));
    const std::lock_guard lock(last.mutex);
    SSL_SESSION_free(std::exchange(last.session, session));
    return 1;  // the reference is ours
}

}  // namespace

struct TlsClient::Impl {
    TlsContext context;
    std::string server_name;
    bool verify = true;
};

TlsClient::TlsClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClient::~TlsClient() = default;

std::shared_ptr<TlsClient> TlsClient::load(const TlsClientOptions& options,
                                           std::vector<std::string>& problems) {
    auto impl = std::make_unique<Impl>();
    impl->context = make_tls_context(TLS_client_method(), options.min_version);
    impl->server_name = options.server_name;
    impl->verify = options.verify;
    SSL_CTX& context = *impl->context;
    const std::size_t before = problems.size();
    if (options.ca_file.empty()) {
        if (options.verify && SSL_CTX_set_default_verify_paths(&context) != 1)
            problems.push_back("the system's CAs: " + take_openssl_error());
    } else if (const auto pem = read_tls_file(options.ca_file, problems)) {
        trust(context, options.ca_file, *pem, problems);
    }
    if (!options.cert_file.empty()) {
        const auto cert = read_tls_file(options.cert_file, problems);
        const auto key = read_tls_file(options.key_file, problems);
        if (cert && key) use_certificate(context, options.cert_file, *cert, options.key_file, *key, problems);
    }
    if (problems.size() > before) return nullptr;
    SSL_CTX_set_verify(&context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    auto last = std::make_unique<LastSession>();
    if (SSL_CTX_set_ex_data(&context, last_session_index(), last.get()) != 1) throw std::bad_alloc();
    (void)last.release();
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(&context, keep_session);
    constexpr std::string_view http = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(&context, reinterpret_cast<const unsigned char*>(http.data()), http.size());
    return std::shared_ptr<TlsClient>(new TlsClient(std::move(impl)));
}

TlsHandle TlsClient::new_connection() const {
    TlsHandle made(SSL_new(impl_->context.get()));
    if (!made) return made;
    SSL* ssl = made.get();
    SSL_set_connect_state(ssl);
    const std::string& name = impl_->server_name;
    bool good = true;
    if (is_address(name)) {
        good = !impl_->verify || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
    } else {
        good = SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
        if (impl_->verify) {
            SSL_set_hostflags(ssl,
                              X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
            good = good && SSL_set1_host(ssl, name.c_str()) == 1;
        }
    }
    // Without the name there is no telling who it is.
    if (!good) return nullptr;
    LastSession& last = last_session(impl_->context.get());
    const std::lock_guard lock(last.mutex);
    if (last.session != nullptr && SSL_SESSION_is_resumable(last.session) == 1)
        SSL_set_session(ssl, last.session);
    return made;
}

}  // namespace forestay::net
