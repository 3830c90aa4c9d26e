#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <mutex>
#include <utility>

#include "proxy/net/tls_context.h"
#include "proxy/net/tls_profile.h"

namespace forestay::net {
namespace {

using ClientCertificates = TlsServerOptions::ClientCertificates;

// One reading of all files. Never changed; a connection holds on to the one that it began with.
struct Certificates {
    std::vector<TlsContext> contexts;
    std::map<std::string, SSL_CTX*, std::less<>> by_name;  // in lower case; "*.example.com" is one, too
    std::vector<std::string> names;
    std::chrono::system_clock::time_point expiry = std::chrono::system_clock::time_point::max();
};
using Held = std::shared_ptr<const Certificates>;

// Where a connection has its Held.
int held_index() {
    static const int index = SSL_get_ex_new_index(
        0, nullptr, nullptr, nullptr,
        [](void*, void* held, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Held*>(held); });
    return index;
}

std::string lower(std::string_view name) {
    std::string out(name);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    });
    return out;
}

int choose_certificate(SSL* ssl, int*, void*) {
    const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const auto* held = static_cast<const Held*>(SSL_get_ex_data(ssl, held_index()));
    if (asked == nullptr || held == nullptr) return SSL_TLSEXT_ERR_NOACK;
    std::string name = lower(asked);
    if (name.ends_with('.')) name.pop_back();
    const auto& by_name = (*held)->by_name;
    auto found = by_name.find(name);
    const auto dot = name.find('.');
    if (found == by_name.end() && dot != std::string::npos && dot > 0)
        found = by_name.find('*' + name.substr(dot));
    if (found == by_name.end()) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_SSL_CTX(ssl, found->second);
    return SSL_TLSEXT_ERR_OK;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned int in_size, void*) {
    constexpr std::string_view http = "http/1.1";
    std::string_view offered(reinterpret_cast<const char*>(in), in_size);
    while (!offered.empty()) {
        const auto size = static_cast<unsigned char>(offered.front());
        const std::string_view one = offered.substr(1, size);
        if (one == http) {
            *out = reinterpret_cast<const unsigned char*>(one.data());
            *out_size = size;
            return SSL_TLSEXT_ERR_OK;
        }
        offered.remove_prefix(std::min<std::size_t>(offered.size(), 1U + size));
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol (RFC 7301 3.2)
}

// A session is resumed only where its client would have been judged in the same way.
void bind_sessions(SSL_CTX& context, const TlsServerOptions& options, const std::string& client_ca) {
    const std::string judged = std::to_string(static_cast<int>(options.client_certificates)) + client_ca;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(judged.data(), judged.size(), digest, &size, EVP_sha256(), nullptr);
    SSL_CTX_set_session_id_context(&context, digest, size);
    // Tickets only: sessions cost the clients memory, not us.
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
}

bool judge_clients(SSL_CTX& context, const TlsServerOptions& options, const std::string& client_ca,
                   std::vector<std::string>& problems) {
    bind_sessions(context, options, client_ca);
    if (options.client_certificates == ClientCertificates::off) return true;
    if (!trust(context, options.client_ca_file, client_ca, problems)) return false;
    SSL_CTX_set_verify(&context,
                       SSL_VERIFY_PEER | (options.client_certificates == ClientCertificates::required
                                              ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                              : 0),
                       nullptr);
    return true;
}

void add_names(Certificates& to, SSL_CTX* context, const auth::Certificate& certificate) {
    std::vector<std::string> names = certificate.dns_names;
    if (names.empty() && !certificate.common_name.empty()) names.push_back(certificate.common_name);
    for (const std::string& name : names) {
        if (to.by_name.emplace(lower(name), context).second) to.names.push_back(lower(name));
    }
    to.expiry = std::min(to.expiry, certificate.not_after);
}

// Null: a line in `problems`.
Held read_certificates(const TlsServerOptions& options, std::vector<std::string>& problems) {
    auto made = std::make_shared<Certificates>();
    const std::size_t before = problems.size();
    std::string client_ca;
    if (options.client_certificates != ClientCertificates::off)
        client_ca = read_tls_file(options.client_ca_file, problems).value_or("");
    for (const auto& [cert_file, key_file] : options.certificates) {
        const auto cert = read_tls_file(cert_file, problems);
        const auto key = read_tls_file(key_file, problems);
        if (!cert || !key || problems.size() > before) continue;
        TlsContext context = make_tls_context(TLS_server_method(), options.min_version);
        if (!use_certificate(*context, cert_file, *cert, key_file, *key, problems) ||
            !judge_clients(*context, options, client_ca, problems))
            continue;
        SSL_CTX_set_tlsext_servername_callback(context.get(), choose_certificate);
        SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
        std::string problem;
        add_names(*made, context.get(), *auth::read_certificate(*cert, problem));
        made->contexts.push_back(std::move(context));
    }
    if (made->contexts.empty() && problems.size() == before)
        problems.emplace_back("tls without a certificate");
    if (problems.size() > before) return nullptr;
    return made;
}

}  // namespace

struct TlsServer::Impl {
    Impl(TlsServerOptions given, Held read) : options(std::move(given)), held(std::move(read)) {}

    Held current() const {
        const std::lock_guard lock(mutex);
        return held;
    }

    const TlsServerOptions options;
    mutable std::mutex mutex;
    Held held;
};

void TlsFree::operator()(ssl_st* ssl) const noexcept {
    SSL_free(ssl);
}

TlsServer::TlsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServer::~TlsServer() = default;

std::shared_ptr<TlsServer> TlsServer::load(TlsServerOptions options, std::vector<std::string>& problems) {
    Held held = read_certificates(options, problems);
    if (!held) return nullptr;
    return std::shared_ptr<TlsServer>(
        new TlsServer(std::make_unique<Impl>(std::move(options), std::move(held))));
}

TlsHandle TlsServer::new_connection() const {
    Held held = impl_->current();
    TlsHandle made(SSL_new(held->contexts.front().get()));
    if (!made) return made;
    auto kept = std::make_unique<Held>(std::move(held));
    if (SSL_set_ex_data(made.get(), held_index(), kept.get()) != 1) return nullptr;
    (void)kept.release();
    SSL_set_accept_state(made.get());
    return made;
}

std::vector<std::string> TlsServer::reload() {
    std::vector<std::string> problems;
    const Held made = read_certificates(impl_->options, problems);
    if (!made) return problems;
    const auto now = std::chrono::system_clock::now();
    const std::lock_guard lock(impl_->mutex);
    // An old file put back by accident; when both have expired there is nothing better.
    if (made->expiry <= now && impl_->held->expiry > now)
        return {"a certificate in the new files has expired"};
    impl_->held = made;
    return {};
}

std::chrono::system_clock::time_point TlsServer::earliest_expiry() const {
    return impl_->current()->expiry;
}

std::vector<std::string> TlsServer::names() const {
    return impl_->current()->names;
}

std::vector<std::string> TlsServer::files() const {
    std::vector<std::string> out;
    for (const auto& [cert_file, key_file] : impl_->options.certificates) {
        out.push_back(cert_file);
        out.push_back(key_file);
    }
    if (impl_->options.client_certificates != ClientCertificates::off)
        out.push_back(impl_->options.client_ca_file);
    return out;
}

}  // namespace forestay::net
