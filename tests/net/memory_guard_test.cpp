// limits.memory: what the kernel says, in a directory of ours, and what follows from it.
#include "proxy/net/memory_guard.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace forestay::net;
using Of = MemoryOptions::Of;

namespace {

// Files as /sys/fs/cgroup and /proc/self have them.
struct Kernel {
    std::filesystem::path root = made();
    static std::filesystem::path made() {
        std::string name = (std::filesystem::temp_directory_path() / "forestay-memory-XXXXXX").string();
        return ::mkdtemp(name.data());
    }
    ~Kernel() { std::filesystem::remove_all(root); }
    void write(const std::string& path, const std::string& text) const {
        std::filesystem::create_directories((root / path).parent_path());
        std::ofstream(root / path) << text;
    }
    void group(const std::string& path, const std::string& max, std::uint64_t current,
               std::uint64_t inactive_file = 0) const {
        write(path + "/memory.max", max + "\n");
        write(path + "/memory.current", std::to_string(current) + "\n");
        write(path + "/memory.stat",
              "anon 1\nactive_file 7\ninactive_file " + std::to_string(inactive_file) + "\nunevictable 0\n");
    }
    [[nodiscard]] MemoryMeter meter(Of of = Of::cgroup, std::uint64_t bytes = 0) const {
        return {{of, bytes}, {(root / "cgroup").string(), (root / "proc").string()}};
    }
};

struct Fixture {
    Kernel kernel;
    Shared shared;
    std::vector<std::string> said;
    std::vector<std::size_t> shed;
    unsigned given_back = 0;
    std::function<void()> on_give_back = [] {};

    Fixture() {
        kernel.write("proc/cgroup", "0::/\n");
        shared.journal = [this](const JournalEntry& entry) {
            std::string line(entry.event);
            for (const auto& [name, value] : entry.fields)
                line.append(" ").append(name).append("=").append(value);
            said.push_back(line);
        };
    }
    MemoryGuard guard() {
        return {shared, kernel.meter(),
                [this] {
                    ++given_back;
                    on_give_back();
                },
                [this](std::size_t bytes) { shed.push_back(bytes); }};
    }
    MemoryPressure pressure() const { return shared.common->memory_pressure; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(memory_guard)

BOOST_AUTO_TEST_CASE(a_cgroup_of_version_2_is_read_without_file_pages_that_can_go) {
    const Kernel kernel;
    kernel.write("proc/cgroup", "0::/app\n");
    kernel.group("cgroup/app", "1000", 900, 300);
    const auto usage = kernel.meter().read();
    BOOST_REQUIRE(usage.has_value());
    BOOST_TEST(usage->used == 600U);
    BOOST_TEST(usage->limit == 1000U);
}

BOOST_AUTO_TEST_CASE(the_fullest_of_ours_and_those_around_it_counts) {
    const Kernel kernel;
    kernel.write("proc/cgroup", "0::/pod/app\n");
    kernel.group("cgroup/pod/app", "max", 500);
    BOOST_TEST(!kernel.meter().read().has_value());
    kernel.group("cgroup/pod", "2000", 1000);
    BOOST_TEST(kernel.meter().read()->limit == 2000U);
    kernel.group("cgroup/pod/app", "800", 500);
    BOOST_TEST(kernel.meter().read()->limit == 800U);
}

BOOST_AUTO_TEST_CASE(a_path_that_is_the_hosts_leads_to_the_root) {
    const Kernel kernel;
    for (const char* path : {"/docker/4f", "/../../system.slice"}) {
        kernel.write("proc/cgroup", "0::" + std::string(path) + "\n");
        kernel.group("cgroup", "1000", 10);
        BOOST_TEST(kernel.meter().read()->limit == 1000U, path);
    }
}

BOOST_AUTO_TEST_CASE(a_cgroup_of_version_1_has_other_names) {
    const Kernel kernel;
    kernel.write("proc/cgroup", "5:cpu,cpuacct:/x\n4:memory:/app\n");
    kernel.write("cgroup/memory/app/memory.limit_in_bytes", "4096\n");
    kernel.write("cgroup/memory/app/memory.usage_in_bytes", "3000\n");
    kernel.write("cgroup/memory/app/memory.stat", "inactive_file 1\ntotal_inactive_file 1000\n");
    kernel.write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    kernel.write("cgroup/memory/memory.usage_in_bytes", "9223372036854771000\n");
    const auto usage = kernel.meter().read();
    BOOST_REQUIRE(usage.has_value());
    BOOST_TEST(usage->used == 2000U);
    BOOST_TEST(usage->limit == 4096U);
}

BOOST_AUTO_TEST_CASE(without_a_limit_or_with_nonsense_there_is_no_guard) {
    const Kernel kernel;
    BOOST_TEST(!kernel.meter().read().has_value());
    kernel.write("proc/cgroup", "nonsense\n0:\n::\n0::/app\n");
    kernel.write("cgroup/app/memory.max", "-5\n");
    BOOST_TEST(!kernel.meter().read().has_value());
    kernel.group("cgroup/app", "0", 10);
    BOOST_TEST(!kernel.meter().read().has_value());
    kernel.group("cgroup/app", "1000", 10, 5'000);
    BOOST_TEST(kernel.meter().read()->used == 0U);
    BOOST_TEST(!kernel.meter(Of::off).read().has_value());
}

BOOST_AUTO_TEST_CASE(a_size_is_for_our_own_pages) {
    const Kernel kernel;
    BOOST_TEST(!kernel.meter(Of::process, 1 << 20).read().has_value());
    kernel.write("proc/statm", "5000 12 3 4 0 5 0\n");
    const auto usage = kernel.meter(Of::process, 1 << 20).read();
    BOOST_REQUIRE(usage.has_value());
    BOOST_TEST(usage->used == 12U * static_cast<unsigned>(::sysconf(_SC_PAGESIZE)));
    BOOST_TEST(usage->limit == 1U << 20);
    // The real ones.
    BOOST_TEST(MemoryMeter(MemoryOptions{Of::process, 1 << 30}).read()->used > 100'000U);
}

BOOST_AUTO_TEST_CASE(it_takes_less_to_stay_in_a_state_than_to_come_to_it) {
    using enum MemoryPressure;
    struct Row {
        MemoryPressure before;
        std::uint64_t used;
        MemoryPressure after;
    };
    for (const Row& row : std::vector<Row>{{none, 850, none},
                                           {none, 851, refuse},
                                           {refuse, 801, refuse},
                                           {refuse, 800, none},
                                           {refuse, 950, refuse},
                                           {refuse, 951, shed},
                                           {none, 999, shed},
                                           {shed, 901, shed},
                                           {shed, 900, refuse},
                                           {shed, 700, none},
                                           {none, 5'000, shed}}) {
        BOOST_TEST((pressure_after(row.before, {row.used, 1000}) == row.after), row.used);
    }
}

BOOST_FIXTURE_TEST_CASE(sessions_go_until_enough_is_free_and_not_all_at_once, Fixture) {
    MemoryGuard guard = this->guard();
    kernel.group("cgroup", "1000000", 800'000);
    guard.look();
    BOOST_TEST((pressure() == MemoryPressure::none));
    BOOST_TEST(said.empty());
    kernel.group("cgroup", "1000000", 860'000);
    guard.look();
    guard.look();
    BOOST_TEST((pressure() == MemoryPressure::refuse));
    BOOST_TEST(given_back == 0U);
    kernel.group("cgroup", "1000000", 960'000);
    for (unsigned i = 0; i < MemoryGuard::looks_between; ++i) guard.look();
    BOOST_TEST((pressure() == MemoryPressure::shed));
    BOOST_TEST(shed == std::vector<std::size_t>{60'000}, boost::test_tools::per_element());
    guard.look();
    BOOST_TEST(shed.size() == 2U);
    BOOST_TEST(given_back == MemoryGuard::looks_between + 1);
    kernel.group("cgroup", "1000000", 700'000);
    guard.look();
    BOOST_TEST((pressure() == MemoryPressure::none));
    const std::vector<std::string> expected{
        "memory_pressure limit=memory state=refuse used_bytes=860000 limit_bytes=1000000",
        "memory_pressure limit=memory state=shed used_bytes=960000 limit_bytes=1000000",
        "memory_pressure limit=memory state=none used_bytes=700000 limit_bytes=1000000"};
    BOOST_TEST(said == expected, boost::test_tools::per_element());
    BOOST_TEST(shared.common->memory_used == 700'000U);
    BOOST_TEST(shared.common->memory_limit == 1'000'000U);
}

BOOST_FIXTURE_TEST_CASE(nobody_goes_for_what_only_had_to_be_given_back, Fixture) {
    MemoryGuard guard = this->guard();
    kernel.group("cgroup", "1000000", 960'000);
    on_give_back = [this] { kernel.group("cgroup", "1000000", 500'000); };
    guard.look();
    BOOST_TEST(given_back == 1U);
    BOOST_TEST(shed.empty());
    BOOST_TEST((pressure() == MemoryPressure::none));
}

BOOST_FIXTURE_TEST_CASE(a_limit_that_goes_away_lets_everybody_in_again, Fixture) {
    MemoryGuard guard = this->guard();
    kernel.group("cgroup", "1000000", 900'000);
    guard.look();
    BOOST_TEST((pressure() == MemoryPressure::refuse));
    kernel.group("cgroup", "max", 900'000);
    guard.look();
    BOOST_TEST((pressure() == MemoryPressure::none));
    BOOST_TEST(shared.common->memory_limit == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
