// What the client model hears, and what must hold about it.
#include "tests/simulation/client_model.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using wire::socketio::Packet;
using SioType = wire::socketio::PacketType;

// ---- what it hears

void ClientModel::opened() {
    if (is_v3(scenario_.kind))
        namespaces_["/"].membership = Membership::joining;  // the upstream says so unasked
    else
        world_.schedule().after(random_.pause(0ms, 500ms), [this, mine = transport_] {
            if (mine != transport_) return;
            join("/");
            if (Namespace& chat = namespaces_["/chat"]; chat.membership == Membership::rejoining)
                join("/chat");
        });
}

void ClientModel::heard(bool binary, std::string_view data) {
    burn();
    if (scenario_.kind == Kind::plain) return heard_plain(data);
    if (binary) {
        require(arriving_.has_value(), "the client got an attachment without a header");
        const auto m = number_after(arriving_->header, "\"m\":");
        require(m && is_attachment_of(data, *m, arriving_->seen++),
                "the client got an attachment of another packet");
        if (--arriving_->missing > 0) return;
        const std::string header = std::move(arriving_->header);
        arriving_.reset();
        return whole(header);
    }
    require(!arriving_, "the client got a text packet between a header and its attachments");
    const auto packet = wire::socketio::scan_server_packet(data);
    if (!packet) throw Violation("the client got what is no packet: " + std::string(data.substr(0, 80)));
    if (packet->attachments > 0)
        arriving_ = Arriving{std::string(data), packet->attachments, 0};
    else
        whole(data);
}

void ClientModel::heard_plain(std::string_view data) {
    const auto m = number_after(data, "\"m\":");
    require(m.has_value(), "the client got a message without a number");
    require(ledger_.client_got(*m, "/"), "the client got a message again");
}

void ClientModel::whole(std::string_view text) {
    const Packet packet = *wire::socketio::scan_server_packet(text);
    const auto found = namespaces_.find(packet.nsp);
    require(found != namespaces_.end(), "the client got a packet of a namespace that it does not know");
    Namespace& nsp = found->second;
    switch (packet.type) {
        case SioType::connect:
            return heard_connect(nsp, packet);
        case SioType::connect_error:
            require(!packet.payload.empty(), "a CONNECT_ERROR without payload");
            require(ledger_.has_left(packet.nsp) || scenario_.credential,
                    "a CONNECT_ERROR that the upstream did not say");
            nsp.membership = Membership::gone;
            left_a_namespace_ = true;
            return;
        case SioType::disconnect:
            require(packet.payload.empty(), "a DISCONNECT with a payload");
            require(ledger_.has_left(packet.nsp), "a DISCONNECT that the upstream did not say");
            nsp.membership = Membership::gone;
            left_a_namespace_ = true;
            return;
        case SioType::event:
        case SioType::binary_event:
            return heard_event(nsp, packet);
        case SioType::ack:
        case SioType::binary_ack:
            return heard_ack(nsp, packet);
    }
}

void ClientModel::heard_event(Namespace& nsp, const Packet& packet) {
    hold_position(nsp, packet);
    if (is_marker(packet)) return;
    if (is_status(packet)) return heard_status(nsp, packet);
    const auto m = number_after(packet.payload, "\"m\":");
    const auto fallback = fallback_in(packet.payload);
    require(m.has_value() != fallback.has_value(), "the client got an event of nobody");
    const bool gone = nsp.membership == Membership::gone;
    const bool response = packet.event == "response" && !gone;
    if (response) {
        const auto n = request_by_id(packet);
        require(n.has_value(), "a response to no request");
        if (m && !ledger_.client_got_answer(*n, 0, *m, packet.nsp)) return;
        if (fallback && !ledger_.client_got_fallback(*n, 0, *fallback, packet.nsp)) return;
    } else if (m && !ledger_.is_repetition(*m) && !ledger_.client_got(*m, packet.nsp)) {
        return;
    }
    // Before the CONNECT reply nobody knows which session this is; each counts anew.
    if (packet.id && !nsp.asked.insert(*packet.id).second)
        require(nsp.membership == Membership::joining || gone, "an ack id of the upstream's came twice");
    if (gone) return;  // under way when it left; stock clients ignore it
    if (!response) heard_of_request(packet, fallback);
    if (packet.id) acknowledge(packet, *m);
}

void ClientModel::heard_ack(Namespace& nsp, const Packet& packet) {
    hold_position(nsp, packet);
    const auto m = number_after(packet.payload, "\"m\":");
    const std::uint64_t id = packet.id.value_or(~std::uint64_t{0});
    const auto request = nsp.acks.find(id);
    const bool gone = nsp.membership == Membership::gone;
    if (m && !gone && request != nsp.acks.end() && request->second.second)
        return static_cast<void>(ledger_.client_got_answer(request->second.first, id, *m, packet.nsp));
    if (m && !ledger_.is_repetition(*m) && !ledger_.client_got(*m, packet.nsp)) return;
    if (gone) return;
    // Of a message that was said again to rebuild, when another of its name followed: clients ignore it.
    if (request == nsp.acks.end() && m && ledger_.is_excused(*m)) return;
    require(request != nsp.acks.end(), "an ACK for nothing");
    const auto [n, tracked] = request->second;
    if (tracked) {
        const auto fallback = fallback_in(packet.payload);
        require(fallback.has_value(), "an ACK of nobody");
        return static_cast<void>(ledger_.client_got_fallback(n, id, *fallback, packet.nsp));
    }
    require(m.has_value(), "an untracked event got a fallback");
    nsp.acks.erase(request);  // and never again
}

void ClientModel::acknowledge(const Packet& packet, Number m) {
    if (finished_ || random_.chance(20)) return;  // some handlers forget
    SioPacket ack;
    ack.type = '3';
    const auto found = namespaces_.find(packet.nsp);
    ack.nsp = found->first;
    ack.id = packet.id;
    world_.schedule().after(random_.pause(0ms, 500ms), [this, ack, found, m]() mutable {
        if (finished_ || !transport_->alive() || found->second.membership != Membership::in) return;
        const Number n = ledger_.client_sends(ack.nsp);
        ledger_.is_ack(n);
        ack.arguments = "{\"n\":" + std::to_string(n) + ",\"a\":" + std::to_string(m) + "}";
        if (random_.chance(20)) ack.attachments = attachments_of(n, 1, 10);
        emit(std::move(ack), n, std::nullopt);
    });
}

}  // namespace forestay::simulation
