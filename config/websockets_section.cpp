#include "config/websockets_section.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "config/access.h"
#include "config/json_text.h"

namespace forestay::config {
namespace {

using rules::MessageTemplate;
using wire::json::Pointer;

constexpr std::string_view default_error =
    R"({"type":"error","code":"{{code}}","message":"{{reason}}","detail":"{{detail}}"})";
constexpr std::array json_only{"type", "error",     "objects_only", "binary",
                               "ping", "heartbeat", "idle_timeout"};

// What conform() let through can be written as JSON.
std::string json(const Node& node) {
    Problems none;
    return to_json(node, none).value_or("null");
}

// A segment is a name in braces, or has no braces at all.
bool is_segment(std::string_view segment) {
    if (segment.find_first_of("{}") == std::string_view::npos) return true;
    if (segment.size() < 3 || segment.front() != '{' || segment.back() != '}') return false;
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return segment.substr(1, segment.size() - 2).find_first_not_of(allowed) == std::string_view::npos;
}

bool are_segments(std::string_view path) {
    while (!path.empty()) {
        const std::string_view segment = path.substr(0, path.find('/'));
        if (!is_segment(segment)) return false;
        path.remove_prefix(std::min(segment.size() + 1, path.size()));
    }
    return true;
}

class WebsocketSection {
  public:
    WebsocketSection(const Node& written, std::string path, Problems& problems)
        : written_(written), path_(std::move(path)), problems_(problems) {}

    void check_path() const {
        const Node* path = written_.find("path");
        if (path && !are_segments(path->text))
            error(*path, "path",
                  quote(path->text) + " has braces that are no whole segment: write /ws/{name}");
    }

    void refuse_json_keys() const {
        for (const char* key : json_only) {
            if (const Node* node = written_.find(key)) error(*node, key, "is for format: json only");
        }
    }

    [[nodiscard]] session::JsonWebsocket read() const {
        session::JsonWebsocket out;
        out.path = text(written_, "path");
        out.type = *Pointer::parse("/type");
        if (const Node* type = written_.find("type")) read_pointer(*type, out.type);
        std::string why;
        if (auto error = MessageTemplate::compile(default_error, why)) out.error = std::move(*error);
        read_template("error", out.error, rules::Purpose::error);
        if (written_.find("binary")) out.binary = boolean(written_, "binary");
        if (written_.find("objects_only")) out.objects_only = boolean(written_, "objects_only");
        out.ping = text(written_, "ping.type");
        read_template("ping.reply", out.pong, rules::Purpose::reply);
        out.heartbeat = duration(written_, "heartbeat.interval");
        if (const Node* message = find_node(written_, "heartbeat.message"))
            read_heartbeat(*message, out.heartbeat_message);
        out.heartbeat_response = text(written_, "heartbeat.response");
        out.idle_timeout = duration(written_, "idle_timeout");
        check_types(out);
        return out;
    }

  private:
    void error(const Node& at, std::string_view key, const std::string& message) const {
        problems_.error(at.at, path_ + '.' + std::string(key) + ": " + message);
    }
    void read_pointer(const Node& from, Pointer& out) const {
        auto pointer = Pointer::parse(from.text);
        if (pointer && !from.text.empty())
            out = std::move(*pointer);
        else
            error(from, "type", quote(from.text) + " is no JSON Pointer; write it like /type");
    }
    void read_heartbeat(const Node& from, std::string& out) const {
        out = json(from);
        if (out.find("{{") != std::string::npos)
            error(from, "heartbeat.message",
                  "has a placeholder, and there is nothing that it could stand for");
    }
    void read_template(const char* key, MessageTemplate& out, rules::Purpose purpose) const {
        const Node* from = find_node(written_, key);
        if (!from) return;
        std::string why;
        if (auto made = MessageTemplate::compile(json(*from), why, purpose))
            out = std::move(*made);
        else
            error(*from, key, why);
    }
    void check_types(const session::JsonWebsocket& read) const {
        if (!read.ping.empty() && read.ping == read.heartbeat_response) {
            error(*find_node(written_, "heartbeat.response"), "heartbeat.response",
                  "is the type of ping too: the two could not be told apart");
        }
        if (read.idle_timeout.count() > 0 && read.idle_timeout <= read.heartbeat) {
            problems_.warning(written_.find("idle_timeout")->at,
                              path_ +
                                  ".idle_timeout is not longer than heartbeat.interval: a quiet client "
                                  "is closed before it is asked for a sign of life");
        }
    }

    const Node& written_;
    std::string path_;  // of the element, for messages
    Problems& problems_;
};

}  // namespace

void read_websockets(Config& config, const Node& root, Problems& problems) {
    const std::vector<Node>& written = items(root, "websockets");
    for (std::size_t i = 0; i < written.size(); ++i) {
        const WebsocketSection section(written[i], "websockets[" + std::to_string(i) + ']', problems);
        section.check_path();
        net::WebsocketPath& path = config.net.websockets.emplace_back();
        path.path = text(written[i], "path");
        const std::string format = text(written[i], "format");
        if (format == "opaque") section.refuse_json_keys();
        if (format != "json") continue;
        path.json = config.session.json_websockets.size();
        config.session.json_websockets.push_back(section.read());
    }
}

std::string without_names(std::string_view path) {
    std::string out;
    for (const char c : path) {
        const bool inside = !out.empty() && out.back() == '{' && c != '}';
        if (!inside) out += c;
    }
    return out;
}

}  // namespace forestay::config
