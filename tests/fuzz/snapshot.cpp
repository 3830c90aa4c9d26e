// Bytes from a store that somebody may have tampered with, as a session: they are refused, or they are a
// session that goes on without a crash, says the same when it is written down again, and leaves the gauges as
// they were.
//
// The input: one byte that says from which session we begin, one that says how many of its bytes are
// replaced, three for each of these (where, and by what), and operations for what was restored. With 255
// first the rest is the snapshot itself.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/session.h"
#include "proxy/wire/websocket/frame.h"
#include "rules/rule_set.h"

using namespace forestay;
using namespace forestay::session;

namespace {

const TimePoint start{std::chrono::hours(1)};
constexpr wire::websocket::MaskKey mask{1, 2, 3, 4};

void require(bool condition) {
    if (!condition) std::abort();
}

const Policy& policy() {
    static const Policy made = [] {
        rules::RuleSpec ask;
        ask.name = "ask";
        ask.match.event = "ask";
        ask.timeout = std::chrono::seconds(5);
        ask.fallback.ack = R"(["{{id}}"])";
        rules::RuleSpec chat;
        chat.name = "chat";
        chat.match.event = "chat";
        chat.id = "/i";
        chat.answer.event = {"r"};
        chat.timeout = std::chrono::seconds(3);
        chat.fallback.event = "r";
        chat.fallback.data = R"({"i":"{{id}}"})";
        rules::RuleSpec job;
        job.name = "job";
        job.match.type = "job";
        job.id = "/i";
        job.answer.event = {"done"};
        job.timeout = std::chrono::seconds(3);
        job.fallback.message = R"({"i":"{{id}}","q":"{{/q}}"})";
        job.concurrency = 2;
        job.repeat.window = std::chrono::seconds(60);
        std::vector<rules::Problem> problems;
        Policy policy;
        policy.rules = rules::RuleSet::compile({ask, chat, job}, problems);
        policy.resume_client.recovery = Recovery::marker;
        policy.resume_client.envelope = true;
        JsonWebsocket& shape = policy.json_websockets.emplace_back();
        shape.type = *wire::json::Pointer::parse("/type");
        shape.heartbeat = shape.idle_timeout = std::chrono::seconds(60);
        shape.heartbeat_message = "{}";
        require(problems.empty());
        return policy;
    }();
    return made;
}

// A session with its loop around it.
struct Bench {
    Stats stats;
    Workspace workspace;
    TimePoint now = start;
    std::unique_ptr<Session> session;

    void say(const Input& input) {
        session->handle(input, now);
        while (session->next_action()) {
        }
    }
    void client(std::string_view text) {
        std::string frame;
        wire::websocket::write_frame(frame, wire::websocket::Opcode::text, text, mask);
        say(input::ClientBytes{frame});
    }
    void upstream(std::string_view text) {
        std::string frame;
        wire::websocket::write_frame(frame, wire::websocket::Opcode::text, text, std::nullopt);
        say(input::UpstreamBytes{frame});
    }
    void begin(Dialect dialect, bool websocket) {
        Setup setup;
        setup.dialect = dialect;
        setup.sid = "SID";
        setup.secret = "SECRETSECRETSECRET12";
        setup.websocket = websocket;
        session = std::make_unique<Session>(policy(), stats, workspace, setup, now);
    }
};

// Sessions with as much in them as possible.
std::vector<std::string> examples() {
    std::vector<std::string> made;
    const auto keep = [&made](Bench& bench) { made.push_back(bench.session->snapshot(bench.now)); };
    const std::string open = R"(0{"sid":"up","upgrades":[],"pingInterval":25000,"pingTimeout":20000})";

    Bench busy;
    busy.begin(Dialect::engineio4, true);
    busy.say(input::ClientUpgraded{});
    busy.client("40");
    busy.client("40/a,");
    busy.say(input::UpstreamOpened{});
    busy.upstream(open);
    busy.upstream(R"(40{"sid":"sio"})");
    busy.client(R"(420["ask",1])");
    busy.client(R"(42["chat",{"i":7}])");
    busy.client(R"(42["chat",{"i":8}])");
    busy.upstream(R"(4212["e",1])");
    busy.now += std::chrono::seconds(4);
    busy.say(input::Tick{});
    busy.client(R"(451-["b",{"_placeholder":true,"num":0}])");
    busy.upstream(R"(451-1["b",{"_placeholder":true,"num":0}])");
    busy.say(input::ClientBytes{"\x81"});
    busy.say(input::UpstreamBytes{std::string_view("\x01\x02hi\x80", 5)});
    keep(busy);

    Bench away;
    away.begin(Dialect::engineio4, true);
    away.say(input::ClientUpgraded{});
    away.client("40");
    away.say(input::UpstreamOpened{});
    away.upstream(open);
    away.upstream(R"(40{"sid":"sio"})");
    away.say(input::ClientLost{});
    away.upstream(R"(42["missed",1])");
    away.say(input::UpstreamLost{});
    keep(away);

    Bench polling;
    polling.begin(Dialect::engineio4, false);
    polling.say(input::PollOpened{1});
    polling.say(input::PostReceived{2, "40"});
    polling.say(input::PostReceived{3, "42[\"held\",1]"});
    polling.say(input::PollOpened{4});
    keep(polling);

    Bench old;
    old.begin(Dialect::engineio3, false);
    old.say(input::PollOpened{1});
    old.say(input::UpstreamPollingOpened{"96:" + open});
    old.say(input::PostReceived{2, "8:42[\"x\",1]"});
    keep(old);

    Bench json;
    json.begin(Dialect::json, true);
    json.say(input::ClientUpgraded{});
    json.client(R"({"hello":1})");
    json.upstream(R"({"n":1})");
    for (const char* id : {"1", "2", "3", "1"})
        json.client(R"({"type":"job","i":)" + std::string(id) + R"(,"q":[1]})");
    json.say(input::GateSaid{1, rules::Verdict::What::go, {}, 0, 0});
    json.say(input::GateSaid{2, rules::Verdict::What::go, {}, 0, 0});
    json.upstream(R"({"type":"done","i":1})");
    json.say(input::ClientLost{});
    json.upstream(R"({"n":2})");
    keep(json);

    Bench plain;
    plain.begin(Dialect::plain, true);
    plain.say(input::ClientBytes{std::string_view("\x88\x82\x01\x02\x03\x04\x02\xea", 8)});
    keep(plain);
    return made;
}

void go_on(Bench& bench, std::string_view data) {
    while (data.size() >= 2 && !bench.session->ended()) {
        const auto operation = static_cast<unsigned char>(data[0]);
        const std::size_t size = std::min<std::size_t>(static_cast<unsigned char>(data[1]), data.size() - 2);
        const std::string_view bytes = data.substr(2, size);
        data.remove_prefix(2 + size);
        switch (operation % 10) {
            case 0:
                bench.client(bytes);
                break;
            case 1:
                bench.upstream(bytes);
                break;
            case 2:
                bench.say(input::ClientLost{});
                break;
            case 3:
                bench.say(input::UpstreamLost{});
                break;
            case 4:
                bench.say(input::UpstreamOpened{});
                bench.upstream(R"(0{"sid":"n","upgrades":[],"pingInterval":25000,"pingTimeout":20000})");
                bench.upstream(R"(40{"sid":"n"})");
                break;
            case 5:
                bench.say(input::ClientBlocked{size * 64});
                break;
            case 6:
                bench.say(input::ClientDrained{});
                break;
            case 7:
                bench.say(input::PollOpened{100});
                break;
            case 8:
                bench.say(input::UpstreamPolled{200, bytes});
                break;
            default:
                bench.now += std::chrono::milliseconds(size * size);
                bench.say(input::Tick{});
        }
    }
    for (int i = 0; i < 50 && !bench.session->ended(); ++i) {
        const TimePoint next = bench.session->next_deadline();
        if (next == never) break;
        bench.now = std::max(bench.now, std::min(next, start + std::chrono::hours(24 * 365)));
        bench.say(input::Tick{});
    }
}

void restore(std::string_view bytes, std::string_view operations) {
    Bench bench;
    {
        auto restored = Session::restore(policy(), bench.stats, bench.workspace, bytes, bench.now);
        if (auto* session = std::get_if<Session>(&restored)) {
            const std::string again = session->snapshot(bench.now);
            auto twice = Session::restore(policy(), bench.stats, bench.workspace, again, bench.now);
            require(std::holds_alternative<Session>(twice));
            require(std::get<Session>(twice).snapshot(bench.now) == again);
            bench.session = std::make_unique<Session>(std::move(*session));
        }
    }
    if (bench.session) go_on(bench, operations);
    bench.session.reset();
    for (const auto gauge : bench.stats.client_legs) require(gauge == 0);
    for (const auto gauge : bench.stats.upstream_legs) require(gauge == 0);
    for (const RuleStats& rule : bench.stats.rules) require(rule.outstanding == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<std::string> sessions = examples();
    if (size < 2) return 0;
    std::string_view input(reinterpret_cast<const char*>(data), size);
    if (data[0] == 255) {
        restore(input.substr(1), {});
        return 0;
    }
    std::string bytes = sessions[data[0] % sessions.size()];
    const std::size_t replaced = data[1];
    input.remove_prefix(2);
    for (std::size_t i = 0; i < replaced && input.size() >= 3; ++i) {
        const std::size_t where =
            static_cast<unsigned char>(input[0]) * 256U + static_cast<unsigned char>(input[1]);
        bytes[where % bytes.size()] = input[2];
        input.remove_prefix(3);
    }
    if (replaced == 0) {  // what nobody has touched is restored
        Bench bench;
        require(std::holds_alternative<Session>(
            Session::restore(policy(), bench.stats, bench.workspace, bytes, bench.now)));
    }
    restore(bytes, input);
    return 0;
}
