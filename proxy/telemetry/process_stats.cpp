#include "proxy/telemetry/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace forestay::telemetry {
namespace {

std::string read_file(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t to_number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// By the clocks: /proc/stat says it too, but services may not see that (ProcSubset=pid).
double boot_time() {
    const auto seconds = [](clockid_t clock) {
        timespec time{};
        ::clock_gettime(clock, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
    };
    return seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME);
}

std::uint64_t count_open_fds() {
    std::error_code ec;
    std::uint64_t count = 0;
    for (std::filesystem::directory_iterator it("/proc/self/fd", ec), end; !ec && it != end;
         it.increment(ec)) {
        ++count;
    }
    return count == 0 ? 0 : count - 1;  // the directory that is being read has one too
}

}  // namespace

std::optional<ProcessStats> parse_proc_stat(std::string_view stat, const ProcUnits& units) {
    // The second field is the program's name in parentheses and may hold anything, parentheses too.
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string_view::npos) return std::nullopt;
    // Numbered as in proc(5): behind the name comes field 3.
    constexpr std::size_t utime = 14, stime = 15, threads = 20, starttime = 22, vsize = 23, rss = 24;
    std::array<std::string_view, rss + 1> fields{};
    std::size_t field = 3;
    for (std::size_t i = name_end + 1; i < stat.size() && field <= rss;) {
        const std::size_t begin = stat.find_first_not_of(' ', i);
        if (begin == std::string_view::npos) break;
        i = std::min(stat.find(' ', begin), stat.size());
        fields[field++] = stat.substr(begin, i - begin);
    }
    if (field <= rss) return std::nullopt;
    const auto seconds = [&](std::size_t n) {
        return static_cast<double>(to_number(fields[n])) / units.ticks_per_second;
    };
    ProcessStats result;
    result.cpu_seconds = seconds(utime) + seconds(stime);
    result.threads = to_number(fields[threads]);
    result.start_time_seconds = units.boot_time_seconds + seconds(starttime);
    result.virtual_bytes = to_number(fields[vsize]);
    result.resident_bytes = to_number(fields[rss]) * units.page_bytes;
    return result;
}

std::optional<ProcessStats> read_process_stats() {
    static const ProcUnits units{static_cast<double>(::sysconf(_SC_CLK_TCK)),
                                 static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)), boot_time()};
    std::optional<ProcessStats> result = parse_proc_stat(read_file("/proc/self/stat"), units);
    if (!result) return result;
    result->open_fds = count_open_fds();
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) result->max_fds = limit.rlim_cur;
    return result;
}

}  // namespace forestay::telemetry
