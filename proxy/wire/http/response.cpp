#include "proxy/wire/http/response.h"

#include <algorithm>
#include <charconv>

namespace forestay::wire::http {
namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool is_control(char c) noexcept {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}
bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}
std::string_view trim(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "HTTP/1.1 200 OK"; the reason may be empty, and its space missing.
std::string_view read_status_line(std::string_view line, ResponseHead& head) {
    if (line.size() < 12 || !line.starts_with("HTTP/1.") || (line[7] != '0' && line[7] != '1') ||
        line[8] != ' ' || !std::all_of(line.begin() + 9, line.begin() + 12, is_digit) ||
        (line.size() > 12 && line[12] != ' ')) {
        return "bad_status_line";
    }
    std::from_chars(line.data() + 9, line.data() + 12, head.status);
    if (head.status < 100 || head.status > 599) return "bad_status_line";
    if (line.size() > 13) head.reason = line.substr(13);
    head.keep_alive = line[7] == '1';
    return {};
}

std::string_view read_field(std::string_view line, ResponseHead& head, std::string_view& coding) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return "bad_field";
    const Field field{line.substr(0, colon), trim(line.substr(colon + 1))};
    head.fields.push_back(field);
    if (iequals(field.name, "content-length")) {
        std::uint64_t length = 0;
        const char* end = field.value.data() + field.value.size();
        const auto [stop, error] = std::from_chars(field.value.data(), end, length);
        if (error != std::errc() || stop != end || (head.has_length && length != head.content_length)) {
            return "bad_content_length";
        }
        head.has_length = true;
        head.content_length = length;
    } else if (iequals(field.name, "transfer-encoding")) {
        if (!coding.empty() || !iequals(field.value, "chunked")) return "bad_transfer_encoding";
        coding = field.value;
    } else if (iequals(field.name, "connection")) {
        head.keep_alive =
            (head.keep_alive || list_has(field.value, "keep-alive")) && !list_has(field.value, "close");
    }
    return {};
}

// RFC 9112 section 6.3.
std::string_view decide_framing(ResponseHead& head, bool to_head, bool chunked) {
    if (chunked && head.has_length) return "length_and_chunked";
    if (to_head || head.status < 200 || head.status == 204 || head.status == 304) {
        head.framing = ResponseFraming::none;
    } else if (chunked) {
        head.framing = ResponseFraming::chunked;
    } else {
        head.framing = head.has_length ? ResponseFraming::length : ResponseFraming::until_close;
    }
    if (head.framing == ResponseFraming::until_close) head.keep_alive = false;
    return {};
}

ResponseHeadResult refused(std::string_view reason) {
    ResponseHeadResult result;
    result.state = ResponseHeadResult::State::refused;
    result.reason = reason;
    return result;
}

}  // namespace

ResponseHeadResult parse_response_head(std::string_view bytes, bool to_head, const ResponseLimits& limits) {
    ResponseHeadResult result;
    std::string_view coding;
    std::size_t next = 0;
    while (true) {
        const std::size_t end = bytes.find("\r\n", next);
        if (std::min(end, bytes.size()) > limits.header_bytes) return refused("head_too_large");
        if (end == std::string_view::npos) return result;
        const std::string_view line = bytes.substr(next, end - next);
        const bool first = next == 0;
        next = end + 2;
        if (line.empty() && !first) break;
        if (std::any_of(line.begin(), line.end(), is_control)) return refused("bad_line");
        if (result.head.fields.size() == limits.header_count) return refused("too_many_fields");
        const std::string_view problem =
            first ? read_status_line(line, result.head) : read_field(line, result.head, coding);
        if (!problem.empty()) return refused(problem);
    }
    if (const std::string_view problem = decide_framing(result.head, to_head, !coding.empty());
        !problem.empty()) {
        return refused(problem);
    }
    result.head.size = next;
    result.state = ResponseHeadResult::State::done;
    return result;
}

}  // namespace forestay::wire::http
