#include "proxy/app/stage.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "proxy/wire/socketio/packet.h"
#include "proxy/wire/websocket/message.h"

namespace forestay::app {
namespace {

namespace action = session::action;
namespace input = session::input;
namespace websocket = wire::websocket;

// Heartbeats that never come up, and that no reader takes for too far away.
constexpr const char* open_packet =
    R"(0{"sid":"app","upgrades":[],"pingInterval":1728000000,"pingTimeout":1728000000})";
constexpr websocket::MaskKey mask{1, 2, 3, 4};

std::string frame(std::string_view text, bool masked = false) {
    std::string out;
    websocket::write_frame(out, websocket::Opcode::text, text, masked ? std::optional(mask) : std::nullopt);
    return out;
}

}  // namespace

Stage::Stage(const session::Policy& policy) : policy_(policy), gate_(policy.rules.rules()) {
    workspace_.ends = &ends_;
}

Stage::Number Stage::enter(const session::Setup& setup, std::string who) {
    Player& player = players_[++last_];
    player.session = std::make_unique<session::Session>(policy_, stats_, workspace_, setup, now_);
    player.who = std::move(who);
    player.json = setup.dialect == session::Dialect::json;
    tell(last_, input::ClientUpgraded{});
    return last_;
}

void Stage::client_says(Number number, std::string_view text) {
    if (!has(number)) return;
    const bool json = players_.at(number).json;
    tell(number, input::ClientBytes{frame((json ? "" : "4") + std::string(text), true)});
}

void Stage::app_says(Number number, std::string_view text) {
    if (!has(number)) return;
    const bool json = players_.at(number).json;
    tell(number, input::UpstreamBytes{frame((json ? "" : "4") + std::string(text))});
}

void Stage::tell(Number number, const session::Input& what) {
    handle(number, what);
    for (;;) {
        if (!words_.empty()) {
            const Word word = std::move(words_.front());
            words_.pop_front();
            if (word.bytes.empty())
                handle(word.number, input::UpstreamOpened{});
            else
                handle(word.number, input::UpstreamBytes{word.bytes});
        } else if (const auto verdict = gate_.next_verdict()) {
            handle(verdict->ticket.session, input::GateSaid{verdict->ticket.request, verdict->what,
                                                            verdict->code, verdict->place, verdict->waiting});
        } else {
            return;
        }
    }
}

void Stage::handle(Number number, const session::Input& what) {
    const auto found = players_.find(number);
    if (found == players_.end()) return;
    Player& player = found->second;
    player.session->handle(what, now_);
    std::optional<session::CloseReason> over;
    while (const auto asked = player.session->next_action()) {
        if (const auto* end = std::get_if<action::End>(&*asked))
            over = end->reason;
        else
            perform(number, player, *asked);
    }
    schedule_.erase({player.due, number});
    if (over) {
        overs_.emplace_back(number, *over);
        players_.erase(found);
        return gate_.forget(number, now_);
    }
    player.due = player.session->next_deadline();
    schedule_.emplace(player.due, number);
}

void Stage::perform(Number number, const Player& player, const session::Action& asked) {
    if (std::holds_alternative<action::ConnectUpstream>(asked)) {
        words_.push_back({number, {}});
        words_.push_back({number, frame(open_packet)});
    } else if (const auto* send = std::get_if<action::SendUpstream>(&asked)) {
        if (!player.json) hear_upstream(number, send->bytes);
    } else if (const auto* ask = std::get_if<action::AskGate>(&asked)) {
        gate_.ask({number, ask->request}, ask->rule, ask->kind, player.who, now_);
    } else if (const auto* leave = std::get_if<action::LeaveGate>(&asked)) {
        gate_.done({number, leave->request}, leave->outcome, now_);
    }
}

void Stage::hear_upstream(Number number, std::string_view bytes) {
    websocket::MessageReader reader(websocket::Sender::client, {policy_.limits.message_bytes + 16, 1});
    std::string scratch;
    for (;;) {
        const auto message = reader.next(bytes, scratch);
        if (!message || !*message) return;
        const std::string_view text = (*message)->payload;
        if ((*message)->opcode != websocket::Opcode::text || !text.starts_with("40")) continue;
        const auto packet = wire::socketio::scan_server_packet(text.substr(1));
        if (!packet) continue;
        std::string reply = "4";
        wire::socketio::write_connect_reply(reply, packet->nsp, "app");
        words_.push_back({number, frame(reply)});
    }
}

bool Stage::step(session::TimePoint until) {
    const session::TimePoint sessions = schedule_.empty() ? session::never : schedule_.begin()->first;
    const session::TimePoint next = std::min(sessions, gate_.next_deadline());
    if (next > until || next == session::never) return false;
    now_ = std::max(now_, next);
    Number number = 0;  // nobody: but what the gate has said is told
    if (gate_.next_deadline() <= now_)
        gate_.tick(now_);
    else
        number = schedule_.begin()->second;
    tell(number, input::Tick{});
    return true;
}

}  // namespace forestay::app
