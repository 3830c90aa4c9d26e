#include "proxy/wire/http/handshake_response.h"

#include <algorithm>
#include <utility>

#include "proxy/wire/http/chunked.h"
#include "proxy/wire/http/response.h"

namespace forestay::wire::http {

namespace {

std::vector<std::string_view> values(const ResponseHead& head, std::string_view name) {
    std::vector<std::string_view> found;
    for (const Field& field : head.fields) {
        if (iequals(field.name, name)) found.push_back(field.value);
    }
    return found;
}

HandshakeVerdict check_upgrade(const ResponseHead& head, const HandshakeExpectation& expected,
                               std::string& protocol) {
    const auto upgrade = values(head, "Upgrade");
    if (upgrade.size() != 1 || !iequals(upgrade[0], "websocket")) return HandshakeVerdict::bad_upgrade;
    const auto connection = values(head, "Connection");
    const auto says_upgrade = [](std::string_view list) { return list_has(list, "upgrade"); };
    if (std::none_of(connection.begin(), connection.end(), says_upgrade))
        return HandshakeVerdict::bad_upgrade;
    const auto accept = values(head, "Sec-WebSocket-Accept");
    if (accept.size() != 1 || accept[0] != expected.accept) return HandshakeVerdict::bad_accept;
    for (const std::string_view extensions : values(head, "Sec-WebSocket-Extensions")) {
        if (!extensions.empty()) return HandshakeVerdict::unoffered;
    }
    const auto selected = values(head, "Sec-WebSocket-Protocol");
    if (selected.empty()) return HandshakeVerdict::upgraded;
    const auto& offered = expected.protocols;
    if (selected.size() > 1 || std::find(offered.begin(), offered.end(), selected[0]) == offered.end()) {
        return HandshakeVerdict::unoffered;
    }
    protocol = selected[0];
    return HandshakeVerdict::upgraded;
}

enum class Body : std::uint8_t { incomplete, whole, unusable };

Body read_chunks(std::string_view rest, std::size_t limit, std::string& body) {
    ChunkedReader reader;
    for (;;) {
        const auto step = reader.read(rest);
        rest.remove_prefix(step.taken);
        switch (step.state) {
            case ChunkedReader::State::more:
                return Body::incomplete;
            case ChunkedReader::State::done:
                return Body::whole;
            case ChunkedReader::State::bad:
                return Body::unusable;
            case ChunkedReader::State::data:
                break;
        }
        if (step.data.size() > limit - body.size()) return Body::unusable;
        body.append(step.data);
    }
}

Body read_body(const ResponseHead& head, std::string_view rest, bool closed, std::size_t limit,
               std::string& body) {
    switch (head.framing) {
        case ResponseFraming::none:
            return Body::whole;
        case ResponseFraming::chunked:
            return read_chunks(rest, limit, body);
        case ResponseFraming::length:
            if (head.content_length > limit) return Body::unusable;
            if (rest.size() < head.content_length) return Body::incomplete;
            body = rest.substr(0, head.content_length);
            return Body::whole;
        case ResponseFraming::until_close:
            break;
    }
    if (rest.size() > limit) return Body::unusable;
    body = rest;
    return closed ? Body::whole : Body::incomplete;
}

}  // namespace

HandshakeResponse parse_handshake_response(std::string_view bytes, bool closed,
                                           const HandshakeExpectation& expected) {
    HandshakeResponse response;
    ResponseLimits limits;
    limits.header_bytes = expected.head_bytes;
    std::size_t begin = 0;  // of the head that counts, behind interim ones
    ResponseHeadResult parsed;
    do {
        if (begin > expected.head_bytes)
            parsed.state = ResponseHeadResult::State::refused;
        else
            parsed = parse_response_head(bytes.substr(begin), false, limits);
        if (parsed.state == ResponseHeadResult::State::incomplete && !closed) return response;
        if (parsed.state != ResponseHeadResult::State::done) {
            response.verdict = HandshakeVerdict::malformed;
            return response;
        }
        begin += parsed.head.size;
    } while (parsed.head.status < 200 && parsed.head.status != 101);

    response.status = parsed.head.status;
    for (const Field& field : parsed.head.fields) response.fields.emplace_back(field.name, field.value);
    if (response.status == 101) {
        response.size = begin;
        response.verdict = check_upgrade(parsed.head, expected, response.protocol);
        return response;
    }
    const Body body = read_body(parsed.head, bytes.substr(begin), closed, expected.body_bytes, response.body);
    if (body == Body::incomplete && !closed) return response;
    if (body != Body::whole) response.body.clear();
    response.verdict = HandshakeVerdict::refused;
    return response;
}

}  // namespace forestay::wire::http
