#include "proxy/wire/http/head.h"

#include <algorithm>
#include <array>
#include <limits>

namespace forestay::wire::http {
namespace {

constexpr std::size_t method_bytes_max = 32;
constexpr std::size_t padding_bytes_max = 256;  // white space around a field's value

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool is_alnum(char c) noexcept {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}
bool is_hex(char c) noexcept {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}
bool is_space(char c) noexcept {
    return c == ' ' || c == '\t';
}
bool is_control(char c) noexcept {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}
// RFC 9110 section 5.6.2.
bool is_token_char(char c) noexcept {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

// The literal path and what a server makes of it must not differ: no dot segments (plain or encoded, with or
// without parameters), no encoded slash, no NUL, no backslash.
std::string_view check_path(std::string_view path) noexcept {
    std::size_t dots = 0;
    bool only_dots = true;
    for (std::size_t i = 0; i < path.size(); ++i) {
        char c = path[i];
        if (c == '\\') return "backslash_in_path";
        if (c == '%') {
            if (path.size() - i < 3 || !is_hex(path[i + 1]) || !is_hex(path[i + 2])) return "bad_percent";
            const char high = path[i + 1], low = lower(path[i + 2]);
            if (high == '0' && low == '0') return "encoded_nul";
            if ((high == '2' && low == 'f') || (high == '5' && low == 'c')) return "encoded_slash";
            c = high == '2' && low == 'e' ? '.' : 'x';
            i += 2;
        }
        if (c == '/' || c == ';') {
            if (only_dots && (dots == 1 || dots == 2)) return "dot_segment";
            only_dots = c == '/';
            dots = 0;
        } else if (c == '.') {
            ++dots;
        } else {
            only_dots = false;
        }
    }
    return only_dots && (dots == 1 || dots == 2) ? "dot_segment" : std::string_view{};
}

bool known_method(std::string_view method) noexcept {
    constexpr std::array<std::string_view, 7> known{"GET",   "HEAD",   "POST",   "PUT",
                                                    "PATCH", "DELETE", "OPTIONS"};
    return std::find(known.begin(), known.end(), method) != known.end();
}

struct Line {
    enum class State : std::uint8_t { incomplete, done, bad } state = State::incomplete;
    std::string_view text;  // what there is of it
};

// The line that starts at `from`, without its CRLF. A bare CR or LF and any other control byte make it bad.
Line read_line(std::string_view bytes, std::size_t from) noexcept {
    for (std::size_t i = from; i < bytes.size(); ++i) {
        if (!is_control(bytes[i])) continue;
        const std::string_view text = bytes.substr(from, i - from);
        if (bytes[i] != '\r') return {Line::State::bad, text};
        if (i + 1 == bytes.size()) return {Line::State::incomplete, text};
        return {bytes[i + 1] == '\n' ? Line::State::done : Line::State::bad, text};
    }
    return {Line::State::incomplete, bytes.substr(std::min(from, bytes.size()))};
}

// Collects what the fields say together, and judges it once all of them are known.
class Gate {
  public:
    Gate(RequestHead& head, const HeadLimits& limits) : head_(head), limits_(limits) {}

    HeadRefusal request_line(std::string_view line);
    HeadRefusal field(std::string_view line);
    HeadRefusal judge();

  private:
    HeadRefusal framing(std::string_view name, std::string_view value);
    HeadRefusal judge_framing();
    HeadRefusal judge_upgrade();

    RequestHead& head_;
    const HeadLimits& limits_;
    unsigned fields_ = 0, hosts_ = 0, lengths_ = 0, codings_ = 0, cookies_ = 0;
    std::size_t connection_options_ = 0;
    bool close_ = false, persist_ = false, connection_upgrade_ = false;
    bool websocket_ = false, other_upgrade_ = false;
    std::string_view coding_;
};

constexpr HeadRefusal fine{0, {}};
bool refuses(const HeadRefusal& refusal) noexcept {
    return !refusal.reason.empty();
}

HeadRefusal Gate::request_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return {400, "bad_request_line"};
    head_.method = line.substr(0, first);
    head_.target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);

    if (head_.method.empty() || head_.method.size() > method_bytes_max ||
        !std::all_of(head_.method.begin(), head_.method.end(), is_token_char)) {
        return {400, "bad_method"};
    }
    if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' ||
        !is_digit(version[7])) {
        return {400, "bad_version"};
    }
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return {505, "unsupported_version"};
    head_.minor = version[7] == '1' ? 1 : 0;
    if (!known_method(head_.method)) return {405, "method_not_allowed"};
    if (head_.target.size() > limits_.target_bytes) return {414, "target_too_long"};

    const auto visible = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
    if (!std::all_of(head_.target.begin(), head_.target.end(), visible)) return {400, "bad_target"};
    if (head_.target == "*" && head_.method == "OPTIONS") {
        head_.path = head_.target;
        return fine;
    }
    // Absolute-form, authority-form and whatever else does not start with a slash: we serve no proxy
    // requests.
    if (!head_.target.starts_with('/')) return {400, "bad_target"};
    const std::size_t question = head_.target.find('?');
    head_.path = head_.target.substr(0, question);
    if (question != std::string_view::npos) head_.query = head_.target.substr(question + 1);
    const std::string_view problem = check_path(head_.path);
    return problem.empty() ? fine : HeadRefusal{400, problem};
}

HeadRefusal Gate::field(std::string_view line) {
    if (is_space(line.front())) return {400, "folded_field"};
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return {400, "bad_field"};
    const std::string_view name = line.substr(0, colon);
    // White space before the colon is no token character: refused here.
    if (!std::all_of(name.begin(), name.end(), is_token_char)) return {400, "bad_field_name"};
    if (++fields_ > limits_.header_count) return {431, "too_many_fields"};
    const std::string_view value = trim(line.substr(colon + 1));
    if (line.size() - colon - 1 - value.size() > padding_bytes_max) return {400, "padded_field"};
    // WSGI servers make X_Forwarded_User and X-Forwarded-User the same key: such names do not go on.
    const bool underscore = !limits_.drop_underscore_names;
    if (!std::all_of(name.begin(), name.end(),
                     [=](char c) { return is_alnum(c) || c == '-' || (c == '_' && underscore); })) {
        ++head_.dropped_fields;
        return fine;
    }
    head_.fields.push_back({name, value});
    return framing(name, value);
}

// What decides about the connection and the body.
HeadRefusal Gate::framing(std::string_view name, std::string_view value) {
    if (iequals(name, "host")) {
        if (++hosts_ > 1) return {400, "duplicate_host"};
        if (!valid_host(value)) return {400, "bad_host"};
        head_.host = value;
    } else if (iequals(name, "content-length")) {
        if (++lengths_ > 1) return {400, "duplicate_content_length"};
        if (value.empty() || value.size() > 19 || !std::all_of(value.begin(), value.end(), is_digit)) {
            return {400, "bad_content_length"};
        }
        for (const char c : value)
            head_.content_length = head_.content_length * 10 + static_cast<unsigned>(c - '0');
        if (head_.content_length > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
            return {400, "bad_content_length"};
        }
    } else if (iequals(name, "transfer-encoding")) {
        if (++codings_ > 1) return {400, "duplicate_transfer_encoding"};
        coding_ = value;
    } else if (iequals(name, "connection")) {
        close_ = close_ || list_has(value, "close");
        persist_ = persist_ || list_has(value, "keep-alive");
        connection_upgrade_ = connection_upgrade_ || list_has(value, "upgrade");
        // Each of them is looked for among all fields: thousands would cost thousands of times their bytes.
        connection_options_ += 1 + static_cast<std::size_t>(std::count(value.begin(), value.end(), ','));
        if (connection_options_ > limits_.header_count) return {431, "too_many_fields"};
    } else if (iequals(name, "upgrade")) {
        other_upgrade_ = other_upgrade_ || websocket_ || !iequals(value, "websocket");
        websocket_ = websocket_ || list_has(value, "websocket");
    } else if (iequals(name, "expect")) {
        if (!iequals(value, "100-continue")) return {417, "unknown_expectation"};
        head_.expect_continue = head_.minor == 1;  // HTTP/1.0 clients cannot mean it
    } else if (iequals(name, "cookie")) {
        // Servers join two of them in different ways, and the first of duplicate cookies wins.
        if (++cookies_ > 1) return {400, "duplicate_cookie"};
    }
    return fine;
}

HeadRefusal Gate::judge_framing() {
    if (codings_ > 0) {
        if (head_.minor == 0) return {400, "transfer_encoding_on_http_1_0"};
        if (coding_.empty()) return {400, "bad_transfer_encoding"};
        if (!iequals(coding_, "chunked")) return {501, "unknown_transfer_encoding"};
        if (lengths_ > 0) return {400, "length_and_chunked"};
        head_.framing = Framing::chunked;
    } else if (lengths_ > 0) {
        head_.framing = Framing::length;
    }
    const bool body = head_.framing == Framing::chunked || head_.content_length > 0;
    if (body && (head_.method == "GET" || head_.method == "HEAD")) return {400, "body_on_get"};
    return fine;
}

HeadRefusal Gate::judge_upgrade() {
    // Without "Connection: upgrade", or to anything but websocket: plain HTTP, the field is not forwarded.
    if (!connection_upgrade_ || !websocket_) return fine;
    if (head_.minor == 0) return {400, "upgrade_on_http_1_0"};
    if (head_.method != "GET") return {400, "upgrade_method"};
    if (other_upgrade_) return {400, "upgrade_list"};
    head_.upgrade_websocket = true;
    return fine;
}

HeadRefusal Gate::judge() {
    if (hosts_ == 0 && head_.minor == 1) return {400, "missing_host"};
    head_.keep_alive = !close_ && (head_.minor == 1 || persist_);
    if (const HeadRefusal refusal = judge_framing(); refuses(refusal)) return refusal;
    return judge_upgrade();
}

HeadResult refused(HeadRefusal refusal) {
    HeadResult result;
    result.state = HeadResult::State::refused;
    result.refusal = refusal;
    return result;
}

}  // namespace

bool is_smuggling(std::string_view reason) noexcept {
    constexpr std::array<std::string_view, 16> reasons{"duplicate_content_length",
                                                       "bad_content_length",
                                                       "duplicate_transfer_encoding",
                                                       "bad_transfer_encoding",
                                                       "unknown_transfer_encoding",
                                                       "transfer_encoding_on_http_1_0",
                                                       "length_and_chunked",
                                                       "body_on_get",
                                                       "folded_field",
                                                       "bad_field",
                                                       "bad_field_name",
                                                       "duplicate_host",
                                                       "bad_host",
                                                       "upgrade_list",
                                                       "upgrade_method",
                                                       "upgrade_on_http_1_0"};
    return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
}

HeadResult parse_request_head(std::string_view bytes, const HeadLimits& limits) {
    HeadResult result;
    if (bytes.empty()) return result;
    if (bytes.front() == 0x16) return refused({0, "tls_on_plain_port"});
    const std::string_view seen = bytes.substr(0, std::min(bytes.size(), limits.header_bytes));

    Gate gate(result.head, limits);
    Line line = read_line(seen, 0);
    const std::size_t request_line_max = limits.target_bytes + method_bytes_max + 10;
    if (line.text.size() > request_line_max) return refused({414, "target_too_long"});
    std::size_t next = 0;
    bool first = true;
    while (line.state == Line::State::done) {
        next += line.text.size() + 2;
        if (!first && line.text.empty()) {
            if (const HeadRefusal refusal = gate.judge(); refuses(refusal)) return refused(refusal);
            result.head.size = next;
            result.state = HeadResult::State::done;
            return result;
        }
        const HeadRefusal refusal = first ? gate.request_line(line.text) : gate.field(line.text);
        if (refuses(refusal)) return refused(refusal);
        first = false;
        line = read_line(seen, next);
    }
    if (line.state == Line::State::bad) return refused({400, first ? "bad_request_line" : "bad_line"});
    if (bytes.size() >= limits.header_bytes) {
        return refused(first ? HeadRefusal{414, "target_too_long"} : HeadRefusal{431, "head_too_large"});
    }
    return result;
}

const Field* RequestHead::find(std::string_view name) const noexcept {
    for (const Field& field : fields) {
        if (iequals(field.name, name)) return &field;
    }
    return nullptr;
}

bool iequals(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool list_has(std::string_view list, std::string_view token) noexcept {
    for (std::size_t from = 0; from <= list.size();) {
        const std::size_t comma = std::min(list.find(',', from), list.size());
        if (iequals(trim(list.substr(from, comma - from)), token)) return true;
        from = comma + 1;
    }
    return false;
}

}  // namespace forestay::wire::http
