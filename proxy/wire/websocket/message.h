// A direction of a WebSocket connection as messages (RFC 6455 sections 5.4, 5.5, 6.2).
//
// The reader keeps only what must survive between reads: the fragments of an unfinished message. The caller
// owns the bytes, and keeps the tail that next() left. A message that came in one frame is handed out with
// its raw frame, so that it can be forwarded as it came, mask and all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/wire/errc.h"
#include "proxy/wire/websocket/frame.h"
#include "proxy/wire/websocket/utf8.h"

namespace forestay::wire::websocket {

struct MessageLimits {
    std::size_t message_bytes = 1 << 20;  // payload of one message, summed over its fragments
    std::size_t fragments = 1024;         // frames of one message
};

// A whole message or a control frame. Views are valid until the next call of next() or a change of the bytes.
struct Message {
    Opcode opcode{};           // text, binary, close, ping or pong
    std::string_view payload;  // unmasked, all fragments
    std::string_view raw;      // the frame as it came; empty when the message had fragments
};

class MessageReader {
  public:
    MessageReader(Sender sender, MessageLimits limits) : sender_(sender), limits_(limits) {}

    // Takes the next message or control frame off the front of `bytes`; an empty optional when the rest is
    // incomplete. Limits hold for the declared length, before anything is waited for. `scratch` is where the
    // payload is unmasked or joined: its content and size mean nothing outside, and it keeps its memory for
    // the next message. After an error the direction is broken: do not call again.
    [[nodiscard]] result<std::optional<Message>> next(std::string_view& bytes, std::string& scratch);

    // How many bytes next() wants at least before it can yield something, given what is left in `bytes`
    // (whole size, not the difference; never more than message_bytes + 14). 0 when unknown. For reserving
    // once.
    [[nodiscard]] std::size_t wanted(std::string_view bytes) const;

    // True between the frames of a fragmented message.
    [[nodiscard]] bool in_message() const noexcept { return fragments_ != nullptr; }

    // Of a fragmented message, so far.
    [[nodiscard]] std::size_t bytes() const noexcept { return fragments_ ? fragments_->payload.size() : 0; }

    // What must survive between reads, to and from somewhere else; `archive` says what it cannot be
    // (check()). The limits are the same as before.
    template <class Archive>
    void archive(Archive& archive) {
        archive(fragments_);
        if (!fragments_) return;
        archive.check(fragments_->payload.size() <= limits_.message_bytes && fragments_->count > 0 &&
                      fragments_->count <= limits_.fragments);
    }

  private:
    struct Fragments {
        Opcode opcode{};
        std::string payload;
        std::size_t count = 0;
        Utf8Validator utf8;

        template <class Archive>
        void archive(Archive& archive) {
            bool text = opcode == Opcode::text;
            archive(text, payload, count);
            opcode = text ? Opcode::text : Opcode::binary;
            if (!Archive::reading || !text) return;
            archive.check(utf8.feed(payload));
        }
    };
    [[nodiscard]] boost::system::error_code check_sequence(const FrameHead& head) const noexcept;
    [[nodiscard]] result<std::optional<Message>> take_fragment(const FrameHead& head,
                                                               std::string_view payload,
                                                               std::string& scratch);

    Sender sender_;
    MessageLimits limits_;
    std::unique_ptr<Fragments> fragments_;  // idle directions hold nothing
};

}  // namespace forestay::wire::websocket
