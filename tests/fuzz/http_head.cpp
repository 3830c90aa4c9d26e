// What passes the gate must be the same thing when it is cut short, and must hold what the gate promises.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "proxy/wire/http/chunked.h"
#include "proxy/wire/http/forwarding.h"
#include "proxy/wire/http/handshake.h"

using namespace forestay::wire::http;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_head(std::string_view bytes) {
    const HeadResult result = parse_request_head(bytes, {});
    if (result.state == HeadResult::State::incomplete) return;
    if (result.state == HeadResult::State::refused) {
        require(!result.refusal.reason.empty());
        return;
    }
    const RequestHead& head = result.head;
    require(head.size <= bytes.size() && bytes.substr(0, head.size).ends_with("\r\n\r\n"));
    require(head.path.starts_with('/') || head.target == "*");
    require(parse_request_head(bytes.substr(0, head.size), {}).state == HeadResult::State::done);
    require(parse_request_head(bytes.substr(0, head.size - 1), {}).state == HeadResult::State::incomplete);
    if (head.upgrade_websocket) require(head.framing != Framing::chunked && head.content_length == 0);
    if (check_handshake(head).ok) require(check_handshake(head).request.key.size() == 24);
    for (const auto& [name, value] : forwarded_fields(head, {"192.0.2.1", "http", "a", {}, {}}, "u", true)) {
        require(name.find('_') == std::string::npos && name.find('\n') == std::string::npos);
        require(value.find('\n') == std::string::npos && value.find('\r') == std::string::npos);
    }
}

void check_chunked(std::string_view bytes, std::size_t slice) {
    ChunkedReader reader;
    while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, slice);
        const ChunkedReader::Step step = reader.read(piece);
        if (step.state == ChunkedReader::State::bad || step.state == ChunkedReader::State::done) return;
        require(step.taken > 0 && step.taken <= piece.size() && step.data.size() <= step.taken);
        bytes.remove_prefix(step.taken);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_head(bytes);
    if (!bytes.empty()) check_chunked(bytes.substr(1), static_cast<std::size_t>(data[0]) + 1);
    return 0;
}
