// The OPEN packet.
#include <algorithm>
#include <charconv>
#include <optional>

#include "proxy/wire/engineio/packet.h"
#include "proxy/wire/json/scan.h"

namespace forestay::wire::engineio {
namespace {

constexpr std::size_t sid_size_max = 256;
// Any server's interval is far below; above it arithmetic with time points could overflow.
constexpr double number_max = 1e12;

std::optional<std::string_view> field(std::string_view object, std::string_view pointer) {
    return json::Pointer::parse(pointer)->find(object);
}

// A number of at least 0, fractions cut off.
std::optional<std::uint64_t> number_field(std::string_view object, std::string_view pointer) {
    const auto raw = field(object, pointer);
    if (!raw) return std::nullopt;
    double value = 0;
    const auto [end, failure] = std::from_chars(raw->data(), raw->data() + raw->size(), value);
    if (failure != std::errc{} || end != raw->data() + raw->size() || !(value >= 0)) return std::nullopt;
    return static_cast<std::uint64_t>(std::min(value, number_max));
}

}  // namespace

std::string write_open(const Open& open) {
    std::string out = "{\"sid\":\"";
    json::append_escaped(out, open.sid);
    out += "\",\"upgrades\":[";
    if (open.upgrade_to_websocket) out += "\"websocket\"";
    out += "],\"pingInterval\":" + std::to_string(open.ping_interval.count());
    out += ",\"pingTimeout\":" + std::to_string(open.ping_timeout.count());
    if (open.max_payload != 0) out += ",\"maxPayload\":" + std::to_string(open.max_payload);
    out += '}';
    return out;
}

result<Open> parse_open(std::string_view json) {
    if (json::validate(json) || json::first_value(json)->front() != '{') return errc::bad_open_packet;
    const auto sid = field(json, "/sid");
    const auto interval = number_field(json, "/pingInterval");
    const auto timeout = number_field(json, "/pingTimeout");
    const auto text = sid ? json::unescape(*sid) : std::nullopt;
    if (!text || text->empty() || text->size() > sid_size_max || !interval || !timeout)
        return errc::bad_open_packet;

    Open open;
    open.sid = *text;
    open.ping_interval = std::chrono::milliseconds(*interval);
    open.ping_timeout = std::chrono::milliseconds(*timeout);
    open.max_payload = number_field(json, "/maxPayload").value_or(0);
    if (const auto upgrades = field(json, "/upgrades")) {
        for (std::size_t i = 0; i < 8 && !open.upgrade_to_websocket; ++i) {
            const auto upgrade = json::element(*upgrades, i);
            open.upgrade_to_websocket = upgrade && json::same_scalar(*upgrade, "\"websocket\"");
        }
    }
    return open;
}

}  // namespace forestay::wire::engineio
