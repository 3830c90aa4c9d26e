// A file without a name, for what must be whole before it goes on and may be too large for memory. Gone with
// its descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/net/unique_fd.h"

namespace forestay::net {

class TemporaryFile {
  public:
    // In TMPDIR, else /tmp. False: it cannot be had.
    [[nodiscard]] bool open();
    [[nodiscard]] bool append(std::string_view bytes);
    // From the start again.
    [[nodiscard]] bool rewind();
    // Bytes read; 0 at the end; negative on an error.
    [[nodiscard]] std::ptrdiff_t read(std::span<char> into);
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  private:
    UniqueFd fd_;
    std::uint64_t size_ = 0;
};

}  // namespace forestay::net
