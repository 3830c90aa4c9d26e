#include "proxy/session/position.h"

#include <array>
#include <charconv>
#include <limits>

#include "proxy/wire/json/scan.h"

namespace forestay::session {

namespace json = wire::json;

namespace {

constexpr std::string_view format = "f1.";
constexpr int base = 36;
constexpr std::string_view space = " \t\r\n";

void write_number(std::string& out, std::uint64_t number) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
    out.append(digits.data(), end);
}

// The whole of `text`, as we write it: lower case, no leading zero.
std::optional<std::uint64_t> read_number(std::string_view text, std::uint64_t most) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc() || end != text.data() + text.size() || number > most) return std::nullopt;
    std::string again;
    write_number(again, number);
    if (again != text) return std::nullopt;
    return number;
}

// Up to the next dot, which is taken too.
std::string_view next_part(std::string_view& text) {
    const std::string_view part = text.substr(0, text.find('.'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return part;
}

void write_check(std::string& out, std::uint64_t seed, std::uint32_t serial, std::uint64_t sequence) {
    std::uint64_t state = seed;
    for (const std::uint64_t part : {std::uint64_t{serial}, sequence, std::uint64_t{0x706f73}}) {
        state = (state ^ part) * 0xbf58476d1ce4e5b9ULL;
        state = (state ^ (state >> 27U)) * 0x94d049bb133111ebULL;
        state ^= state >> 31U;
    }
    for (int i = 0; i < 4; ++i, state >>= 5U) out += "0123456789abcdefghijklmnopqrstuv"[state & 31U];
}

// A member of the object that `text` ends in or is: from its name to the end of its value, with one comma.
bool erase_member(std::string& text, std::size_t object, std::string_view name) {
    const auto value = json::member(std::string_view(text).substr(object), name);
    if (!value) return false;
    const auto at = static_cast<std::size_t>(value->data() - text.data());
    std::size_t end = at + value->size();
    // In front of the value: the name's string literal, whose inside spells `name` and so has no quote.
    const std::size_t close = text.rfind('"', at - 1);
    std::size_t begin = text.rfind('"', close - 1);
    const std::size_t next = text.find_first_not_of(space, end);
    if (text[next] == ',') {
        end = next + 1;
    } else {
        const std::size_t before = text.find_last_not_of(space, begin - 1);
        if (text[before] == ',') begin = before;
    }
    text.erase(begin, end - begin);
    return true;
}

}  // namespace

void write_pid(std::string& out, const Pid& pid) {
    out += format;
    out += pid.secret;
    out += '.';
    write_number(out, pid.serial);
    out += '.';
    write_number(out, pid.announced);
}

std::optional<Pid> parse_pid(std::string_view text) {
    constexpr std::size_t secret_max = 64;
    if (!text.starts_with(format)) return std::nullopt;
    text.remove_prefix(format.size());
    const std::string_view secret = next_part(text);
    const auto serial = read_number(next_part(text), std::numeric_limits<std::uint32_t>::max());
    const auto announced = read_number(text, std::numeric_limits<std::uint32_t>::max());
    if (secret.empty() || secret.size() > secret_max || !serial || !announced) return std::nullopt;
    return Pid{std::string(secret), static_cast<std::uint32_t>(*serial),
               static_cast<std::uint32_t>(*announced)};
}

void write_position(std::string& out, std::uint64_t seed, std::uint32_t serial, std::uint64_t sequence) {
    out += format;
    write_number(out, sequence);
    out += '.';
    write_check(out, seed, serial, sequence);
}

std::optional<std::uint64_t> parse_position(std::string_view text, std::uint64_t seed, std::uint32_t serial) {
    if (!text.starts_with(format)) return std::nullopt;
    text.remove_prefix(format.size());
    const auto sequence = read_number(next_part(text), std::numeric_limits<std::uint64_t>::max());
    if (!sequence) return std::nullopt;
    std::string check;
    write_check(check, seed, serial, *sequence);
    if (text != check) return std::nullopt;
    return sequence;
}

std::optional<Claim> find_claim(std::string_view connect_payload) {
    const auto text_of = [&](std::string_view name) -> std::optional<std::string> {
        const auto value = json::member(connect_payload, name);
        return value ? json::unescape(*value) : std::nullopt;
    };
    const auto name = text_of("pid");
    auto pid = name ? parse_pid(*name) : std::nullopt;
    if (!pid) return std::nullopt;
    return Claim{std::move(*pid), text_of("offset")};
}

void write_without_claim(std::string& out, std::string_view text, std::string_view payload) {
    const std::size_t object = out.size() + static_cast<std::size_t>(payload.data() - text.data());
    out += text;
    for (const std::string_view name : {"pid", "offset"}) {
        while (erase_member(out, object, name)) {
        }
    }
}

bool write_with_pid(std::string& out, std::string_view text, std::string_view payload, const Pid& pid) {
    const std::size_t last = payload.find_last_not_of(space);
    if (last == std::string_view::npos || payload.front() != '{' || payload[last] != '}') return false;
    if (json::member(payload, "pid")) return false;
    const bool empty = payload.find_first_not_of(space, 1) == last;
    const std::size_t head = static_cast<std::size_t>(payload.data() - text.data()) + last;
    out += text.substr(0, head);
    out += empty ? R"("pid":")" : R"(,"pid":")";
    write_pid(out, pid);
    out += R"("})";
    return true;
}

}  // namespace forestay::session
