// The requests of the client model: how it asks, and asks again, and what it hears of them besides answers.
#include <algorithm>

#include "tests/simulation/client_model.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using wire::socketio::Packet;

std::optional<RuleIndex> ClientModel::make_request(Namespace& nsp, std::uint64_t dice, Number n,
                                                   SioPacket& packet) {
    const std::string number = "{\"n\":" + std::to_string(n);
    std::optional<RuleIndex> tracked;
    switch (dice) {
        case 0:
        case 1:
            tracked = ask_rule;
            packet.id = nsp.next_ack++;
            packet.arguments = "\"ask\"," + number;
            break;
        case 2:
        case 3: {
            tracked = chat_rule;
            const std::string id = random_.chance(50) ? std::to_string(n) : "\"q" + std::to_string(n) + "\"";
            requests_by_id_[id] = n;
            packet.arguments = "\"chat\"," + number + ",\"mode\":\"think\",\"message_id\":" + id;
            break;
        }
        case 4:
            tracked = line_rule;
            packet.arguments = "\"line\"," + number;
            break;
        case 5:
            if (ledger_.tracks_any()) tracked = any_rule;
            packet.id = nsp.next_ack++;
            packet.arguments = "\"note\"," + number;
            break;
        default:
            packet.arguments = "\"msg\"," + number + ",\"text\":\"" + padding() + "\"";
            break;
    }
    const bool invalid = tracked && ledger_.rule(*tracked).schema && random_.chance(20);
    if (invalid) packet.arguments += ",\"bad\":1";
    packet.arguments += "}";
    if (packet.id) nsp.acks[*packet.id] = {n, tracked.has_value()};
    if (tracked) ledger_.request_sent(n, *tracked, invalid);
    return tracked;
}

// As stock clients with `retries` do, or as people do: the same again, with an ack id of its own. Whether it
// has been answered or not.
void ClientModel::ask_again_later(const SioPacket& packet, Number n, RuleIndex rule) {
    const rules::Rule& of = ledger_.rule(rule);
    if (of.repeat.window == 0ms || !random_.chance(60)) return;
    // Known: with an id of its own and attachments its content comes too late to be recognised.
    if (rule == chat_rule && of.repeat.by == rules::RepeatBy::content && !packet.attachments.empty()) return;
    const auto longest = std::min(of.timeout * 2, of.repeat.window + 2000ms);
    world_.schedule().after(random_.pause(0ms, random_.chance(50) ? 500ms : longest),
                            [this, packet, n, rule, mine = transport_] {
                                if (mine == transport_) ask_again(packet, n, rule);
                            });
}

void ClientModel::ask_again(SioPacket packet, Number n, RuleIndex rule) {
    Namespace& nsp = namespaces_.find(packet.nsp)->second;
    if (finished_ || !transport_->alive() || world_.at_rest() || nsp.membership != Membership::in) return;
    if (packet.id) {
        packet.id = nsp.next_ack++;
        nsp.acks[*packet.id] = {n, true};
    }
    emit(packet, n, rule, true);
    ask_again_later(packet, n, rule);
}

// ---- what it hears

std::optional<Ledger::Number> ClientModel::request_by_id(const Packet& packet) const {
    const auto id = rules::id_text(*wire::json::Pointer::parse("/message_id"),
                                   wire::socketio::from_argument(packet, 0).value_or(""));
    const auto found = id ? requests_by_id_.find(*id) : requests_by_id_.end();
    return found == requests_by_id_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Ledger::Fallback> ClientModel::fallback_in(std::string_view payload) {
    if (payload.find("\"status\":\"timeout\"") == std::string_view::npos) return std::nullopt;
    Ledger::Fallback fallback;
    constexpr std::string_view key = "\"code\":\"";
    const auto begin = payload.find(key);
    require(begin != std::string_view::npos, "a fallback without a code");
    const auto rest = payload.substr(begin + key.size());
    const auto code =
        std::find(rules::code_names.begin(), rules::code_names.end(), rest.substr(0, rest.find('"')));
    require(code != rules::code_names.end(), "a fallback with an unknown code");
    fallback.code = static_cast<rules::Code>(code - rules::code_names.begin());
    const auto tries = number_after(payload, "\"tries\":");
    const auto elapsed = number_after(payload, "\"elapsed\":");
    require(tries && elapsed, "a fallback without its numbers");
    fallback.tries = static_cast<unsigned>(*tries);
    fallback.elapsed = Duration(*elapsed);
    fallback.abort = payload.find("\"abort\":1") != std::string_view::npos;
    return fallback;
}

bool ClientModel::is_status(const Packet& packet) {
    return packet.event.ends_with("_status");
}

void ClientModel::heard_status(const Namespace& nsp, const Packet& packet) {
    if (nsp.membership == Membership::gone) return;
    constexpr std::array<std::string_view, rule_count> names{"ask_status", "chat_status", "line_status",
                                                             "any_status"};
    const auto name = std::find(names.begin(), names.end(), packet.event);
    const auto place = number_after(packet.payload, "\"place\":");
    const auto waiting = number_after(packet.payload, "\"waiting\":");
    require(name != names.end() && place && waiting, "a place in line that says nothing");
    const auto rule = static_cast<RuleIndex>(name - names.begin());
    std::optional<Number> n;
    if (rule == chat_rule) {
        const auto id = rules::id_text(*wire::json::Pointer::parse("/id"),
                                       wire::socketio::from_argument(packet, 0).value_or(""));
        const auto found = id ? requests_by_id_.find(*id) : requests_by_id_.end();
        require(found != requests_by_id_.end(), "a place in line of no request");
        n = found->second;
    } else if (rule != line_rule) {
        const auto found = nsp.acks.find(number_after(packet.payload, "\"id\":").value_or(~std::uint64_t{0}));
        require(found != nsp.acks.end(), "a place in line of no request");
        n = found->second.first;
    }
    ledger_.client_got_status(rule, n, *place, *waiting);
}

void ClientModel::heard_of_request(const Packet& packet, const std::optional<Ledger::Fallback>& fallback) {
    if (packet.event == "line_done") return ledger_.client_got_line(fallback);
    const auto n = number_after(packet.payload, "\"re\":");
    if (!n) return;
    if (packet.event == "late_reply") ledger_.client_got_late_answer(*n);
    if (packet.event.ends_with("_part")) ledger_.client_got_sign(*n, true);
    if (packet.event.ends_with("_progress")) ledger_.client_got_sign(*n, false);
}

}  // namespace forestay::simulation
