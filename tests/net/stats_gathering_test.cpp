// Stats of several loops, gathered on the first.
#include "proxy/net/stats_gathering.h"

#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

#include "proxy/net/loop.h"

using namespace forestay::net;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    Shared shared;
    Loop first{shared, 0};
    Loop second{shared, 1};
    std::vector<std::uint64_t> handovers;  // of the last gathering, by loop

    Fixture() {
        first.stats().handovers = 1;
        second.stats().handovers = 2;
    }
    // Gathers, and runs the first loop until that has been done.
    void gather(StatsGathering& gathering) {
        handovers.clear();
        first.post([&] {
            gathering.gather([&](const std::vector<const Stats*>& loops) {
                for (const Stats* stats : loops) handovers.push_back(stats->handovers);
                first.stop();
            });
        });
        first.run();
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(stats_gathering, Fixture)

BOOST_AUTO_TEST_CASE(one_loop_answers_at_once) {
    StatsGathering gathering({&first});
    std::vector<std::uint64_t> seen;
    gathering.gather([&](const std::vector<const Stats*>& loops) { seen.push_back(loops.at(0)->handovers); });
    BOOST_TEST(seen == std::vector<std::uint64_t>{1}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_loop_is_asked) {
    StatsGathering gathering({&first, &second});
    std::thread thread([&] { second.run(); });
    gather(gathering);
    second.stop();
    thread.join();
    BOOST_TEST(handovers == (std::vector<std::uint64_t>{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_loop_that_does_not_answer_holds_nobody_up) {
    StatsGathering gathering({&first, &second}, 20ms);
    gather(gathering);
    BOOST_TEST(handovers == (std::vector<std::uint64_t>{1, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
