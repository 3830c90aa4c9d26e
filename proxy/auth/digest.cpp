#include "proxy/auth/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stdexcept>

namespace forestay::auth {

const char* openssl_name(Digest digest) noexcept {
    switch (digest) {
        case Digest::sha1:
            return "SHA1";
        case Digest::sha256:
            return "SHA256";
        case Digest::sha384:
            return "SHA384";
        case Digest::sha512:
            return "SHA512";
    }
    return "";
}

std::string hash(Digest digest, std::string_view message) {
    std::string out(EVP_MAX_MD_SIZE, '\0');
    std::size_t size = 0;
    if (EVP_Q_digest(nullptr, openssl_name(digest), nullptr, message.data(), message.size(),
                     reinterpret_cast<unsigned char*>(out.data()), &size) != 1) {
        throw std::runtime_error(std::string("libcrypto cannot do ") + openssl_name(digest));
    }
    out.resize(size);
    return out;
}

std::string hmac(Digest digest, std::string_view key, std::string_view message) {
    std::string out(EVP_MAX_MD_SIZE, '\0');
    std::size_t size = 0;
    if (EVP_Q_mac(nullptr, "HMAC", nullptr, openssl_name(digest), nullptr, key.data(), key.size(),
                  reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                  reinterpret_cast<unsigned char*>(out.data()), out.size(), &size) == nullptr) {
        throw std::runtime_error(std::string("libcrypto cannot do HMAC with ") + openssl_name(digest));
    }
    out.resize(size);
    return out;
}

bool same_bytes(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace forestay::auth
