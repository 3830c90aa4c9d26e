// An upstream that is reached by polling: what it says waits for a GET, what it hears comes by POST.
#include <utility>

#include "tests/simulation/shell.h"
#include "tests/simulation/upstream_model.h"

namespace forestay::simulation {

using wire::engineio::PacketType;
using wire::engineio::Revision;
using wire::websocket::Opcode;

std::string UpstreamModel::handshake_body() {
    std::string body;
    wire::engineio::append_to_payload(body, revision_, {PacketType::open, false, open_packet().substr(1)});
    if (revision_ == Revision::v3) {
        say_joined("/");
        wire::engineio::append_to_payload(body, revision_, {PacketType::message, false, "0"});
    }
    return body;
}

void UpstreamModel::queue(std::string_view packet, bool binary, Read read) {
    if (binary)
        waiting_.push_back({PacketType::message, true, std::string(packet), std::move(read)});
    else
        waiting_.push_back(
            {static_cast<PacketType>(packet[0]), false, std::string(packet.substr(1)), std::move(read)});
    poll_answer();
}

void UpstreamModel::get() {
    if (!open()) {
        const unsigned status = world_.app_is_up() ? 400 : 0;  // a fresh process does not know this sid
        return world_.schedule().after(scenario_.upstream_latency, [this, status] {
            if (shell_.life() == this) shell_.polled(status, "\"Invalid session\"");
        });
    }
    get_waits_ = true;
    poll_answer();
}

void UpstreamModel::poll_answer() {
    if (!get_waits_ || waiting_.empty()) return;
    get_waits_ = false;
    std::string body;
    std::vector<Read> reads;
    const auto many = random_.chance(50) ? waiting_.size() : std::size_t{1};
    // What comes in one answer can not be paused in the middle.
    const std::size_t most = scenario_.policy.limits.outbox_bytes / 2;
    for (std::size_t i = 0; i < many && body.size() < most; ++i) {
        Waiting& one = waiting_.front();
        wire::engineio::append_to_payload(body, revision_, {one.type, one.binary, one.data});
        reads.push_back(std::move(one.read));
        waiting_.pop_front();
    }
    world_.schedule().after(scenario_.upstream_latency, [this, body, reads = std::move(reads)] {
        if (gone_ || shell_.life() != this) return;  // the answer died with its connection
        if (shell_.over() || !shell_.polls()) return;
        for (const auto& read : reads)
            if (read) read();
        shell_.polled(200, body);
    });
}

void UpstreamModel::post(std::string_view body) {
    const auto answer = [this](unsigned status) {
        world_.schedule().after(scenario_.upstream_latency, [this, status] {
            if (shell_.life() == this && (!gone_ || status != 200)) shell_.posted(status);
        });
    };
    if (!open()) return answer(world_.app_is_up() ? 400 : 0);
    const auto payload = wire::engineio::parse_payload(revision_, body, {100'000});
    require(payload.has_value(), "the upstream got a body that is no payload");
    require(payload->packets.size() <= 16, "the upstream got more packets in a POST than python takes");
    for (const auto& packet : payload->packets) {
        if (packet.binary)
            hear({Opcode::binary, (revision_ == Revision::v3 ? "\x04" : "") + std::string(packet.data)});
        else
            hear({Opcode::text, static_cast<char>(packet.type) + std::string(packet.data)});
    }
    when_running([answer] { answer(200); });
}

}  // namespace forestay::simulation
