// How much memory is used, and how much may be: of our cgroup (version 2 or 1), or of this process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/options.h"

namespace forestay::net {

struct MemoryUsage {
    std::uint64_t used = 0;  // bytes; of a cgroup without file pages that the kernel drops when it needs them
    std::uint64_t limit = 0;  // bytes, not 0
};

class MemoryMeter {
  public:
    // Where the kernel tells it.
    struct Places {
        std::string cgroups = "/sys/fs/cgroup";
        std::string process = "/proc/self";
    };

    explicit MemoryMeter(const MemoryOptions& options) : MemoryMeter(options, Places{}) {}
    MemoryMeter(const MemoryOptions& options, Places places);

    // As it is now: a limit may be changed while we run. Of a cgroup and those around it the fullest; empty
    // when none has a limit, or limits.memory is off.
    [[nodiscard]] std::optional<MemoryUsage> read() const;

  private:
    // The files of one version.
    struct Names {
        const char* limit;
        const char* used;
        const char* droppable;  // a line of memory.stat
    };
    static const Names version1, version2;
    struct Group {
        std::string directory;
        const Names* names;
    };

    void find_groups(const std::string& root, const std::string& path, const Names& names);
    [[nodiscard]] static std::optional<MemoryUsage> read_group(const Group& group);

    const MemoryOptions options_;
    const Places places_;
    std::vector<Group> groups_;  // ours first, then those around it
};

}  // namespace forestay::net
