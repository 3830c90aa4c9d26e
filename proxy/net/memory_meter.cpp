#include "proxy/net/memory_meter.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

namespace forestay::net {

using std::string_view;

namespace {

// Version 1 has no word for "no limit" but a number near the top.
constexpr std::uint64_t no_limit = std::uint64_t{1} << 60;

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Of the start of a text; empty when there is none.
std::optional<std::uint64_t> number_in(string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return value;
}

// "name 123" of a file with one such line for each name.
std::uint64_t value_of(string_view lines, string_view name) {
    while (!lines.empty()) {
        const string_view line = lines.substr(0, lines.find('\n'));
        if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ')
            return number_in(line.substr(name.size() + 1)).value_or(0);
        lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    }
    return 0;
}

double fullness(const MemoryUsage& usage) {
    return static_cast<double>(usage.used) / static_cast<double>(usage.limit);
}

}  // namespace

const MemoryMeter::Names MemoryMeter::version1{"/memory.limit_in_bytes", "/memory.usage_in_bytes",
                                               "total_inactive_file"};
const MemoryMeter::Names MemoryMeter::version2{"/memory.max", "/memory.current", "inactive_file"};

// /proc/self/cgroup, cgroups(7): "0::/path" of version 2, "4:memory:/path" of version 1.
MemoryMeter::MemoryMeter(const MemoryOptions& options, Places places)
    : options_(options), places_(std::move(places)) {
    if (options_.of != MemoryOptions::Of::cgroup) return;
    const std::string lines = read_file(places_.process + "/cgroup");
    for (string_view rest = lines; !rest.empty();) {
        const string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (second == string_view::npos) continue;
        const string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string path(line.substr(second + 1));
        if (controllers.empty()) find_groups(places_.cgroups, path, version2);
        if ((',' + std::string(controllers) + ',').find(",memory,") != std::string::npos)
            find_groups(places_.cgroups + "/memory", path, version1);
    }
}

// From ours outwards. In a container the path may be as the host sees it, and only the root is there.
void MemoryMeter::find_groups(const std::string& root, const std::string& path, const Names& names) {
    std::string inner = path.find("..") == std::string::npos ? path : "";
    while (!inner.empty() && inner != "/") {
        groups_.push_back({root + inner, &names});
        inner.erase(inner.rfind('/'));
    }
    groups_.push_back({root, &names});
}

std::optional<MemoryUsage> MemoryMeter::read_group(const Group& group) {
    const auto limit = number_in(read_file(group.directory + group.names->limit));
    const auto used = number_in(read_file(group.directory + group.names->used));
    if (!limit || !used || *limit == 0 || *limit >= no_limit) return std::nullopt;
    const std::uint64_t droppable =
        value_of(read_file(group.directory + "/memory.stat"), group.names->droppable);
    return MemoryUsage{*used - std::min(*used, droppable), *limit};
}

std::optional<MemoryUsage> MemoryMeter::read() const {
    std::optional<MemoryUsage> fullest;
    for (const Group& group : groups_) {
        const auto usage = read_group(group);
        if (usage && (!fullest || fullness(*usage) > fullness(*fullest))) fullest = usage;
    }
    if (options_.of != MemoryOptions::Of::process) return fullest;
    // Pages: all, resident.
    const std::string statm = read_file(places_.process + "/statm");
    const auto pages = number_in(string_view(statm).substr(std::min(statm.find(' '), statm.size() - 1) + 1));
    if (!pages || options_.bytes == 0) return std::nullopt;
    return MemoryUsage{*pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)), options_.bytes};
}

}  // namespace forestay::net
