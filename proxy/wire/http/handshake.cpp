#include "proxy/wire/http/handshake.h"

#include <algorithm>

namespace forestay::wire::http {
namespace {

constexpr std::size_t protocols_max = 16;
constexpr std::size_t protocol_bytes_max = 8 << 10;  // all lists together

bool is_alnum(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_token_char(char c) noexcept {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// 16 bytes in base64: 22 characters and two of padding.
bool valid_key(std::string_view key) noexcept {
    return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, [](char c) {
               return is_alnum(c) || c == '+' || c == '/';
           });
}

bool add_protocols(std::vector<std::string_view>& protocols, std::string_view list) {
    for (std::size_t from = 0; from <= list.size();) {
        const std::size_t comma = std::min(list.find(',', from), list.size());
        std::string_view item = list.substr(from, comma - from);
        while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
        while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
        if (item.empty() || !std::all_of(item.begin(), item.end(), is_token_char)) return false;
        if (std::find(protocols.begin(), protocols.end(), item) != protocols.end()) return false;
        if (protocols.size() == protocols_max) return false;
        protocols.push_back(item);
        from = comma + 1;
    }
    return true;
}

HandshakeResult refuse(unsigned status, std::string_view reason) {
    return {false, {}, {status, reason}};
}

}  // namespace

HandshakeResult check_handshake(const RequestHead& head) {
    HandshakeResult result;
    std::string_view version;
    std::size_t keys = 0, versions = 0, protocol_bytes = 0;
    for (const Field& field : head.fields) {
        if (iequals(field.name, "sec-websocket-key")) {
            result.request.key = field.value;
            ++keys;
        } else if (iequals(field.name, "sec-websocket-version")) {
            version = field.value;
            ++versions;
        } else if (iequals(field.name, "sec-websocket-protocol")) {
            protocol_bytes += field.value.size();
            if (protocol_bytes > protocol_bytes_max ||
                !add_protocols(result.request.protocols, field.value)) {
                return refuse(400, "bad_protocol");
            }
        }
    }
    if (versions > 1) return refuse(400, "bad_version");
    if (version != "13") return refuse(426, "bad_version");
    if (keys != 1 || !valid_key(result.request.key)) return refuse(400, "bad_key");
    result.ok = true;
    return result;
}

}  // namespace forestay::wire::http
