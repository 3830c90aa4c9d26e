// A session fed with anything in any order: no crash, nothing after the end, frames of ours always
// well-formed, gauges back to zero. Each operation is one byte that says which, one that says how long its
// bytes are, and the bytes.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/session/session.h"
#include "proxy/wire/json/scan.h"
#include "proxy/wire/websocket/message.h"
#include "rules/rule_set.h"

using namespace forestay;
using namespace forestay::session;

namespace {

const Policy& policy(unsigned kind) {
    static const Policy made = [] {
        rules::RuleSpec ask;
        ask.name = "ask";
        ask.match.event = "*";
        ask.timeout = std::chrono::seconds(5);
        ask.fallback.ack = R"(["{{id}}","{{event}}"])";
        rules::RuleSpec chat;
        chat.name = "chat";
        chat.match.event = "c";
        chat.id = "/i";
        chat.answer.event = {"r"};
        chat.timeout = std::chrono::seconds(3);
        chat.fallback.event = "r";
        chat.fallback.data = R"({"i":"{{id}}"})";
        rules::RuleSpec job;
        job.name = "job";
        job.match.type = "j";
        job.id = "/i";
        job.answer.event = {"r"};
        job.progress.event = {"p"};
        job.timeout = std::chrono::seconds(5);
        job.idle_first = job.idle_next = std::chrono::seconds(2);
        job.fallback.message = R"({"type":"r","i":"{{id}}","q":"{{/q}}"})";
        job.late_rename = "l";
        job.repeatable = true;
        job.repeat.window = std::chrono::seconds(20);
        rules::RuleSpec line;
        line.name = "line";
        line.match.type = "g";
        line.schema = R"({"required":["n"]})";
        line.id = "order";
        line.answer.event = {"r"};
        line.timeout = std::chrono::seconds(5);
        line.fallback.message = R"({"type":"r"})";
        line.concurrency = 1;
        line.queue.given = true;
        line.queue.status.message = R"({"place":"{{place}}"})";
        std::vector<rules::Problem> problems;
        Policy policy;
        policy.rules = rules::RuleSet::compile({ask, chat, job, line}, problems);
        JsonWebsocket& shape = policy.json_websockets.emplace_back();
        shape.type = *wire::json::Pointer::parse("/type");
        std::string problem;
        shape.error = *rules::MessageTemplate::compile(R"({"e":"{{detail}}","i":"{{id}}"})", problem);
        shape.ping = "ping";
        shape.pong = *rules::MessageTemplate::compile(R"({"pong":"{{/t}}"})", problem);
        shape.heartbeat = std::chrono::seconds(30);
        shape.heartbeat_message = "{}";
        shape.heartbeat_response = "h";
        shape.idle_timeout = std::chrono::seconds(100);
        policy.limits.outbox_bytes = policy.limits.held_bytes = policy.limits.message_bytes = 4096;
        policy.resume_upstream.max_bytes = policy.resume_client.max_bytes = 4096;
        policy.resume_upstream.max_messages = policy.resume_client.max_messages = 8;
        policy.resume_upstream.rebuild = {"c", "e"};
        if (!problems.empty()) std::abort();
        return policy;
    }();
    // Each way to return and each recovery.
    static const auto all = [] {
        std::array<Policy, 9> policies;
        for (std::size_t i = 0; i < policies.size(); ++i) {
            policies[i] = made;
            policies[i].resume_upstream.on_return = static_cast<OnReturn>(i % 3);
            policies[i].resume_client.recovery = static_cast<Recovery>(i / 3);
            policies[i].resume_client.envelope = i / 3 > 0;
        }
        return policies;
    }();
    return all[kind % all.size()];
}

// Checks that what the session writes are whole, well-formed frames.
class Peer {
  public:
    explicit Peer(wire::websocket::Sender sender) : reader_(sender, {}) {}
    void reads(std::string_view bytes) {
        for (;;) {
            const auto message = reader_.next(bytes, scratch_);
            if (!message) std::abort();
            if (!*message) break;
        }
        if (!bytes.empty()) std::abort();
    }

  private:
    wire::websocket::MessageReader reader_;
    std::string scratch_;
};

void run(std::string_view data, unsigned kind, Dialect dialect, bool websocket, bool credential) {
    Stats stats;
    Workspace workspace;
    TimePoint now{std::chrono::hours(1)};
    {
        Setup setup;
        setup.dialect = dialect;
        setup.sid = "SID";
        setup.secret = "SECRET";
        setup.websocket = websocket;
        setup.credential_in_connect = credential;
        Session session(policy(kind / 3), stats, workspace, setup, now);
        Peer client(wire::websocket::Sender::server);
        Peer upstream(wire::websocket::Sender::client);
        ExchangeId exchange = 0;
        std::uint64_t asked = 0;  // the last request that the gate was asked for
        while (data.size() >= 2) {
            const auto operation = static_cast<unsigned char>(data[0]);
            const std::size_t size =
                std::min<std::size_t>(static_cast<unsigned char>(data[1]), data.size() - 2);
            const std::string_view bytes = data.substr(2, size);
            data.remove_prefix(2 + size);
            const bool was_over = session.ended();
            std::string frame;
            const auto text = wire::websocket::Opcode::text;
            switch (operation % 27) {
                case 0:
                    session.handle(input::PollOpened{++exchange}, now);
                    break;
                case 1:
                    session.handle(input::PostReceived{++exchange, bytes}, now);
                    break;
                case 2:
                    session.handle(input::ExchangeWritten{exchange}, now);
                    break;
                case 3:
                    session.handle(input::ExchangeLost{exchange}, now);
                    break;
                case 4:
                    session.handle(input::ClientUpgraded{}, now);
                    break;
                case 5:
                    session.handle(input::ClientBytes{bytes}, now);
                    break;
                case 6:
                    session.handle(input::UpstreamBytes{bytes}, now);
                    break;
                case 7:
                    session.handle(input::ClientBlocked{size * 64}, now);
                    break;
                case 8:
                    session.handle(input::ClientDrained{}, now);
                    break;
                case 9:
                    session.handle(input::UpstreamBlocked{size * 64}, now);
                    break;
                case 10:
                    session.handle(input::UpstreamDrained{}, now);
                    break;
                case 11:
                    session.handle(input::UpstreamOpened{}, now);
                    break;
                case 12:
                    session.handle(input::CredentialAccepted{}, now);
                    break;
                case 13:
                    session.handle(input::CredentialRefused{"expired"}, now);
                    break;
                case 14:
                    now += std::chrono::milliseconds(size * size);
                    session.handle(input::Tick{}, now);
                    break;
                case 15:
                    wire::websocket::write_frame(frame, text, bytes, wire::websocket::MaskKey{1, 2, 3, 4});
                    session.handle(input::ClientBytes{frame}, now);
                    break;
                case 16:
                    wire::websocket::write_frame(frame, text, bytes, std::nullopt);
                    session.handle(input::UpstreamBytes{frame}, now);
                    break;
                case 17:
                    session.handle(input::UpstreamRefused{size == 0 ? 0 : static_cast<unsigned>(size) + 300},
                                   now);
                    break;
                case 18:
                    session.handle(input::UpstreamLost{}, now);
                    break;
                case 19:
                    if (dialect == Dialect::plain || dialect == Dialect::json) break;  // never asked for
                    session.handle(input::UpstreamPollingOpened{bytes}, now);
                    break;
                case 20:
                    session.handle(input::UpstreamPolled{size == 0 ? 0U : 200U, bytes}, now);
                    break;
                case 21:
                    session.handle(input::UpstreamPosted{size == 0 ? 200U : static_cast<unsigned>(size)},
                                   now);
                    break;
                case 22:
                    session.handle(input::ClientLost{}, now);
                    break;
                case 23:
                    session.handle(input::SessionNotFound{}, now);
                    break;
                case 24:
                    session.handle(input::Superseded{}, now);
                    break;
                case 25:
                    session.handle(input::GateSaid{asked == 0 ? 0 : size % asked + 1,
                                                   static_cast<rules::Verdict::What>(size % 3),
                                                   rules::Code::overload_queue_full, size, size},
                                   now);
                    break;
                default:
                    session.handle(input::Shutdown{}, now);
                    break;
            }
            while (const auto action = session.next_action()) {
                if (was_over) std::abort();  // nothing follows End
                if (const auto* send = std::get_if<action::SendClient>(&*action)) client.reads(send->bytes);
                if (const auto* send = std::get_if<action::SendUpstream>(&*action))
                    upstream.reads(send->bytes);
                if (const auto* ask = std::get_if<action::AskGate>(&*action)) asked = ask->request;
            }
            if (!session.ended() && session.next_deadline() < TimePoint{}) std::abort();
        }
    }
    for (const auto gauge : stats.client_legs) {
        if (gauge != 0) std::abort();
    }
    for (const auto gauge : stats.upstream_legs) {
        if (gauge != 0) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view operations(reinterpret_cast<const char*>(data) + 1, size - 1);
    const unsigned kind = data[0];
    constexpr Dialect dialects[] = {Dialect::engineio4, Dialect::engineio3, Dialect::plain};
    const bool json = kind % 3 == 2 && (kind & 64U) != 0;
    run(operations, kind, json ? Dialect::json : dialects[kind % 3], (kind & 16U) != 0, (kind & 32U) != 0);
    return 0;
}
