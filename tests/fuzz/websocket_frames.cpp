// Any bytes as a direction of a WebSocket connection. What the reader makes of them must not depend on where
// they were cut, and what it hands out must survive being written again.
//
// The input: one byte of options, one byte that seeds the cuts, then the stream.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "proxy/wire/websocket/close.h"
#include "proxy/wire/websocket/message.h"

using namespace forestay::wire;
using namespace forestay::wire::websocket;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

struct Outcome {
    std::vector<std::string> messages;
    int error = 0;
    bool operator==(const Outcome&) const = default;
};

void check_rewritten(const Message& message, Sender sender, MessageLimits limits) {
    std::string frame, scratch;
    write_frame(frame, message.opcode, message.payload,
                sender == Sender::client ? std::optional(MaskKey{7, 0, 255, 128}) : std::nullopt);
    MessageReader reader(sender, limits);
    std::string_view bytes = frame;
    const auto again = reader.next(bytes, scratch);
    require(again && *again && (*again)->payload == message.payload && (*again)->raw == frame &&
            bytes.empty());
}

// Feeds the stream in pieces of 1 to `piece_max` bytes, and checks each message on the way.
Outcome read(std::string_view stream, Sender sender, MessageLimits limits, std::size_t piece_max,
             std::uint32_t seed) {
    MessageReader reader(sender, limits);
    Outcome outcome;
    std::string kept, scratch;
    while (!stream.empty()) {
        seed = seed * 1664525 + 1013904223;
        const std::size_t size = std::min<std::size_t>(stream.size(), 1 + (seed >> 16) % piece_max);
        kept.append(stream.substr(0, size));
        stream.remove_prefix(size);
        std::string_view bytes = kept;
        for (;;) {
            const std::size_t before = bytes.size();
            const auto message = reader.next(bytes, scratch);
            if (!message) {
                outcome.error = message.error().value();
                return outcome;
            }
            require(bytes.size() <= before);
            if (!*message) break;
            const Message& m = **message;
            require(m.payload.size() <= std::max<std::size_t>(limits.message_bytes, 125));
            require(m.opcode != Opcode::text || is_utf8(m.payload));
            if (m.opcode == Opcode::close) (void)parse_close(m.payload);
            check_rewritten(m, sender, limits);
            outcome.messages.push_back(static_cast<char>(m.opcode) + std::string(m.payload));
        }
        const std::size_t wanted = reader.wanted(bytes);
        require(wanted == 0 || (wanted > bytes.size() && wanted <= limits.message_bytes + 125 + 14));
        kept.erase(0, kept.size() - bytes.size());
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const Sender sender = (data[0] & 1U) != 0 ? Sender::server : Sender::client;
    const MessageLimits limits{.message_bytes = (data[0] & 2U) != 0 ? 64U : 4096U,
                               .fragments = (data[0] & 4U) != 0 ? 3U : 64U};
    const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
    const Outcome whole = read(stream, sender, limits, stream.size() + 1, 0);
    const Outcome once = read(stream, sender, limits, 1, 0);
    const Outcome cut = read(stream, sender, limits, 16, data[1]);
    require(whole == once && whole == cut);
    return 0;
}
