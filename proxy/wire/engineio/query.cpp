#include "proxy/wire/engineio/query.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace forestay::wire::engineio {
namespace {

constexpr std::size_t sid_size_max = 64;

struct Parameter {
    std::string_view raw;  // as it came
    std::string_view name;
    std::string_view value;
};

// Takes the next non-empty parameter off the front of `query`.
std::optional<Parameter> next_parameter(std::string_view& query) {
    while (!query.empty()) {
        const std::string_view raw = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(raw.size() + 1, query.size()));
        if (raw.empty()) continue;
        const std::size_t equals = std::min(raw.find('='), raw.size());
        return Parameter{raw, raw.substr(0, equals), raw.substr(std::min(equals + 1, raw.size()))};
    }
    return std::nullopt;
}

bool is_sid(std::string_view sid) {
    return !sid.empty() && sid.size() <= sid_size_max && std::all_of(sid.begin(), sid.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
               c == '-';
    });
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Parameters that may be there once only. All but `token` are the protocol's own and are not handed on.
constexpr std::array<std::string_view, 7> once{"EIO", "transport", "sid", "t", "b64", "j", "token"};
constexpr std::string_view credential = "token";

// The index of a callback: digits, as few as a page could need.
std::optional<std::uint32_t> parse_index(std::string_view digits) {
    constexpr std::size_t digits_max = 9;
    std::uint32_t index = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (failure != std::errc{} || end != digits.data() + digits.size() || digits.size() > digits_max)
        return std::nullopt;
    return index;
}

boost::system::error_code take(Query& query, std::string_view name, std::string_view value) {
    if (name == "j") {
        query.jsonp = parse_index(value);
        if (!query.jsonp) return errc::jsonp_refused;
    } else if (name == "EIO") {
        if (value != "3" && value != "4") return errc::unsupported_revision;
        query.revision = value == "3" ? Revision::v3 : Revision::v4;
    } else if (name == "transport") {
        if (value != "polling" && value != "websocket") return errc::unknown_transport;
        query.transport = value == "polling" ? Transport::polling : Transport::websocket;
    } else if (name == "sid") {
        if (!is_sid(value)) return errc::bad_sid;
        query.sid = value;
    } else if (name == "b64") {
        query.base64 = !value.empty() && value != "0";
    }
    return {};
}

// As it came, but ';' escaped: older Pythons take it for a separator, and what stands behind it for a
// parameter of the protocol ("a=1;sid=...").
void add_user(std::string& user, std::string_view raw) {
    if (!user.empty()) user += '&';
    for (const char c : raw) {
        if (c == ';')
            user += "%3B";
        else
            user += c;
    }
}

}  // namespace

result<Query> parse_query(std::string_view text, Jsonp jsonp) {
    Query query;
    std::array<bool, once.size()> seen{};
    while (const auto parameter = next_parameter(text)) {
        // Names are compared decoded, as the app's framework compares them: "s%69d" is "sid".
        const auto name = decode_query_value(parameter->name);
        if (!name) return errc::bad_query;
        const auto known = std::find(once.begin(), once.end(), *name);
        if (known != once.end()) {
            bool& before = seen[static_cast<std::size_t>(known - once.begin())];
            if (before) return errc::duplicate_parameter;
            before = true;
        }
        if (known == once.end() || *known == credential) {
            add_user(query.user, parameter->raw);
            continue;
        }
        const auto value = decode_query_value(parameter->value);
        if (!value) return errc::bad_query;
        if (const auto error = take(query, *known, *value)) return error;
    }
    if (query.sid.empty() && !query.revision) return errc::unsupported_revision;
    const bool polling_v3 = query.revision == Revision::v3 && query.transport == Transport::polling;
    if (query.jsonp && (jsonp == Jsonp::refused || !polling_v3)) return errc::jsonp_refused;
    return query;
}

std::optional<std::string> decode_query_value(std::string_view raw) {
    std::string value;
    value.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] == '+') {
            value += ' ';
        } else if (raw[i] != '%') {
            value += raw[i];
        } else {
            const int high = i + 2 < raw.size() ? hex_digit(raw[i + 1]) : -1;
            const int low = i + 2 < raw.size() ? hex_digit(raw[i + 2]) : -1;
            if (high < 0 || low < 0) return std::nullopt;
            value += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return value;
}

std::optional<std::string> find_query_value(std::string_view query, std::string_view name, bool* duplicated) {
    std::optional<Parameter> found;
    if (duplicated != nullptr) *duplicated = false;
    while (const auto parameter = next_parameter(query)) {
        if (decode_query_value(parameter->name) != name) continue;
        if (!found) {
            found = parameter;
        } else if (duplicated != nullptr) {
            *duplicated = true;
        }
    }
    return found ? decode_query_value(found->value) : std::nullopt;
}

ErrorBody error_body_for(errc error) noexcept {
    // Only the values that have a code of their own in the reference server; all others are its "bad
    // request".
    if (error == errc::unknown_transport) return {400, R"({"code":0,"message":"Transport unknown"})"};
    if (error == errc::bad_sid) return {400, R"({"code":1,"message":"Session ID unknown"})"};
    if (error == errc::unsupported_revision)
        return {400, R"({"code":5,"message":"Unsupported protocol version"})"};
    if (error == errc::jsonp_refused) return {400, R"({"code":3,"message":"JSONP is not enabled"})"};
    return {400, R"({"code":3,"message":"Bad request"})"};
}

}  // namespace forestay::wire::engineio
