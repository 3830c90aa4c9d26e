// Engine.IO packets that wait for a leg to take them: in order, bounded by the caller.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "proxy/wire/engineio/packet.h"

namespace forestay::session {

// One packet that waits. Owns its bytes: the input that brought them is gone.
struct Outgoing {
    Outgoing() = default;
    Outgoing(wire::engineio::PacketType packet_type, bool is_binary, std::string bytes)
        : type(packet_type), binary(is_binary), data(std::move(bytes)) {}

    wire::engineio::PacketType type = wire::engineio::PacketType::message;
    bool binary = false;
    bool ends_run = false;  // a polling body may end here although others wait
    std::string data;       // what follows the type digit, or the binary bytes

    template <class Archive>
    void archive(Archive& archive) {
        archive.one_of(type, wire::engineio::PacketType::noop);
        archive.check(type >= wire::engineio::PacketType::open);
        archive(binary, ends_run, data);
    }
};

// A queue that an idle session does not pay for.
class OutgoingQueue {
  public:
    void push(Outgoing packet) {
        bytes_ += cost(packet);
        packets_.push_back(std::move(packet));
    }
    // In front of all that waits, but for the OPEN packet.
    void push_first(Outgoing packet) {
        bytes_ += cost(packet);
        const bool opens = !packets_.empty() && packets_.front().type == wire::engineio::PacketType::open;
        packets_.insert(packets_.begin() + (opens ? 1 : 0), std::move(packet));
    }
    // Puts packets back in front, in their order: what was handed out and did not arrive.
    void restore(std::vector<Outgoing> packets) {
        for (const Outgoing& packet : packets) bytes_ += cost(packet);
        packets.insert(packets.end(), std::make_move_iterator(packets_.begin()),
                       std::make_move_iterator(packets_.end()));
        packets_ = std::move(packets);
    }
    void end_run() {
        if (!packets_.empty()) packets_.back().ends_run = true;
    }
    // The first `most` packets, or fewer: runs are not cut when one of them fits.
    [[nodiscard]] std::vector<Outgoing> take_run(std::size_t most) {
        if (packets_.size() > most) {
            std::size_t whole = most;
            while (whole > 0 && !packets_[whole - 1].ends_run) --whole;
            if (whole > 0) most = whole;
        }
        return take(most);
    }
    // The first `most` packets.
    [[nodiscard]] std::vector<Outgoing> take(std::size_t most) {
        std::vector<Outgoing> taken = std::exchange(packets_, {});
        if (taken.size() > most) {
            const auto rest = taken.begin() + static_cast<std::ptrdiff_t>(most);
            packets_.assign(std::make_move_iterator(rest), std::make_move_iterator(taken.end()));
            taken.erase(rest, taken.end());
        }
        for (const Outgoing& packet : taken) bytes_ -= cost(packet);
        return taken;
    }
    // As many of the first `most` packets as fit into a polling body of `body_bytes`, but at least one.
    [[nodiscard]] std::vector<Outgoing> take_up_to(std::size_t most, std::size_t body_bytes) {
        std::size_t count = 0;
        for (std::size_t sum = 0; count < std::min(most, packets_.size()); ++count) {
            const Outgoing& packet = packets_[count];
            constexpr std::size_t around = 16;  // separator, type, length
            sum += around + (packet.binary ? packet.data.size() / 3 * 4 + 4 : packet.data.size());
            if (sum > body_bytes && count > 0) break;
        }
        return take(count);
    }
    [[nodiscard]] std::vector<Outgoing> take_all() { return take(packets_.size()); }
    template <class Archive>
    void archive(Archive& archive) {
        archive(packets_);
        if (!Archive::reading) return;
        bytes_ = 0;
        for (const Outgoing& packet : packets_) bytes_ += cost(packet);
    }
    [[nodiscard]] bool empty() const noexcept { return packets_.empty(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    // A packet costs its bytes and its bookkeeping: a flood of empty packets is bounded too.
    static std::size_t cost(const Outgoing& packet) { return packet.data.size() + sizeof(Outgoing); }
    std::vector<Outgoing> packets_;
    std::size_t bytes_ = 0;
};

}  // namespace forestay::session
