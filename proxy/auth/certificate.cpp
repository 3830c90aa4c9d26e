#include "proxy/auth/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <utility>

namespace forestay::auth {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using X509Handle = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyHandle = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio reading(std::string_view text) {
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

X509Handle first_certificate(std::string_view pem) {
    X509Handle made(PEM_read_bio_X509(reading(pem).get(), nullptr, nullptr, nullptr), &X509_free);
    ERR_clear_error();
    return made;
}

std::chrono::system_clock::time_point moment(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return std::chrono::system_clock::from_time_t(timegm(&parts));
}

// What a name of the certificate says, when it is plain.
void add_plain(std::vector<std::string>& to, const ASN1_STRING* name) {
    const std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)),
                           static_cast<std::size_t>(ASN1_STRING_length(name)));
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return;
    }
    if (!text.empty()) to.push_back(text);
}

void read_common_name(X509_NAME* subject, Certificate& out) {
    int last = -1;
    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) last = at;
    if (last < 0) return;
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
    if (size < 0) return;
    const std::unique_ptr<ASN1_STRING, decltype(&ASN1_STRING_free)> text(ASN1_STRING_new(),
                                                                         &ASN1_STRING_free);
    ASN1_STRING_set0(text.get(), utf8, size);
    std::vector<std::string> plain;
    add_plain(plain, text.get());
    if (!plain.empty()) out.common_name = std::move(plain.front());
}

}  // namespace

Certificate certificate_facts(x509_st* certificate) {
    Certificate out;
    out.not_before = moment(X509_get0_notBefore(certificate));
    out.not_after = moment(X509_get0_notAfter(certificate));
    read_common_name(X509_get_subject_name(certificate), out);
    const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
        &GENERAL_NAMES_free);
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type == GEN_URI) add_plain(out.uris, name->d.uniformResourceIdentifier);
        if (name->type == GEN_DNS) add_plain(out.dns_names, name->d.dNSName);
        if (name->type == GEN_EMAIL) add_plain(out.emails, name->d.rfc822Name);
    }
    ERR_clear_error();
    return out;
}

std::optional<Certificate> read_certificate(std::string_view pem, std::string& problem) {
    const X509Handle certificate = first_certificate(pem);
    if (certificate) return certificate_facts(certificate.get());
    problem = "has no certificate in PEM form (-----BEGIN CERTIFICATE-----)";
    return std::nullopt;
}

std::string check_private_key(std::string_view certificate_pem, std::string_view key_pem) {
    const X509Handle certificate = first_certificate(certificate_pem);
    bool encrypted = false;
    // OpenSSL's own would ask the terminal.
    const auto no_passphrase = [](char*, int, int, void* asked) {
        *static_cast<bool*>(asked) = true;
        return -1;
    };
    const KeyHandle key(PEM_read_bio_PrivateKey(reading(key_pem).get(), nullptr, no_passphrase, &encrypted),
                        &EVP_PKEY_free);
    const bool own = certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
    ERR_clear_error();
    if (encrypted) return "is encrypted: a key without a passphrase is expected";
    if (!key) return "has no private key in PEM form (-----BEGIN PRIVATE KEY-----)";
    if (!own) return "is not the key of the certificate";
    return {};
}

}  // namespace forestay::auth
