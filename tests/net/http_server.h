// A small real HTTP server for tests of what asks others: a thread, a free port of loopback, TLS if wanted.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "proxy/net/unique_fd.h"

namespace forestay::net::testing {

// A key and a certificate that signs itself, for `name` ("IP:127.0.0.1", "DNS:localhost").
struct SelfSigned {
    explicit SelfSigned(const char* name) : key(EVP_EC_gen("P-256")), certificate(X509_new()) {
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, key);
        X509_NAME* subject = X509_get_subject_name(certificate);
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
        X509_set_issuer_name(certificate, subject);
        X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name);
        X509_add_ext(certificate, names, -1);
        X509_EXTENSION_free(names);
        X509_sign(certificate, key, EVP_sha256());
    }
    ~SelfSigned() {
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    SelfSigned(const SelfSigned&) = delete;
    SelfSigned& operator=(const SelfSigned&) = delete;

    void write(const std::string& path) const {
        std::FILE* file = std::fopen(path.c_str(), "w");
        BOOST_REQUIRE(file != nullptr);
        PEM_write_X509(file, certificate);
        std::fclose(file);
    }

    EVP_PKEY* key;
    X509* certificate;
};

// A connection as the server has it. Blocking.
class ServerSide {
  public:
    ServerSide(UniqueFd fd, SSL* tls) : fd_(std::move(fd)), tls_(tls) {}
    // One head without a body; empty: the client has closed.
    std::string read_request() {
        std::string head;
        char byte = 0;
        while (!head.ends_with("\r\n\r\n")) {
            const auto got = tls_ != nullptr ? SSL_read(tls_, &byte, 1) : ::recv(fd_.get(), &byte, 1, 0);
            if (got != 1) return {};
            head += byte;
        }
        return head;
    }
    // False: the client does not want it any more.
    bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t size = tls_ != nullptr
                                     ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                     : ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (size <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(size));
        }
        return true;
    }
    void answer(const std::string& status, const std::string& body, const std::string& fields = "") {
        write("HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields +
              "\r\n" + body);
    }
    // Ends it by a reset.
    void reset() {
        sockaddr nobody{};  // AF_UNSPEC
        ::connect(fd_.get(), &nobody, sizeof nobody);
    }

  private:
    UniqueFd fd_;
    SSL* tls_;
};

class HttpServer {
  public:
    using Serve = std::function<void(ServerSide&)>;

    // `serve` has each connection in a thread of its own, and the connection ends with it.
    explicit HttpServer(Serve serve, const SelfSigned* identity = nullptr)
        : serve_(std::move(serve)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        BOOST_REQUIRE(::bind(listener_.get(), generic, size) == 0);
        BOOST_REQUIRE(::listen(listener_.get(), 64) == 0);
        ::getsockname(listener_.get(), generic, &size);
        port = ntohs(address.sin_port);
        if (identity != nullptr) {
            tls_.reset(SSL_CTX_new(TLS_server_method()));
            SSL_CTX_use_certificate(tls_.get(), identity->certificate);
            SSL_CTX_use_PrivateKey(tls_.get(), identity->key);
        }
        thread_ = std::thread([this] { accept_all(); });
    }
    ~HttpServer() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    std::uint16_t port = 0;
    std::atomic<int> connections{0};

  private:
    void accept_all() {
        std::vector<std::jthread> threads;
        std::vector<int> open;
        while (true) {
            const int fd = ::accept(listener_.get(), nullptr, nullptr);
            if (fd < 0) break;
            ++connections;
            open.push_back(::dup(fd));
            threads.emplace_back([this, fd] { serve_one(UniqueFd(fd)); });
        }
        for (const int fd : open) {
            ::shutdown(fd, SHUT_RDWR);
            ::close(fd);
        }
    }
    void serve_one(UniqueFd fd) {
        const int number = fd.get();
        std::unique_ptr<SSL, decltype(&SSL_free)> tls(tls_ ? SSL_new(tls_.get()) : nullptr, SSL_free);
        if (tls && (SSL_set_fd(tls.get(), number) != 1 || SSL_accept(tls.get()) != 1)) {
            ::shutdown(number, SHUT_RDWR);
            return;
        }
        ServerSide side(std::move(fd), tls.get());
        serve_(side);
        if (tls) SSL_shutdown(tls.get());
        ::shutdown(number, SHUT_RDWR);
    }

    Serve serve_;
    UniqueFd listener_;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls_{nullptr, SSL_CTX_free};
    std::thread thread_;
};

}  // namespace forestay::net::testing
