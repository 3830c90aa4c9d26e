// The query string of an Engine.IO request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/wire/engineio/packet.h"
#include "proxy/wire/errc.h"

namespace forestay::wire::engineio {

enum class Transport : std::uint8_t { polling, websocket };

// Whether a query may ask for JSONP (jsonp.h).
enum class Jsonp : std::uint8_t { refused, allowed };

struct Query {
    std::optional<Revision> revision;  // required without a sid
    Transport transport = Transport::polling;
    std::string sid;                     // empty on a handshake; [A-Za-z0-9_-]{1,64}
    bool base64 = false;                 // EIO3 b64=1: the client cannot take binary bodies
    std::optional<std::uint32_t> jsonp;  // EIO3 j=7: answers are calls of ___eio[7]
    std::string
        user;  // everything that is not the protocol's (EIO transport sid t b64 j), as it came, joined by '&'
};

// Refuses duplicates of protocol parameters, foreign transports, bad sids and bad revisions; and j= (JSONP)
// but where it is allowed, for polling in EIO3.
[[nodiscard]] result<Query> parse_query(std::string_view query, Jsonp jsonp = Jsonp::refused);

// Percent-decodes one query value ('+' is a space). Empty optional on a malformed triplet.
[[nodiscard]] std::optional<std::string> decode_query_value(std::string_view raw);

// The first value of `name` in a query, decoded; for credentials. Sets `duplicated` when it is there twice.
[[nodiscard]] std::optional<std::string> find_query_value(std::string_view query, std::string_view name,
                                                          bool* duplicated = nullptr);

// The body that the reference server answers a refused request with: {"code":N,"message":"..."}.
struct ErrorBody {
    unsigned status = 400;
    std::string_view body;
};
[[nodiscard]] ErrorBody error_body_for(errc error) noexcept;

}  // namespace forestay::wire::engineio
