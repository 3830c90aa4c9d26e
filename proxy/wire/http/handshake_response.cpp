#include "proxy/wire/http/handshake_response.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace forestay::wire::http {

namespace {

constexpr std::size_t max_fields = 256;

bool is_token(std::string_view text) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               marks.find(c) != marks.npos;
    });
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "HTTP/1.1 101 Switching Protocols"; the reason may be empty, and its space missing.
std::optional<unsigned> parse_status_line(std::string_view line) {
    if (line.size() < 12 || !line.starts_with("HTTP/1.") || (line[7] != '0' && line[7] != '1') ||
        line[8] != ' ')
        return {};
    unsigned status = 0;
    const auto [end, error] = std::from_chars(line.data() + 9, line.data() + 12, status);
    if (error != std::errc() || end != line.data() + 12 || status < 100 || status > 599) return {};
    if (line.size() > 12 && line[12] != ' ') return {};
    return status;
}

// Folded lines, spaces before the colon and control characters are nobody's header.
bool parse_fields(std::string_view lines, OwnedFields& fields) {
    while (!lines.empty()) {
        const auto end = lines.find("\r\n");
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(end + 2);
        const auto colon = line.find(':');
        if (colon == line.npos || !is_token(line.substr(0, colon)) || fields.size() == max_fields)
            return false;
        const std::string_view value = trim(line.substr(colon + 1));
        if (std::any_of(value.begin(), value.end(),
                        [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; })) {
            return false;
        }
        fields.emplace_back(line.substr(0, colon), value);
    }
    return true;
}

std::vector<std::string_view> values(const OwnedFields& fields, std::string_view name) {
    std::vector<std::string_view> found;
    for (const auto& [field, value] : fields) {
        if (iequals(field, name)) found.push_back(value);
    }
    return found;
}

bool any_has(const std::vector<std::string_view>& lists, std::string_view token) {
    return std::any_of(lists.begin(), lists.end(),
                       [&](std::string_view list) { return list_has(list, token); });
}

HandshakeVerdict check_upgrade(HandshakeResponse& response, const HandshakeExpectation& expected) {
    const auto upgrade = values(response.fields, "Upgrade");
    if (upgrade.size() != 1 || !iequals(upgrade[0], "websocket")) return HandshakeVerdict::bad_upgrade;
    if (!any_has(values(response.fields, "Connection"), "upgrade")) return HandshakeVerdict::bad_upgrade;
    const auto accept = values(response.fields, "Sec-WebSocket-Accept");
    if (accept.size() != 1 || accept[0] != expected.accept) return HandshakeVerdict::bad_accept;
    for (const std::string_view extensions : values(response.fields, "Sec-WebSocket-Extensions")) {
        if (!extensions.empty()) return HandshakeVerdict::unoffered;
    }
    const auto protocol = values(response.fields, "Sec-WebSocket-Protocol");
    if (protocol.empty()) return HandshakeVerdict::upgraded;
    const auto& offered = expected.protocols;
    if (protocol.size() > 1 || std::find(offered.begin(), offered.end(), protocol[0]) == offered.end()) {
        return HandshakeVerdict::unoffered;
    }
    response.protocol = protocol[0];
    return HandshakeVerdict::upgraded;
}

enum class Body : std::uint8_t { incomplete, whole, unusable };

// Chunks (RFC 9112 section 7.1); trailers are of no interest.
Body read_chunks(std::string_view rest, std::size_t limit, std::string& body) {
    for (;;) {
        const auto end = rest.find("\r\n");
        if (end == rest.npos) return rest.size() > limit ? Body::unusable : Body::incomplete;
        std::size_t size = 0;
        const auto [after, error] = std::from_chars(rest.data(), rest.data() + end, size, 16);
        if (error != std::errc() || (after != rest.data() + end && *after != ';' && *after != ' '))
            return Body::unusable;
        if (size > limit - body.size()) return Body::unusable;
        if (size == 0) return Body::whole;
        rest.remove_prefix(end + 2);
        if (rest.size() < size + 2) return Body::incomplete;
        if (rest.substr(size, 2) != "\r\n") return Body::unusable;
        body.append(rest.substr(0, size));
        rest.remove_prefix(size + 2);
    }
}

Body read_body(std::string_view rest, bool closed, const HandshakeExpectation& expected,
               HandshakeResponse& response) {
    if (response.status == 204 || response.status == 304) return Body::whole;
    const auto encoding = values(response.fields, "Transfer-Encoding");
    if (!encoding.empty()) {
        if (encoding.size() > 1 || !iequals(encoding[0], "chunked")) return Body::unusable;
        return read_chunks(rest, expected.body_bytes, response.body);
    }
    const auto length = values(response.fields, "Content-Length");
    if (length.empty()) {  // up to the end of the connection
        if (rest.size() > expected.body_bytes) return Body::unusable;
        response.body = rest;
        return closed ? Body::whole : Body::incomplete;
    }
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(length[0].data(), length[0].data() + length[0].size(), size);
    if (length.size() > 1 || error != std::errc() || end != length[0].data() + length[0].size())
        return Body::unusable;
    if (size > expected.body_bytes) return Body::unusable;
    if (rest.size() < size) return Body::incomplete;
    response.body = rest.substr(0, size);
    return Body::whole;
}

}  // namespace

HandshakeResponse parse_handshake_response(std::string_view bytes, bool closed,
                                           const HandshakeExpectation& expected) {
    HandshakeResponse response;
    const auto verdict = [&](HandshakeVerdict is) {
        response.verdict = is;
        return std::move(response);
    };
    std::size_t begin = 0;  // of the head that counts, behind interim ones
    std::string_view head;
    do {
        response.fields.clear();
        const auto end = bytes.find("\r\n\r\n", begin);
        if (std::min(end, bytes.size()) > expected.head_bytes) return verdict(HandshakeVerdict::malformed);
        if (end == bytes.npos)
            return verdict(closed ? HandshakeVerdict::malformed : HandshakeVerdict::incomplete);
        head = bytes.substr(begin, end + 2 - begin);
        begin = end + 4;
        const auto line = head.find("\r\n");
        const auto status = parse_status_line(head.substr(0, line));
        if (!status || !parse_fields(head.substr(line + 2), response.fields))
            return verdict(HandshakeVerdict::malformed);
        response.status = *status;
    } while (response.status < 200 && response.status != 101);

    if (response.status == 101) {
        response.size = begin;
        return verdict(check_upgrade(response, expected));
    }
    switch (read_body(bytes.substr(begin), closed, expected, response)) {
        case Body::whole:
            return verdict(HandshakeVerdict::refused);
        case Body::incomplete:
            if (!closed) return verdict(HandshakeVerdict::incomplete);
            break;
        case Body::unusable:
            break;
    }
    response.body.clear();
    return verdict(HandshakeVerdict::refused);
}

}  // namespace forestay::wire::http
