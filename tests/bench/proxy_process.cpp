#include "tests/bench/proxy_process.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace forestay::bench {

std::uint64_t cpu_nanoseconds(pid_t pid) {
    std::uint64_t total = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
        std::uint64_t used = 0;
        std::ifstream(task.path() / "schedstat") >> used;
        total += used;
    }
    return total;
}

std::uint64_t anonymous_bytes(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string word; status >> word;) {
        std::uint64_t kilobytes = 0;
        if (word == "RssAnon:" && status >> kilobytes) return kilobytes << 10U;
    }
    throw std::runtime_error("no RssAnon of " + std::to_string(pid));
}

}  // namespace forestay::bench
