#include "proxy/wire/websocket/message.h"

namespace forestay::wire::websocket {
namespace {

// The payload as it was before masking: where it lies, or in `scratch`, which only ever grows, so that a
// stream of small messages neither allocates nor clears. Empty when it is text and not UTF-8.
std::optional<std::string_view> plain_payload(const FrameHead& head, std::string_view payload,
                                              std::string& scratch) {
    bool ascii = false;
    if (head.mask) {
        if (scratch.size() < payload.size()) scratch.resize(payload.size());
        ascii = copy_unmasked(scratch.data(), payload, *head.mask);
        payload = {scratch.data(), payload.size()};
    }
    if (head.opcode == Opcode::text && !ascii && !is_utf8(payload)) return std::nullopt;
    return payload;
}

}  // namespace

boost::system::error_code MessageReader::check_sequence(const FrameHead& head) const noexcept {
    if (is_control(head.opcode)) return {};
    if (head.opcode == Opcode::continuation && !fragments_) return errc::unexpected_continuation;
    if (head.opcode != Opcode::continuation && fragments_) return errc::expected_continuation;
    const std::size_t before = fragments_ ? fragments_->payload.size() : 0;
    if (head.payload_size > limits_.message_bytes - before) return errc::message_too_big;
    if (fragments_ && fragments_->count >= limits_.fragments) return errc::too_many_fragments;
    return {};
}

// Adds a frame to the unfinished message; an empty optional until it is finished.
result<std::optional<Message>> MessageReader::take_fragment(const FrameHead& head, std::string_view payload,
                                                            std::string& scratch) {
    if (!fragments_) {
        fragments_ = std::make_unique<Fragments>();
        fragments_->opcode = head.opcode;
    }
    Fragments& message = *fragments_;
    const std::size_t start = message.payload.size();
    if (head.mask) {
        append_unmasked(message.payload, payload, *head.mask);
    } else {
        message.payload.append(payload);
    }
    ++message.count;
    if (message.opcode == Opcode::text) {
        if (!message.utf8.feed(std::string_view(message.payload).substr(start))) return errc::invalid_utf8;
        if (head.fin && !message.utf8.complete()) return errc::invalid_utf8;
    }
    if (!head.fin) return std::optional<Message>{};
    const Opcode opcode = message.opcode;
    scratch.swap(message.payload);
    fragments_.reset();
    return Message{opcode, scratch, {}};
}

result<std::optional<Message>> MessageReader::next(std::string_view& bytes, std::string& scratch) {
    for (;;) {
        const auto head = parse_frame_head(bytes, sender_);
        if (!head && head.error() == errc::incomplete) return std::optional<Message>{};
        if (!head) return head.error();
        if (const auto fault = check_sequence(*head)) return fault;
        if (bytes.size() - head->head_size < head->payload_size) return std::optional<Message>{};

        const auto size = static_cast<std::size_t>(head->payload_size);
        const std::string_view raw = bytes.substr(0, head->head_size + size);
        const std::string_view payload = raw.substr(head->head_size);
        bytes.remove_prefix(raw.size());
        if (is_control(head->opcode) || (head->fin && !fragments_)) {
            const auto plain = plain_payload(*head, payload, scratch);
            if (!plain) return errc::invalid_utf8;
            return Message{head->opcode, *plain, raw};
        }
        auto message = take_fragment(*head, payload, scratch);
        if (!message || *message) return message;
    }
}

std::size_t MessageReader::wanted(std::string_view bytes) const {
    const auto head = parse_frame_head(bytes, sender_);
    if (!head || check_sequence(*head)) return 0;
    return head->head_size + static_cast<std::size_t>(head->payload_size);
}

}  // namespace forestay::wire::websocket
