// How the client model loses its transport, and comes back as a stock client does (connection state
// recovery): with a fresh Engine.IO session, and in each CONNECT its pid and its position.
#include "tests/simulation/client_model.h"
#include "tests/simulation/shell.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using session::CloseReason;
using session::Recovery;
using wire::socketio::Packet;
using SioType = wire::socketio::PacketType;

void ClientModel::open_transport() {
    transports_.push_back(std::make_unique<ClientTransport>(
        world_, random_.branch(), [this] { opened(); },
        [this](bool binary, std::string_view data) { heard(binary, data); }, [this] { transport_ended(); }));
    transport_ = transports_.back().get();
    fuse_.reset();
    if (scenario_.troubles.client_blinks && !world_.at_rest() && random_.chance(50))
        fuse_ = random_.below(random_.chance(50) ? 10 : 100);
    world_.new_session(transport_->link());
    transport_->open();
    operate_later();
}

// Closed by the session, or by what lies between.
void ClientModel::transport_ended() {
    if (world_.at_rest()) finished_ = true;
    if (finished_ || away_ || !scenario_.troubles.client_blinks || is_v3(scenario_.kind) ||
        scenario_.kind == Kind::plain)
        return;
    ledger_.link_lost();
    ledger_.client_goes();
    arriving_.reset();
    come_back_after(random_.pause(500ms, 1'500ms));
}

void ClientModel::burn() {
    if (!fuse_ || finished_ || away_ || (*fuse_)-- > 0) return;
    fuse_.reset();
    world_.schedule().after(0us, [this, mine = transport_] {
        if (mine == transport_ && transport_->alive() && !finished_ && !world_.at_rest()) blink();
    });
}

void ClientModel::blink() {
    ledger_.link_lost();
    arriving_.reset();
    const bool half_open = random_.chance(40) && scenario_.kind != Kind::plain;  // without heartbeats
    world_.note(half_open ? "client: blinks, half open" : "client: blinks");
    const auto& policy = scenario_.policy;
    if (policy.resume_client.recovery == Recovery::off || namespaces_["/"].pid.empty() ||
        namespaces_["/"].membership != Membership::in) {
        ledger_.allow(CloseReason::connection_lost);
        ledger_.allow(CloseReason::ping_timeout);
    }
    if (namespaces_["/"].membership != Membership::in) ledger_.allow(CloseReason::limit);  // no CONNECT
    ledger_.allow(CloseReason::protocol_violation);  // attachments that never come
    ledger_.client_goes();
    if (half_open)
        transport_->vanish();
    else
        transport_->drop();
    const auto hold = policy.resume_client.hold;
    const auto dice = random_.below(100);
    if (dice < 10 || is_v3(scenario_.kind) || scenario_.kind == Kind::plain) {
        world_.note("client: never comes back");
        finished_ = true;
        return;
    }
    come_back_after(dice < 50 ? random_.pause(0ms, 500ms)
                              : random_.pause(0ms, dice < 90 ? hold : hold * 3 / 2));
}

void ClientModel::come_back_after(std::chrono::microseconds delay) {
    away_ = true;
    for (auto& [name, nsp] : namespaces_) {
        if (nsp.membership == Membership::in || nsp.membership == Membership::joining)
            nsp.membership = Membership::rejoining;
    }
    world_.schedule().after(delay, [this] { come_back(); });
}

void ClientModel::come_back() {
    if (!std::exchange(away_, false) || finished_) return;
    world_.note("client: comes back");
    ledger_.client_returns();
    open_transport();
}

std::string ClientModel::connect_payload(const Namespace& nsp) const {
    if (is_v3(scenario_.kind)) return {};
    std::string payload = "{";
    if (!nsp.pid.empty()) payload += "\"pid\":\"" + nsp.pid + "\",";
    if (!nsp.pid.empty() && nsp.offset) payload += "\"offset\":\"" + *nsp.offset + "\",";
    return payload + "\"token\":\"t\"}";
}

void ClientModel::heard_connect(Namespace& nsp, const Packet& packet) {
    // EIO3: a fresh upstream joins "/" unasked, also when the last one had closed it.
    if (is_v3(scenario_.kind) && nsp.membership == Membership::gone) return;
    const auto at = packet.payload.find("\"pid\":\"");
    std::string pid;
    if (at != std::string_view::npos) {
        const auto begin = at + 7;
        pid = packet.payload.substr(begin, packet.payload.find('"', begin) - begin);
    }
    const bool fresh = nsp.membership == Membership::joining && (pid.empty() || pid != nsp.pid);
    if (fresh) nsp.asked.clear();  // another session counts anew
    nsp.pid = pid;
    require(nsp.pid.empty() == (scenario_.policy.resume_client.recovery == Recovery::off) ||
                is_v3(scenario_.kind),
            "a CONNECT reply with a pid, or without one, against the policy");
    require(nsp.membership != Membership::out, "a CONNECT reply that was not asked for");
    ledger_.client_connected(packet.nsp);
    if (nsp.membership == Membership::joining) nsp.membership = Membership::in;
}

// Whose fallback this is, if it carries a number.
std::optional<Ledger::Number> ClientModel::request_of(const Namespace& nsp, const Packet& packet) const {
    if (!packet.id) return request_by_id(packet);
    const auto found = nsp.acks.find(*packet.id);
    return found == nsp.acks.end() ? std::nullopt : std::optional(found->second.first);
}

// The event that carries nothing but a position.
bool ClientModel::is_marker(const Packet& packet) {
    return packet.event.starts_with("\\u0000");
}

// Stock clients: the last argument of any event, when it is a string, and a pid is known.
void ClientModel::hold_position(Namespace& nsp, const Packet& packet) {
    const bool event = packet.type == SioType::event || packet.type == SioType::binary_event;
    const auto end = packet.payload.rfind('"');
    const bool string = end != std::string_view::npos && end + 2 == packet.payload.size();
    if (event && string && !packet.id && !nsp.pid.empty()) {
        const auto begin = packet.payload.rfind('"', end - 1) + 1;
        nsp.offset = packet.payload.substr(begin, end - begin);
        return ledger_.position_moves(packet.nsp, is_marker(packet));
    }
    const bool append = scenario_.policy.resume_client.recovery == Recovery::append;
    if (append && event && !packet.id && !nsp.pid.empty()) return;  // must carry a position
    if (is_status(packet)) return;                                  // said again or not, nobody counts
    if (const auto m = number_after(packet.payload, "\"m\":"))
        return ledger_.client_cannot_point_at(packet.nsp, *m, !event);
    ledger_.client_cannot_point_at_fallback(packet.nsp, request_of(nsp, packet), !event);
}

}  // namespace forestay::simulation
