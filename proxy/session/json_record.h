// What the client of a JSON websocket may not have seen yet: the messages behind the last that it has
// acknowledged, within bounds, each with its number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace forestay::session {

class JsonRecord {
  public:
    struct Message {
        std::uint64_t number = 0;  // from 1, never used twice
        bool text = true;
        bool numbered = false;  // the number is in it: a client can acknowledge it
        std::string payload;    // as the client gets it

        template <class Archive>
        void archive(Archive& archive) {
            archive(number, text, numbered, payload);
        }
    };

    JsonRecord(std::size_t max_bytes, std::size_t max_messages)
        : max_bytes_(max_bytes), max_messages_(max_messages) {}

    // The number that the next message gets.
    [[nodiscard]] std::uint64_t next() const noexcept { return last_ + 1; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool has_room(std::size_t payload_bytes) const noexcept {
        return messages_.size() < max_messages_ && bytes_ + cost(payload_bytes) <= max_bytes_;
    }
    // Returns how many had to go for it: the oldest, and the new one itself when it does not fit alone.
    std::size_t add(bool text, bool numbered, std::string payload);
    // The client has seen all up to this number.
    void acknowledge(std::uint64_t number);
    // Numbers up to this one have been given.
    [[nodiscard]] std::uint64_t last() const noexcept { return last_; }
    // Everything behind this number is here, so that a client that has seen it can go on.
    [[nodiscard]] bool continues(std::uint64_t number) const noexcept {
        return number >= gone_ && number <= last_;
    }
    [[nodiscard]] const std::deque<Message>& messages() const noexcept { return messages_; }
    // Gives the memory back.
    void clear();

    template <class Archive>
    void archive(Archive& archive) {
        archive(messages_, last_, gone_);
        if constexpr (Archive::reading) archive.check(restored());
    }

  private:
    // A message costs its bytes and its bookkeeping: a flood of empty ones is bounded too.
    static std::size_t cost(std::size_t payload_bytes) { return payload_bytes + sizeof(Message); }
    void drop_first();
    // Counts what has been read; false when it cannot be.
    bool restored();

    std::size_t max_bytes_;
    std::size_t max_messages_;
    std::deque<Message> messages_;
    std::size_t bytes_ = 0;
    std::uint64_t last_ = 0;
    std::uint64_t gone_ = 0;  // the highest number that is not kept any more
};

}  // namespace forestay::session
