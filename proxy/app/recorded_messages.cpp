#include "proxy/app/recorded_messages.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "proxy/wire/json/scan.h"
#include "proxy/wire/socketio/packet.h"
#include "rules/scalars.h"

namespace forestay::app {
namespace {

namespace json = wire::json;

constexpr std::array<std::string_view, 13> keys{"/at",   "/from", "/session", "/namespace", "/event",
                                                "/args", "/ack",  "/ack_of",  "/packet",    "/message",
                                                "/path", "/lost", "/who"};

// 1.5 (seconds), "1.5s", "200ms", "2m", "1h".
std::optional<std::chrono::nanoseconds> parse_time(std::string_view raw) {
    std::string text(raw);
    if (raw.starts_with('"')) text = json::unescape(raw).value_or("");
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || !std::isfinite(value) || value < 0) return std::nullopt;
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    constexpr std::array<std::pair<std::string_view, double>, 4> units{
        {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}}};
    const auto known =
        std::find_if(units.begin(), units.end(), [&](const auto& each) { return each.first == unit; });
    const double seconds = value * (raw.starts_with('"') && known != units.end() ? known->second : 1);
    if (raw.starts_with('"') ? known == units.end() : !unit.empty()) return std::nullopt;
    if (seconds > 366.0 * 86'400) return std::nullopt;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

std::optional<std::string> text_of(std::string_view line, std::string_view key) {
    const auto raw = json::member(line, key);
    return raw ? json::unescape(*raw) : std::nullopt;
}

bool is_ack_id(std::string_view raw) {
    return !raw.empty() && raw.size() <= 15 &&
           std::all_of(raw.begin(), raw.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// With the digit of Engine.IO it is understood, too: no packet of either side begins with 42, 43, 45 or 46.
std::string without_engineio_digit(std::string text) {
    for (const char* whole : {"42", "43", "45", "46"}) {
        if (text.starts_with(whole)) return text.substr(1);
    }
    return text;
}

}  // namespace

bool RecordedMessages::fail(std::string_view what) {
    problem_ = std::to_string(number_) + ": " + std::string(what);
    return false;
}

bool RecordedMessages::read_line() {
    line_.clear();
    ++number_;
    std::streambuf& from = *in_.rdbuf();
    for (int c = from.sbumpc();; c = from.sbumpc()) {
        if (c == std::streambuf::traits_type::eof()) return !line_.empty();
        if (c == '\n') return true;
        if (line_.size() == line_bytes) return fail("the line is longer than 8 MiB");
        line_ += static_cast<char>(c);
    }
}

std::optional<RecordedMessage> RecordedMessages::next() {
    while (problem_.empty() && read_line()) {
        if (line_.find_first_not_of(" \t\r") == std::string::npos) continue;
        RecordedMessage message;
        if (!parse(line_, message)) return std::nullopt;
        return message;
    }
    return std::nullopt;
}

bool RecordedMessages::parse(std::string_view line, RecordedMessage& message) {
    if (json::validate(line)) return fail("not JSON");
    const std::string_view object = *json::first_value(line);
    if (!object.starts_with('{'))
        return fail("an object is expected: {\"at\": 1.5, \"from\": \"client\", ...}");
    for (const rules::Scalar& each : rules::scalars(object, 1, 64)) {
        if (std::find(keys.begin(), keys.end(), each.pointer) == keys.end())
            return fail("unknown key \"" + each.pointer.substr(1) + '"');
    }
    message.line = number_;
    const auto at = json::member(object, "at");
    const auto time = at ? parse_time(*at) : std::nullopt;
    if (!time) return fail(R"("at" is missing or no time: seconds as a number, or "1.5s", "200ms", "2m")");
    if (*time < last_) return fail("\"at\" is before that of the line above: times do not go backwards");
    message.at = last_ = *time;
    message.session = text_of(object, "session").value_or("");
    message.who = text_of(object, "who").value_or("");
    message.path = text_of(object, "path").value_or("");

    if (json::member(object, "lost") == "true") {
        message.kind = RecordedMessage::Kind::upstream_lost;
        return true;
    }
    const std::string from = text_of(object, "from").value_or("");
    if (from != "client" && from != "app") return fail("\"from\" must be \"client\" or \"app\"");
    message.from_client = from == "client";

    const auto event = json::member(object, "event");
    const auto ack_of = json::member(object, "ack_of");
    const auto packet = json::member(object, "packet");
    const auto body = json::member(object, "message");
    if ((event ? 1 : 0) + (ack_of ? 1 : 0) + (packet ? 1 : 0) + (body ? 1 : 0) != 1)
        return fail(R"(one of "event", "ack_of", "packet", "message" is expected, or "lost": true)");
    if (body) {
        message.kind = RecordedMessage::Kind::json;
        // As a string it is taken as it is: it may be no JSON.
        message.text = body->starts_with('"') ? *json::unescape(*body) : std::string(*body);
        return true;
    }
    if (packet) {
        if (!packet->starts_with('"')) return fail(R"("packet" must be a string: "2[\"ask\",{}]")");
        message.text = without_engineio_digit(*json::unescape(*packet));
        const auto parsed = wire::socketio::scan_server_packet(message.text);
        if (!parsed) return fail("\"packet\": " + parsed.error().message());
        if (parsed->attachments > 0) return fail("packets with attachments can not be played");
        return true;
    }
    const std::string nsp = text_of(object, "namespace").value_or("/");
    if (!nsp.starts_with('/') || nsp.find(',') != std::string::npos)
        return fail("\"namespace\" must begin with a / and have no comma");
    const auto args = json::member(object, "args");
    if (args && !args->starts_with('[')) return fail("\"args\" must be a list");
    const auto ack = ack_of ? ack_of : json::member(object, "ack");
    if (ack && !is_ack_id(*ack)) return fail("an ack id is a number of at most 15 digits");
    if (event && !event->starts_with('"')) return fail("\"event\" must be a string");

    message.text = event ? '2' : '3';
    if (nsp != "/") message.text += nsp + ',';
    if (ack) message.text += *ack;
    std::string inner(args ? args->substr(1, args->size() - 2) : std::string_view());
    if (inner.find_first_not_of(" \t\r\n") == std::string::npos) inner.clear();
    message.text += '[';
    if (event) message.text += std::string(*event) + (inner.empty() ? "" : ",");
    message.text += inner + ']';
    return true;
}

}  // namespace forestay::app
