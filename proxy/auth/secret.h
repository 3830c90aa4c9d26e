// Bytes that are wiped when they go away: keys, and what is derived from them. Moved, never copied.
#pragma once

#include <openssl/crypto.h>

#include <string>
#include <string_view>
#include <utility>

namespace forestay::auth {

inline void wipe(std::string& text) noexcept {
    OPENSSL_cleanse(text.data(), text.size());
    text.clear();
}

class Secret {
  public:
    explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
    ~Secret() { wipe(bytes_); }
    // A short string lives inside the object, and a move leaves its bytes behind: wipe them too.
    Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { wipe_inline(other.bytes_); }
    Secret& operator=(Secret&& other) noexcept {
        if (this == &other) return *this;
        wipe(bytes_);
        bytes_ = std::move(other.bytes_);
        wipe_inline(other.bytes_);
        return *this;
    }

    [[nodiscard]] std::string_view view() const noexcept { return bytes_; }

  private:
    static void wipe_inline(std::string& moved_from) noexcept {
        moved_from.clear();
        OPENSSL_cleanse(moved_from.data(), moved_from.capacity());
    }

    std::string bytes_;
};

}  // namespace forestay::auth
