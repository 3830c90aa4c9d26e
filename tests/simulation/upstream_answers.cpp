// How the upstream model works on what it is asked: it shows progress, gives parts, and answers in time, late
// or never. Asked twice it answers twice.
#include <utility>

#include "tests/simulation/shell.h"
#include "tests/simulation/upstream_model.h"

namespace forestay::simulation {

using namespace std::chrono_literals;

std::optional<std::chrono::microseconds> UpstreamModel::answer_delay(Duration timeout) {
    const auto dice = random_.below(100);
    if (dice < 50) return random_.pause(0ms, 300ms);
    if (dice < 65) return random_.pause(std::min(timeout - 100ms, Duration{300}), timeout - 100ms);
    if (dice < 80) return random_.pause(timeout - 50ms, timeout + 50ms);
    if (dice < 90) return random_.pause(timeout, timeout + 6'000ms);
    return std::nullopt;
}

// None: nobody waits for an answer, or it is an ordinary ACK.
std::optional<RuleIndex> UpstreamModel::make_reply(const wire::socketio::Packet& packet, Number n,
                                                   SioPacket& reply) {
    const std::string re = "\"re\":" + std::to_string(n);
    if (packet.event == "ask" || packet.event == "note") {
        reply.type = '3';
        reply.id = packet.id;
        reply.arguments = re;
        if (packet.event == "ask") return ask_rule;
        return ledger_.tracks_any() ? std::optional(any_rule) : std::nullopt;
    }
    if (packet.event == "chat") {
        const auto id = rules::id_text(*wire::json::Pointer::parse("/message_id"),
                                       wire::socketio::from_argument(packet, 0).value_or(""));
        require(id.has_value(), "the upstream got a chat without its id");
        reply.arguments = "\"response\",{\"message_id\":" + std::string(*id) + "," + re;
        return chat_rule;
    }
    reply.arguments = "\"line_done\",{" + re;
    return line_rule;
}

void UpstreamModel::event(const wire::socketio::Packet& packet, Number n, bool again) {
    const bool asks_back = packet.event == "ask" || packet.event == "note";
    if (!asks_back && packet.event != "chat" && packet.event != "line") return;
    if (asks_back && !packet.id) return;  // said again to rebuild: its answer is for nobody
    SioPacket reply;
    const auto rule = make_reply(packet, n, reply);
    const auto timeout = rule ? ledger_.rule(*rule).timeout : Duration{1'000};
    const std::string nsp(packet.nsp.substr(0, packet.nsp.find('?')));
    const auto delay = answer_delay(timeout);
    if (rule) {
        const auto id = rules::id_text(*wire::json::Pointer::parse("/message_id"),
                                       wire::socketio::from_argument(packet, 0).value_or(""));
        show_progress(*rule, nsp, n, id.value_or("0"),
                      delay ? std::chrono::duration_cast<Duration>(*delay) : timeout * 2);
    }
    if (!delay) return;
    later(*delay, [this, nsp, reply, n, rule, again]() mutable {
        if (!joined_.contains(nsp)) return;
        reply.nsp = *joined_.find(nsp);
        if (rule) return answer(std::move(reply), n);
        const Number m = ledger_.upstream_makes();
        if (again) ledger_.excuse(m);  // what a rebuilding event brings is for nobody
        reply.arguments = "{\"m\":" + std::to_string(m) + "}";
        send(std::move(reply), m, std::nullopt);
    });
}

void UpstreamModel::answer(SioPacket packet, Number n) {
    const Number m = ledger_.upstream_makes();
    ledger_.answer_made(n, m);
    const std::string number = "\"m\":" + std::to_string(m) + "}";
    packet.arguments = (packet.type == '3' ? "{" : "") + packet.arguments + "," + number;
    if (random_.chance(15)) packet.attachments = attachments_of(m, 1 + random_.below(2), random_.below(100));
    send(std::move(packet), m, n);
}

void UpstreamModel::show_progress(RuleIndex index, std::string_view name, Number n, std::string_view id,
                                  Duration until) {
    const rules::Rule& rule = ledger_.rule(index);
    const auto& signs = random_.chance(50) ? rule.progress.names : rule.partial.names;
    if (signs.empty() || random_.chance(30)) return;
    for (auto count = random_.between(1, 5); count > 0; --count) {
        later(random_.pause(0ms, until),
              [this, nsp = std::string(name), n, sign = signs[0], id = std::string(id)] {
                  if (!joined_.contains(nsp)) return;
                  const Number m = ledger_.upstream_makes();
                  ledger_.sign_made(n, m);
                  SioPacket packet;
                  packet.nsp = nsp;
                  packet.arguments = "\"" + sign + "\",{\"message_id\":" + id +
                                     ",\"re\":" + std::to_string(n) + ",\"m\":" + std::to_string(m) + "}";
                  const std::string header = header_of(packet);
                  world_.note("upstream: " + header);
                  send_text("4" + header, [this, m, n] {
                      ledger_.session_heard(m, shell_.number());
                      ledger_.sign_heard(n);
                  });
              });
    }
}

}  // namespace forestay::simulation
