// Certificates made on the spot, in a directory that goes with the test.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace forestay::net::testing {

struct TestPair {
    std::string cert_file;
    std::string key_file;
};

struct CertificateWish {
    std::string names = "";  // as openssl.cnf has them: "DNS:a.example,IP:127.0.0.1"
    bool authority = false;
    const TestPair* issuer = nullptr;  // none: its own
    int days = 365;                    // from now; less than 0: it has expired
};

class TestDirectory {
  public:
    TestDirectory() {
        std::string name = std::filesystem::temp_directory_path() / "forestay-tls-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory");
        path = name;
    }
    ~TestDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;

    // NAME.pem and NAME.key; the subject is CN=NAME.
    TestPair make(const std::string& name, const CertificateWish& wish) {
        using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
        using Cert = std::unique_ptr<X509, decltype(&X509_free)>;
        const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
        const Cert cert(X509_new(), &X509_free);
        Key issuer_key(nullptr, &EVP_PKEY_free);
        Cert issuer(nullptr, &X509_free);
        if (wish.issuer != nullptr) {
            const auto key_file = open(wish.issuer->key_file, "r");
            issuer_key.reset(PEM_read_PrivateKey(key_file.get(), nullptr, nullptr, nullptr));
            const auto cert_file = open(wish.issuer->cert_file, "r");
            issuer.reset(PEM_read_X509(cert_file.get(), nullptr, nullptr, nullptr));
        }
        X509* by = issuer ? issuer.get() : cert.get();
        X509_set_version(cert.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), ++serial);
        constexpr long day = 24L * 60 * 60;
        X509_gmtime_adj(X509_getm_notBefore(cert.get()), -30 * day);
        X509_gmtime_adj(X509_getm_notAfter(cert.get()), wish.days * day);
        X509_set_pubkey(cert.get(), key.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.get()), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
        X509_set_issuer_name(cert.get(), X509_get_subject_name(by));
        X509V3_CTX context{};
        X509V3_set_ctx(&context, by, cert.get(), nullptr, nullptr, 0);
        add(*cert, context, NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "CA:FALSE");
        if (!wish.names.empty()) add(*cert, context, NID_subject_alt_name, wish.names);
        X509_sign(cert.get(), issuer_key ? issuer_key.get() : key.get(), EVP_sha256());
        TestPair out{path + '/' + name + ".pem", path + '/' + name + ".key"};
        PEM_write_X509(open(out.cert_file, "w").get(), cert.get());
        PEM_write_PrivateKey(open(out.key_file, "w").get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        return out;
    }

    std::string path;

  private:
    struct Close {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    static std::unique_ptr<std::FILE, Close> open(const std::string& name, const char* mode) {
        std::unique_ptr<std::FILE, Close> file(std::fopen(name.c_str(), mode));
        if (!file) throw std::runtime_error("cannot open " + name);
        return file;
    }
    static void add(X509& to, X509V3_CTX& context, int what, const std::string& value) {
        X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
        if (made == nullptr) throw std::runtime_error("no such extension: " + value);
        X509_add_ext(&to, made, -1);
        X509_EXTENSION_free(made);
    }

    long serial = 0;
};

}  // namespace forestay::net::testing
