#include "tests/session/script.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

#include "proxy/wire/websocket/message.h"

namespace forestay::session::testing {

using wire::websocket::Opcode;

namespace {

constexpr wire::websocket::MaskKey mask{0x12, 0x34, 0x56, 0x78};

// Frames back to readable lines: text as it is, others named.
void describe(std::vector<std::string>& lines, std::string_view who, std::string_view bytes,
              wire::websocket::Sender sender) {
    wire::websocket::MessageReader reader(sender, {});
    std::string scratch;
    for (;;) {
        const auto message = reader.next(bytes, scratch);
        if (!message) throw std::logic_error("the session wrote a bad frame: " + message.error().message());
        if (!*message) break;
        std::string line = std::string(who) + ": ";
        const std::string_view payload = (*message)->payload;
        switch ((*message)->opcode) {
            case Opcode::text:
                line += payload;
                break;
            case Opcode::binary:
                line += "<" + std::string(payload) + ">";
                break;
            case Opcode::ping:
                if (payload.empty() && who == "upstream")
                    continue;  // has the upstream read all? Not of interest to most tests
                line += "PING " + std::string(payload);
                break;
            case Opcode::pong:
                line += "PONG " + std::string(payload);
                break;
            case Opcode::continuation:
                throw std::logic_error("unexpected continuation");
            case Opcode::close: {
                line += "CLOSE";
                if (payload.size() >= 2) {
                    const unsigned code = static_cast<unsigned char>(payload[0]) * 256U +
                                          static_cast<unsigned char>(payload[1]);
                    line += " " + std::to_string(code);
                    if (payload.size() > 2) line += " " + std::string(payload.substr(2));
                }
            }
        }
        lines.push_back(std::move(line));
    }
    if (!bytes.empty()) throw std::logic_error("the session wrote half a frame");
}

}  // namespace

rules::RuleSpec ask_rule() {
    rules::RuleSpec ask;
    ask.name = "ask";
    ask.match.event = "ask";
    ask.timeout = 5s;
    ask.fallback.ack = R"([{"status":"timeout","id":"{{id}}"}])";
    return ask;
}

rules::RuleSpec chat_rule() {
    rules::RuleSpec chat;
    chat.name = "chat";
    chat.match.event = "chat_message";
    chat.id = "/message_id";
    chat.answer.event = {"response"};
    chat.timeout = 3s;
    chat.fallback.event = "response";
    chat.fallback.data = R"({"message_id":"{{id}}","status":"timeout"})";
    return chat;
}

Policy policy_with(const std::vector<rules::RuleSpec>& rules) {
    std::vector<rules::Problem> problems;
    Policy made;
    made.rules = rules::RuleSet::compile(rules, problems);
    if (!problems.empty()) throw std::logic_error(problems.front().field + ": " + problems.front().message);
    return made;
}

Policy policy() {
    rules::RuleSpec line;
    line.name = "line";
    line.match.event = "next";
    line.id = "order";
    line.answer.event = {"served"};
    line.timeout = 2s;
    line.fallback.event = "served";
    line.fallback.data = R"("late")";
    return policy_with({ask_rule(), chat_rule(), line});
}

Setup websocket_first() {
    Setup setup;
    setup.sid = "SID";
    setup.websocket = true;
    return setup;
}

Script::Script(Setup setup, Policy with, std::chrono::milliseconds begun)
    : policy_(std::move(with)),
      now_(start_ + begun),
      session_(std::make_unique<Session>(
          policy_, stats_, workspace_,
          [&] {
              if (setup.sid.empty()) setup.sid = "SID";
              return setup;
          }(),
          now_)) {}

Script& Script::at(std::chrono::milliseconds since_start) {
    const TimePoint until = start_ + since_start;
    const auto next = [this] {
        return gate_ ? std::min(gate_->next_deadline(), session_->next_deadline())
                     : session_->next_deadline();
    };
    while (!session_->ended() && next() <= until) {
        now_ = std::max(now_, next());
        if (gate_) gate_->tick(now_);
        input(input::Tick{});
    }
    now_ = until;
    return *this;
}

Script& Script::input(const Input& what) {
    session_->handle(what, now_);
    collect();
    settle_gate();
    move_if_wanted();
    return *this;
}

Script& Script::gated() {
    gate_ = std::make_unique<rules::Gate>(policy_.rules.rules());
    return *this;
}

void Script::settle_gate() {
    if (!gate_) return;
    while (const auto said = gate_->next_verdict()) {
        session_->handle(
            input::GateSaid{said->ticket.request, said->what, said->code, said->place, said->waiting}, now_);
        collect();
    }
}

Script& Script::client_frame(Opcode opcode, std::string_view payload) {
    std::string frame;
    wire::websocket::write_frame(frame, opcode, payload, mask);
    return input(input::ClientBytes{frame});
}
Script& Script::client_says(std::string_view text) {
    return client_frame(Opcode::text, text);
}
Script& Script::client_sends(std::string_view binary) {
    return client_frame(Opcode::binary, binary);
}

Script& Script::upstream_frame(Opcode opcode, std::string_view payload) {
    std::string frame;
    wire::websocket::write_frame(frame, opcode, payload, std::nullopt);
    return input(input::UpstreamBytes{frame});
}
Script& Script::upstream_says(std::string_view text) {
    return upstream_frame(Opcode::text, text);
}
Script& Script::upstream_sends(std::string_view binary) {
    return upstream_frame(Opcode::binary, binary);
}

Script& Script::joined() {
    input(input::ClientUpgraded{});
    client_says("40");
    input(input::UpstreamOpened{});
    upstream_says(upstream_open);
    upstream_says(R"(40{"sid":"sio"})");
    heard_.clear();
    return *this;
}

bool Script::takes(Script& fresh) {
    const bool taken = session_->take_client(*fresh.session_, now_);
    collect();
    settle_gate();
    move_if_wanted();
    return taken;
}

Script& Script::moves() {
    const std::string bytes = session_->snapshot(now_);
    session_.reset();
    // Where the clock stands elsewhere is no part of a session.
    auto restored = Session::restore(policy_, stats_, workspace_, bytes, now_);
    if (!std::holds_alternative<Session>(restored)) throw std::logic_error("the session cannot be restored");
    session_ = std::make_unique<Session>(std::move(std::get<Session>(restored)));
    if (session_->snapshot(now_) != bytes) throw std::logic_error("the session is another one");
    return *this;
}

void Script::move_if_wanted() {
    static const bool wanted = std::getenv("FORESTAY_MOVE_SESSIONS") != nullptr;
    if (wanted && !session_->ended()) moves();
}

std::vector<std::string> Script::heard() {
    return std::exchange(heard_, {});
}

void Script::collect() {
    struct Describe {
        std::vector<std::string>& lines;
        void operator()(const action::SendClient& a) const {
            describe(lines, "client", a.bytes, wire::websocket::Sender::server);
        }
        void operator()(const action::SendUpstream& a) const {
            describe(lines, "upstream", a.bytes, wire::websocket::Sender::client);
        }
        void operator()(const action::AnswerExchange& a) const {
            lines.push_back("answer " + std::to_string(a.exchange) + " " + std::to_string(a.status) + ": " +
                            std::string(a.body));
        }
        void operator()(const action::ConnectUpstream&) const { lines.emplace_back("connect"); }
        void operator()(const action::CheckCredential& a) const {
            lines.push_back("check " + std::string(a.connect_payload));
        }
        void operator()(const action::RenewCredential& a) const {
            lines.push_back("renew " + std::string(a.credential));
        }
        void operator()(const action::PollUpstream& a) const {
            lines.push_back("poll " + std::string(a.sid));
        }
        void operator()(const action::PostUpstream& a) const {
            lines.push_back("post " + std::string(a.sid) + ": " + std::string(a.body));
        }
        void operator()(const action::FindSession& a) const {
            lines.push_back("find " + std::string(a.secret));
        }
        void operator()(const action::AskGate& a) const {
            lines.push_back("ask gate " + std::to_string(a.request) +
                            (a.kind == rules::AskKind::retry ? " again" : ""));
        }
        void operator()(const action::LeaveGate& a) const {
            constexpr std::array<std::string_view, 3> outcomes{"answered", "failed", "released"};
            lines.push_back("leave gate " + std::to_string(a.request) + " " +
                            std::string(outcomes[static_cast<std::size_t>(a.outcome)]));
        }
        void operator()(const action::AliasSid& a) const {
            lines.push_back("alias " + std::string(a.known) + " " + std::string(a.current));
        }
        void operator()(const action::Report& a) const {
            // shielded() and limited() know.
            if (a.kind == ReportKind::shield_hit || a.kind == ReportKind::limit_hit) return;
            lines.push_back("report " + std::string(report_names[static_cast<std::size_t>(a.kind)]) + " " +
                            std::to_string(a.count));
        }
        void operator()(const action::PauseClient&) const { lines.emplace_back("pause client"); }
        void operator()(const action::ResumeClient&) const { lines.emplace_back("resume client"); }
        void operator()(const action::PauseUpstream&) const { lines.emplace_back("pause upstream"); }
        void operator()(const action::ResumeUpstream&) const { lines.emplace_back("resume upstream"); }
        void operator()(const action::CloseClient&) const { lines.emplace_back("close client"); }
        void operator()(const action::CloseUpstream&) const { lines.emplace_back("close upstream"); }
        void operator()(const action::End& a) const {
            lines.push_back("end " + std::string(close_side_names[static_cast<std::size_t>(a.side)]) + " " +
                            std::string(close_reason_names[static_cast<std::size_t>(a.reason)]));
        }
    };
    constexpr std::uint64_t us = 7;
    while (const auto action = session_->next_action()) {
        std::visit(Describe{heard_}, *action);
        if (!gate_) continue;
        if (const auto* ask = std::get_if<action::AskGate>(&*action))
            gate_->ask({us, ask->request}, ask->rule, ask->kind, "who", now_);
        if (const auto* leave = std::get_if<action::LeaveGate>(&*action))
            gate_->done({us, leave->request}, leave->outcome, now_);
        if (std::holds_alternative<action::End>(*action)) gate_->forget(us, now_);
    }
}

}  // namespace forestay::session::testing
