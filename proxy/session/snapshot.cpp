#include "proxy/session/snapshot.h"

namespace forestay::session {
namespace {

// Beyond this nothing that a session waits for can lie, and sums do not overflow.
constexpr Duration farthest = std::chrono::hours(24 * 365 * 100);

}  // namespace

void SnapshotWriter::put_number(std::uint64_t value) {
    while (value >= 0x80) {
        bytes_ += static_cast<char>(value | 0x80U);
        value >>= 7U;
    }
    bytes_ += static_cast<char>(value);
}

void SnapshotWriter::put_signed(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    put_number(value < 0 ? ~bits << 1U | 1U : bits << 1U);
}

void SnapshotWriter::put(std::string& text) {
    put_number(text.size());
    bytes_ += text;
}

void SnapshotWriter::put(TimePoint& time) {
    put_number(time == never ? 0 : 1);
    if (time != never) put_signed(std::chrono::nanoseconds(time - now_).count());
}

std::uint64_t SnapshotReader::get_number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (bytes_.empty()) break;
        const auto byte = static_cast<unsigned char>(bytes_.front());
        bytes_.remove_prefix(1);
        const std::uint64_t bits = byte & 0x7fU;
        if (shift == 63 && bits > 1) break;
        value |= bits << shift;
        if (byte < 0x80) return value;
    }
    check(false);
    return 0;
}

std::int64_t SnapshotReader::get_signed() {
    const std::uint64_t bits = get_number();
    return static_cast<std::int64_t>((bits & 1U) != 0 ? ~(bits >> 1U) : bits >> 1U);
}

void SnapshotReader::get(std::string& text) {
    const std::uint64_t size = get_number();
    check(size <= bytes_.size());
    text.clear();
    if (failed_) return;
    text = bytes_.substr(0, static_cast<std::size_t>(size));
    bytes_.remove_prefix(static_cast<std::size_t>(size));
}

void SnapshotReader::get(TimePoint& time) {
    bool set = false;
    get(set);
    time = never;
    if (!set) return;
    const std::chrono::nanoseconds distance(get_signed());
    check(distance <= std::chrono::nanoseconds(farthest) && distance >= -std::chrono::nanoseconds(farthest));
    if (!failed_) time = now_ + distance;
}

void SnapshotReader::get(Duration& duration) {
    const Duration read(get_signed());
    check(read >= Duration{0} && read <= farthest);
    duration = failed_ ? Duration{0} : read;
}

}  // namespace forestay::session
