// State to bytes and back.
#include "proxy/session/snapshot.h"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <vector>

#include "proxy/session/json_record.h"
#include "proxy/session/outgoing.h"
#include "proxy/session/token_bucket.h"
#include "proxy/session/websocket_leg.h"
#include "proxy/wire/websocket/frame.h"
#include "tests/session/script.h"

using namespace forestay::session;
using namespace std::chrono_literals;

namespace {

const TimePoint then{std::chrono::hours(1)};
const TimePoint later{std::chrono::hours(5)};

enum class Colour : std::uint8_t { red, green };

struct Everything {
    bool flag = false;
    std::uint8_t small = 0;
    std::uint64_t large = 0;
    Colour colour = Colour::red;
    std::string text;
    Duration duration{0};
    TimePoint time{}, none{};
    std::optional<std::string> some, nothing;
    std::unique_ptr<TokenBucket> bucket;
    std::vector<std::uint32_t> numbers;
    std::deque<std::string> texts;

    template <class Archive>
    void archive(Archive& archive) {
        archive(flag, small, large);
        archive.one_of(colour, Colour::green);
        archive(text, duration, time, none, some, nothing, bucket, numbers, texts);
    }
};

template <class T>
std::string written(T& value, TimePoint now = then) {
    SnapshotWriter writer(now);
    writer(value);
    return writer.take();
}

template <class T>
bool read(T& value, std::string_view bytes, TimePoint now = then) {
    SnapshotReader reader(bytes, now);
    reader(value);
    return reader.finished();
}

Everything example() {
    Everything one;
    one.flag = true;
    one.small = 255;
    one.large = UINT64_MAX;
    one.colour = Colour::green;
    one.text = std::string("a\0b", 3);
    one.duration = 90s;
    one.time = then - 3s;
    one.none = never;
    one.some = "some";
    one.bucket = std::make_unique<TokenBucket>();
    one.numbers = {0, 127, 128, UINT32_MAX};
    one.texts = {"", "x"};
    return one;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(snapshots)

BOOST_AUTO_TEST_CASE(what_was_written_is_read_and_time_goes_on_from_now) {
    Everything before = example();
    Everything after;
    BOOST_TEST(read(after, written(before), later));
    BOOST_TEST(after.flag);
    BOOST_TEST(after.small == 255);
    BOOST_TEST(after.large == UINT64_MAX);
    BOOST_TEST((after.colour == Colour::green));
    BOOST_TEST(after.text == std::string("a\0b", 3));
    BOOST_TEST((after.duration == 90s));
    BOOST_TEST((after.time == later - 3s));
    BOOST_TEST((after.none == never));
    BOOST_TEST(after.some.value() == "some");
    BOOST_TEST(!after.nothing);
    BOOST_TEST((after.bucket != nullptr));
    BOOST_TEST(after.numbers == before.numbers, boost::test_tools::per_element());
    BOOST_TEST(after.texts == before.texts, boost::test_tools::per_element());
    BOOST_TEST(written(after, later) == written(before));
}

BOOST_AUTO_TEST_CASE(bytes_that_are_cut_or_go_on_are_refused) {
    Everything before = example();
    const std::string bytes = written(before);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        Everything after;
        BOOST_TEST(!read(after, std::string_view(bytes).substr(0, size)), size);
    }
    Everything after;
    BOOST_TEST(!read(after, bytes + '\0'));
}

BOOST_AUTO_TEST_CASE(what_is_out_of_range_is_refused) {
    bool flag = false;
    BOOST_TEST(!read(flag, "\x02"));
    std::uint8_t small = 0;
    BOOST_TEST(!read(small, "\x80\x02"));
    std::uint64_t large = 0;
    BOOST_TEST(!read(large, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
    Duration negative{0};
    BOOST_TEST(!read(negative, "\x01"));
    Duration endless{0};
    BOOST_TEST(!read(endless, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    TimePoint far{};
    BOOST_TEST(!read(far, "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    std::string text;
    BOOST_TEST(!read(text, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"));
    std::vector<std::string> texts;
    BOOST_TEST(!read(texts, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"));
    Colour colour = Colour::red;
    SnapshotReader reader("\x02", then);
    reader.one_of(colour, Colour::green);
    BOOST_TEST(reader.failed());
    BOOST_TEST((colour == Colour::red));
}

BOOST_AUTO_TEST_CASE(a_queue_keeps_its_order_and_counts_again) {
    OutgoingQueue before;
    before.push({forestay::wire::engineio::PacketType::message, false, "2[1]"});
    before.push({forestay::wire::engineio::PacketType::message, true, "bytes"});
    OutgoingQueue after;
    BOOST_TEST(read(after, written(before)));
    BOOST_TEST(after.bytes() == before.bytes());
    const auto packets = after.take_all();
    BOOST_TEST(packets.size() == 2U);
    BOOST_TEST(packets[1].binary);
    BOOST_TEST(packets[1].data == "bytes");
}

BOOST_AUTO_TEST_CASE(a_message_that_is_half_read_is_read_to_its_end) {
    using namespace forestay::wire::websocket;
    std::string bytes;
    write_frame(bytes, Opcode::text, "h\xc3", std::nullopt, false);
    write_frame(bytes, Opcode::continuation, "\xa9llo", std::nullopt);
    Workspace workspace;
    ActionList actions(workspace);
    std::string scratch;
    WebsocketReading before(Sender::server, {});
    before.start(std::string_view(bytes).substr(0, 6), actions);
    BOOST_TEST(!before.next(scratch).value());
    before.finish(then);

    WebsocketReading after(Sender::server, {});
    BOOST_TEST(read(after, written(before)));
    BOOST_TEST((after.partial_since() == then));
    after.start(std::string_view(bytes).substr(6), actions);
    BOOST_TEST(after.next(scratch).value()->payload == "h\xc3\xa9llo");
    // Not within limits that are smaller now.
    WebsocketReading narrow(Sender::server, {1, 10});
    BOOST_TEST(!read(narrow, written(before)));
}

BOOST_AUTO_TEST_CASE(a_record_must_be_without_gaps_and_within_its_bounds) {
    JsonRecord before(1000, 3);
    for (int i = 0; i < 4; ++i) before.add(true, true, "{}");
    JsonRecord after(1000, 3);
    BOOST_TEST(read(after, written(before)));
    BOOST_TEST(after.next() == 5U);
    BOOST_TEST(after.continues(1));
    BOOST_TEST(!after.continues(0));
    JsonRecord smaller(1000, 2);
    BOOST_TEST(!read(smaller, written(before)));
    std::string bytes = written(before);
    bytes[1] = '\x07';  // the first number
    BOOST_TEST(!read(after, bytes));
}

BOOST_AUTO_TEST_CASE(a_session_of_other_rules_or_another_release_is_refused) {
    const Policy policy = testing::policy();
    Stats stats;
    Workspace workspace;
    Session session(policy, stats, workspace, {}, then);
    const std::string bytes = session.snapshot(then);
    const auto fault = [&](const Policy& with, std::string_view what) {
        const auto restored = Session::restore(with, stats, workspace, what, then);
        return std::holds_alternative<SnapshotFault>(restored)
                   ? std::optional(std::get<SnapshotFault>(restored))
                   : std::nullopt;
    };
    BOOST_TEST(!fault(policy, bytes));
    BOOST_TEST((fault(policy, "\x7f" + bytes.substr(1)) == SnapshotFault::other_version));
    BOOST_TEST((fault(Policy{}, bytes) == SnapshotFault::other_rules));
    BOOST_TEST((fault(policy, "") == SnapshotFault::garbage));
    BOOST_TEST((fault(policy, bytes.substr(0, bytes.size() - 1)) == SnapshotFault::garbage));
    BOOST_TEST((fault(policy, bytes + "x") == SnapshotFault::garbage));
}

// Whatever is read, no more is on the gauges than is there.
BOOST_AUTO_TEST_CASE(gauges_are_right_behind_a_restore_and_behind_one_that_failed) {
    testing::Script script([] {
        Setup setup;
        setup.websocket = true;
        return setup;
    }());
    script.joined().client_says(R"(420["ask",1])").client_says(R"(421["ask",2])");
    const std::string bytes = script.session().snapshot(script.now());
    const auto gauges = [&] {
        return script.stats().rules[0].outstanding +
               10 * script.stats().client_legs[static_cast<std::size_t>(ClientState::websocket)] +
               100 * script.stats().upstream_legs[static_cast<std::size_t>(UpstreamState::attached)];
    };
    BOOST_TEST(gauges() == 112U);
    script.moves();
    BOOST_TEST(gauges() == 112U);
    BOOST_TEST(script.stats().sessions == 1U);
    const Policy policy = testing::policy();
    Workspace workspace;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        auto restored = Session::restore(policy, script.stats(), workspace, bytes.substr(0, size), then);
        BOOST_TEST(!std::holds_alternative<Session>(restored), size);
    }
    BOOST_TEST(gauges() == 112U);
    BOOST_TEST(script.stats().sessions == 1U);
    script.at(5s);
    BOOST_TEST(gauges() == 110U);
}

BOOST_AUTO_TEST_SUITE_END()
