// How TLS handshakes end.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace forestay::net {

enum class TlsResult : std::uint8_t {
    ok,
    no_shared_cipher,
    unsupported_version,
    plain_http,  // no TLS at all
    client_certificate_missing,
    client_certificate_bad,
    certificate_unknown_ca,  // as one side says of the other
    name_mismatch,
    expired,
    closed,     // by the other side, in the middle
    timed_out,  // for the caller to say
    other
};
constexpr std::array<std::string_view, 12> tls_result_names{
    "ok",
    "no_shared_cipher",
    "unsupported_version",
    "plain_http",
    "client_certificate_missing",
    "client_certificate_bad",
    "certificate_unknown_ca",
    "name_mismatch",
    "expired",
    "closed",
    "timed_out",
    "other",
};

}  // namespace forestay::net
