// Hashes and HMACs, one shot, over libcrypto.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace forestay::auth {

enum class Digest : std::uint8_t { sha1, sha256, sha384, sha512 };

// libcrypto's name: "SHA256".
[[nodiscard]] const char* openssl_name(Digest digest) noexcept;
[[nodiscard]] std::string hash(Digest digest, std::string_view message);
[[nodiscard]] std::string hmac(Digest digest, std::string_view key, std::string_view message);
// Same bytes; takes as long whatever the bytes are. The lengths are no secret.
[[nodiscard]] bool same_bytes(std::string_view a, std::string_view b) noexcept;

}  // namespace forestay::auth
