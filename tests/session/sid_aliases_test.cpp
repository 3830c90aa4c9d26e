#include "proxy/session/sid_aliases.h"

#include <boost/test/unit_test.hpp>

namespace {

using forestay::session::SidAliases;

std::string for_client(const SidAliases& aliases, std::string_view text) {
    std::string out;
    return aliases.for_client(out, text) ? out : "-";
}
std::string for_upstream(const SidAliases& aliases, std::string_view text) {
    std::string out;
    return aliases.for_upstream(out, text) ? out : "-";
}

BOOST_AUTO_TEST_SUITE(sid_aliases)

BOOST_AUTO_TEST_CASE(the_apps_sid_and_the_clients_are_exchanged_wherever_they_stand) {
    SidAliases aliases;
    aliases.set("knownA", "currentB");
    BOOST_TEST(for_client(aliases, R"(2["from","currentB",{"to":"currentB"}])") ==
               R"(2["from","knownA",{"to":"knownA"}])");
    BOOST_TEST(for_upstream(aliases, R"(2["to","knownA"])") == R"(2["to","currentB"])");
    BOOST_TEST(for_upstream(aliases, R"(2["to","/chat#knownA"])") == R"(2["to","/chat#currentB"])");
}

BOOST_AUTO_TEST_CASE(a_part_of_a_longer_word_is_no_sid) {
    SidAliases aliases;
    aliases.set("knownA", "currentB");
    BOOST_TEST(for_client(aliases, R"(2["x","currentBB","_currentB"])") == "-");
    BOOST_TEST(for_client(aliases, "") == "-");
}

BOOST_AUTO_TEST_CASE(after_the_next_restart_the_older_one_means_nothing) {
    SidAliases aliases;
    aliases.set("knownA", "currentB");
    aliases.set("knownA", "currentC");
    BOOST_TEST(for_client(aliases, R"(["currentB"])") == "-");
    BOOST_TEST(for_client(aliases, R"(["currentC"])") == R"(["knownA"])");
    aliases.set("knownA", "");
    BOOST_TEST(aliases.empty());
    BOOST_TEST(for_client(aliases, R"(["currentC"])") == "-");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
