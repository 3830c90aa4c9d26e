// Each key of `limits` has a name under which it is counted and logged when it is hit. One that is new must
// be here, and in tests/session/limits_test.cpp or tests/scenarios/limits_named_test.cpp, which hit them all.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <string_view>

#include "config/schema.h"
#include "proxy/net/stats.h"
#include "tests/config/given.h"

using namespace forestay;
using namespace forestay::config::test;

namespace {

// Empty: it ends what nobody misses (a kept connection without a request).
const std::map<std::string_view, std::string_view> named_otherwise{
    {"limits.keepalive_timeout", ""},
};

template <class Names>
bool has(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(limits_keys)

BOOST_AUTO_TEST_CASE(each_limit_has_a_name_when_it_is_hit) {
    constexpr std::string_view section = "limits.";
    for (const config::Key& key : config::keys()) {
        if (!key.path.starts_with(section)) continue;
        const auto other = named_otherwise.find(key.path);
        const std::string_view name =
            other == named_otherwise.end() ? key.path.substr(section.size()) : other->second;
        BOOST_TEST((name.empty() || has(net::limit_hit_names, name) || has(session::limit_names, name)),
                   key.path);
    }
    // Two samples of one name would be one too many in /metrics.
    for (const std::string_view name : session::limit_names)
        BOOST_TEST(!has(net::limit_hit_names, name), name);
}

BOOST_AUTO_TEST_CASE(identities_and_bodies_are_bounded_as_they_are_told) {
    const auto limits = loaded(
                            "limits: {per_identity: 3, identity_rate: 10/m, body_timeout: 5s}\n"
                            "auth: {protect: [/], any_of: [{token: {sha256: "
                            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}}]}\n")
                            .config.net.limits;
    BOOST_TEST(limits.identities.at_once == 3U);
    BOOST_TEST(limits.identities.connects.count == 10U);
    BOOST_TEST((limits.body_timeout == std::chrono::seconds(5)));
    BOOST_TEST(!loaded("").config.net.limits.identities.any());
    CHECK_LINES(with("limits: {identity_rate: 1/s}\n").problems(),
                {"3:25: warning: auth.protect is empty: nobody has an identity that could be counted"});
}

BOOST_AUTO_TEST_CASE(memory_is_the_cgroups_a_size_or_off) {
    using Of = net::MemoryOptions::Of;
    const auto memory = [](const char* yaml) { return loaded(yaml).config.net.memory; };
    BOOST_TEST((memory("").of == Of::cgroup));
    BOOST_TEST((memory("limits: {memory: auto}\n").of == Of::cgroup));
    BOOST_TEST((memory("limits: {memory: off}\n").of == Of::off));
    BOOST_TEST((memory("limits: {memory: 512MiB}\n").of == Of::process));
    BOOST_TEST(memory("limits: {memory: 512MiB}\n").bytes == 512U << 20);
    CHECK_LINES(with("limits: {memory: 1MiB}\n").problems(),
                {"3:18: limits.memory: \"1MiB\" is not between 16MiB and 1024GiB"});
    CHECK_LINES(with("limits: {memory: 16MiB, outbox: 4MiB}\n").problems(),
                {"3:18: warning: limits.memory has no room for eight clients with a full limits.outbox"});
}

BOOST_AUTO_TEST_CASE(more_connections_than_files_may_be_open_is_a_warning) {
    Given given = with("limits: {max_connections: 500}\nthreads: 1\n");
    given.open_files = 1024;
    CHECK_LINES(given.problems(),
                {"3:27: warning: the open file limit here, 1024, is enough for 480 clients: "
                 "raise it (LimitNOFILE, ulimit -n)"});
    given.open_files = 1064;
    CHECK_LINES(given.problems(), {});
    given = with("threads: 1\n");
    given.open_files = 100;
    CHECK_LINES(given.problems(), {});
}

BOOST_AUTO_TEST_SUITE_END()
