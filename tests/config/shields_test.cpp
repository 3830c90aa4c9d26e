#include <boost/test/unit_test.hpp>

#include "tests/config/given.h"

using namespace forestay;
using namespace forestay::config;
using namespace forestay::config::test;

BOOST_AUTO_TEST_SUITE(shields)

BOOST_AUTO_TEST_CASE(all_shields_are_on_unless_switched_off) {
    const Config usual = loaded("").config;
    const session::ShieldSwitches& on = usual.session.shields;
    BOOST_CHECK(on.pong_flood && on.reserved_events && on.zero_attachments && on.attachments &&
                on.unknown_acks && on.nan && on.disconnect_payload);
    BOOST_CHECK(usual.net.drop_underscore_headers);
    BOOST_CHECK(!usual.session.events.any());

    const Config none = loaded(
                            "shields: {pong_flood: false, reserved_events: false, zero_attachments: false,\n"
                            "          attachments: false, unknown_acks: false, nan: false,\n"
                            "          disconnect_payload: false, underscore_headers: false}\n")
                            .config;
    const session::ShieldSwitches& off = none.session.shields;
    BOOST_CHECK(!off.pong_flood && !off.reserved_events && !off.zero_attachments && !off.attachments &&
                !off.unknown_acks && !off.nan && !off.disconnect_payload);
    BOOST_CHECK(!none.net.drop_underscore_headers);
}

BOOST_AUTO_TEST_CASE(each_that_is_off_is_warned_of) {
    CHECK_LINES(
        with("shields: {nan: false, attachments: true,\n  pong_flood: false}\n").problems(),
        {"3:16: warning: shields.nan: what it keeps away reaches the app and its clients: leave it on "
         "unless it is in the way",
         "4:15: warning: shields.pong_flood: what it keeps away reaches the app and its clients: leave "
         "it on unless it is in the way"});
}

BOOST_AUTO_TEST_CASE(what_cannot_be_switched_off_has_no_key) {
    CHECK_LINES(with("shields: {smuggling: false}\n").problems(),
                {"3:11: unknown key \"smuggling\" in shields"});
}

BOOST_AUTO_TEST_CASE(events_of_clients_are_named) {
    const Config got = loaded("socketio: {allowed_events: [ask, chat], blocked_events: error}\n").config;
    CHECK_LINES(got.session.events.allowed, {"ask", "chat"});
    CHECK_LINES(got.session.events.blocked, {"error"});
}

BOOST_AUTO_TEST_SUITE_END()
