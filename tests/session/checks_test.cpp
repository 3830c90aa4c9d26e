// Rules that only check a schema, and what is refused before anybody keeps it.
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using namespace forestay;
using Lines = std::vector<std::string>;

namespace {

rules::RuleSpec note_shape() {
    rules::RuleSpec shape;
    shape.name = "note_shape";
    shape.match.event = "note";
    shape.schema = R"({"type":"string"})";
    shape.fallback.event = "refused";
    shape.fallback.data = R"({"what":"{{event}}","code":"{{code}}","why":"{{detail}}"})";
    return shape;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checks)

BOOST_AUTO_TEST_CASE(an_event_that_breaks_its_schema_is_refused_and_not_only_dropped) {
    Script script(websocket_first(), policy_with({note_shape()}));
    script.joined().client_says(R"(42["note",1])").client_says(R"(42["note","x"])");
    BOOST_TEST(script.heard() == (Lines{R"(client: 42["refused",{"what":"note","code":"protocol_schema",)"
                                        R"("why":"the message must be a string"}])",
                                        R"(upstream: 42["note","x"])"}),
               boost::test_tools::per_element());
    BOOST_TEST(script.stats().rules[0].invalid == 1U);
    BOOST_TEST(script.stats().rules[0].fallbacks[static_cast<std::size_t>(rules::Code::protocol_schema)] ==
               1U);
    BOOST_TEST(script.stats().rules[0].outstanding == 0U);
}

BOOST_AUTO_TEST_CASE(a_refusal_may_be_the_ack_that_was_asked_for) {
    rules::RuleSpec shape = note_shape();
    shape.match.ack = true;
    shape.fallback = {};
    shape.fallback.ack = R"(["{{code}}","{{id}}"])";
    Script script(websocket_first(), policy_with({shape}));
    script.joined().client_says(R"(427["note",1])").client_says(R"(42["note",1])");
    BOOST_TEST(script.heard() == (Lines{R"(client: 437["protocol_schema",7])", R"(upstream: 42["note",1])"}),
               boost::test_tools::per_element());
}

// Nothing is said in a namespace before its CONNECT is answered, and an app may take its time.
BOOST_AUTO_TEST_CASE(refusals_that_have_to_wait_are_bounded) {
    Policy policy = policy_with({note_shape()});
    policy.limits.outstanding = 2;
    Script script(websocket_first(), policy);
    script.input(input::ClientUpgraded{}).client_says("40");
    for (int i = 0; i < 5; ++i) script.client_says(R"(42["note",1])");
    BOOST_TEST(script.dropped(Drop::invalid_message) == 3U);
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).heard();
    script.upstream_says(R"(40{"sid":"sio"})");
    BOOST_TEST(script.heard().size() == 3U);  // the reply, and two of them
    script.client_says(R"(42["note",1])");
    BOOST_TEST(script.heard().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
