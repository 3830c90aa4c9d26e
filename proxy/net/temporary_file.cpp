#include "proxy/net/temporary_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace forestay::net {

bool TemporaryFile::open() {
    const char* configured = std::getenv("TMPDIR");
    const std::string directory = configured != nullptr && *configured != '\0' ? configured : "/tmp";
    fd_ = UniqueFd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd_) return true;
    // Not every file system knows O_TMPFILE.
    std::string path = directory + "/forestay-XXXXXX";
    fd_ = UniqueFd(::mkostemp(path.data(), O_CLOEXEC));
    if (fd_) ::unlink(path.c_str());
    return static_cast<bool>(fd_);
}

bool TemporaryFile::append(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t size = ::write(fd_.get(), bytes.data(), bytes.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(size));
        size_ += static_cast<std::uint64_t>(size);
    }
    return true;
}

bool TemporaryFile::rewind() {
    return ::lseek(fd_.get(), 0, SEEK_SET) == 0;
}

std::ptrdiff_t TemporaryFile::read(std::span<char> into) {
    ssize_t size = 0;
    do size = ::read(fd_.get(), into.data(), into.size());
    while (size < 0 && errno == EINTR);
    return size;
}

}  // namespace forestay::net
