#include "config/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace forestay::config {
namespace {

struct Descriptor {
    int fd = -1;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

bool read_all(int fd, std::string& out, std::string& problem) {
    std::array<char, 16 << 10> buffer{};
    while (true) {
        const auto count = ::read(fd, buffer.data(), buffer.size());
        if (count == 0) return true;
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            problem = std::strerror(errno);
            return false;
        }
        out.append(buffer.data(), static_cast<std::size_t>(count));
        if (out.size() > yaml_bytes_max) {
            problem = "larger than 1 MiB";
            return false;
        }
    }
}

}  // namespace

std::optional<FileText> read_file(const std::string& path, std::string& problem) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    struct stat facts {};
    if (file.fd < 0 || ::fstat(file.fd, &facts) != 0) {
        problem = std::strerror(errno);
        return std::nullopt;
    }
    if (!S_ISREG(facts.st_mode) && !S_ISFIFO(facts.st_mode)) {
        problem = "not a file";
        return std::nullopt;
    }
    FileText out;
    if (!read_all(file.fd, out.text, problem)) return std::nullopt;
    out.others_can_read = S_ISREG(facts.st_mode) && (facts.st_mode & S_IROTH) != 0;
    return out;
}

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? std::string{} : path.substr(0, slash + 1);
}

std::string resolve(const Node& path) {
    if (path.text.starts_with('/') || !path.at.source) return path.text;
    return path.at.source->directory + path.text;
}

std::optional<FileText> read_named(const Node& path, const ReadFile& read, Problems& problems) {
    std::string problem;
    auto file = read(resolve(path), problem);
    if (!file) problems.error(path.at, "cannot read " + quote(resolve(path)) + ": " + problem);
    return file;
}

std::optional<std::string> read_secret(const Node& path, const ReadFile& read, Problems& problems) {
    auto file = read_named(path, read, problems);
    if (!file) return std::nullopt;
    if (file->text.ends_with('\n')) file->text.pop_back();
    if (file->text.ends_with('\r')) file->text.pop_back();
    if (file->text.empty()) {
        problems.error(path.at, quote(resolve(path)) + " is empty: a secret is expected in it");
        return std::nullopt;
    }
    if (file->others_can_read) {
        problems.warning(path.at, quote(resolve(path)) +
                                      " holds a secret, and every user of this machine can read it: "
                                      "chmod o-r");
    }
    return std::move(file->text);
}

}  // namespace forestay::config
