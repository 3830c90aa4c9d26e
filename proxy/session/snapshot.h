// A session's state as bytes, and back. Each class says once what it is, in
//
//     template <class Archive> void archive(Archive& archive) { archive(first_, second_); }
//
// and that one function serves the writer and the reader, so that they cannot differ. Points in time are kept
// relative to now. What a reader gets may be anything: it never reads beyond the end, allocates no more than
// the bytes account for, and after the first thing that does not fit it has failed() and yields nothing.
// check() is for what no type says.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "proxy/session/time.h"

namespace forestay::session {

class SnapshotWriter {
  public:
    static constexpr bool reading = false;

    explicit SnapshotWriter(TimePoint now) : now_(now) {}
    template <class... T>
    void operator()(T&... values) {
        (put(values), ...);
    }
    // An enumeration whose values are 0 to `last`.
    template <class E>
    void one_of(E& value, E) {
        put_number(static_cast<std::uint64_t>(value));
    }
    void check(bool) {}
    [[nodiscard]] static constexpr bool failed() { return false; }
    [[nodiscard]] std::string take() { return std::move(bytes_); }

  private:
    void put_number(std::uint64_t value);  // seven bits a byte, the lowest first
    void put_signed(std::int64_t value);   // the sign is the lowest bit
    void put(std::string& text);
    void put(TimePoint& time);
    void put(Duration& duration) { put_signed(duration.count()); }
    template <class T>
    void put(T& value);

    TimePoint now_;
    std::string bytes_;
};

class SnapshotReader {
  public:
    static constexpr bool reading = true;

    SnapshotReader(std::string_view bytes, TimePoint now) : now_(now), bytes_(bytes) {}
    template <class... T>
    void operator()(T&... values) {
        (get(values), ...);
    }
    template <class E>
    void one_of(E& value, E last) {
        const std::uint64_t number = get_number();
        check(number <= static_cast<std::uint64_t>(last));
        if (!failed_) value = static_cast<E>(number);
    }
    // What must hold for what was read.
    void check(bool condition) {
        if (condition || failed_) return;
        failed_ = true;
        bytes_ = {};
    }
    [[nodiscard]] bool failed() const { return failed_; }
    // Everything was read, and all of it made sense.
    [[nodiscard]] bool finished() const { return !failed_ && bytes_.empty(); }

  private:
    std::uint64_t get_number();
    std::int64_t get_signed();
    void get(std::string& text);
    void get(TimePoint& time);
    void get(Duration& duration);
    template <class T>
    void get(T& value);

    TimePoint now_;
    std::string_view bytes_;
    bool failed_ = false;
};

namespace snapshot {

template <class T>
concept Sequence = requires(T& t) {
    t.emplace_back();
    t.size();
};
// What may be absent, and how to make it present.
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_optional<std::unique_ptr<T>> = true;
template <class T>
void make(std::optional<T>& value) {
    value = T{};  // not emplace(): clang 14 does not see that nested types can be made of nothing
}
template <class T>
void make(std::unique_ptr<T>& value) {
    value = std::make_unique<T>();
}

}  // namespace snapshot

template <class T>
void SnapshotWriter::put(T& value) {
    if constexpr (std::is_unsigned_v<T>) {
        put_number(value);
    } else if constexpr (snapshot::is_optional<T>) {
        put_number(value ? 1 : 0);
        if (value) put(*value);
    } else if constexpr (snapshot::Sequence<T>) {
        put_number(value.size());
        for (auto& each : value) put(each);
    } else {
        value.archive(*this);
    }
}

template <class T>
void SnapshotReader::get(T& value) {
    if constexpr (std::is_unsigned_v<T>) {
        const std::uint64_t number = get_number();
        check(number <= std::numeric_limits<T>::max());
        value = failed_ ? T{} : static_cast<T>(number);
    } else if constexpr (snapshot::is_optional<T>) {
        bool there = false;
        get(there);
        value.reset();
        if (!there) return;
        snapshot::make(value);
        get(*value);
    } else if constexpr (snapshot::Sequence<T>) {
        value.clear();
        // Each element is a byte at least, and nothing is reserved on the word of a number.
        for (std::uint64_t left = get_number(); left > 0 && !failed_; --left) {
            value.emplace_back();
            get(value.back());
        }
    } else {
        value.archive(*this);
    }
}

}  // namespace forestay::session
