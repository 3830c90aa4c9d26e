#include "proxy/net/routes.h"

#include <algorithm>
#include <array>

#include "proxy/wire/engineio/query.h"

namespace forestay::net {
namespace {

using std::string_view;

string_view without_slash(string_view path) {
    if (path.ends_with('/')) path.remove_suffix(1);
    return path;
}

bool is_endpoint(string_view path, const std::vector<std::string>& socketio_paths) {
    return std::any_of(socketio_paths.begin(), socketio_paths.end(),
                       [&](const std::string& each) { return without_slash(path) == without_slash(each); });
}

bool is_below_endpoint(string_view path, const std::vector<std::string>& socketio_paths) {
    return std::any_of(socketio_paths.begin(), socketio_paths.end(), [&](string_view each) {
        each = without_slash(each);
        return path.starts_with(each) && path.substr(each.size()).starts_with('/');
    });
}

// Servers look at these by their decoded names, whatever the rest of the path is; some also split at ';'.
bool has_engineio_parameter(string_view query) {
    constexpr std::array<string_view, 4> names{"EIO", "transport", "sid", "j"};
    for (std::size_t from = 0; from <= query.size();) {
        const std::size_t end = std::min(query.find_first_of("&;", from), query.size());
        const string_view raw = query.substr(from, end - from);
        const auto name = wire::engineio::decode_query_value(raw.substr(0, raw.find('=')));
        if (name && std::find(names.begin(), names.end(), *name) != names.end()) return true;
        from = end + 1;
    }
    return false;
}

char hex_value(char c) {
    if (c >= '0' && c <= '9') return static_cast<char>(c - '0');
    return static_cast<char>((c | 0x20) - 'a' + 10);
}

// What a server may make of the path: percent-decoded, slashes collapsed. The gate has checked the triplets.
std::string normalised(string_view path) {
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        char c = path[i];
        if (c == '%' && path.size() - i > 2) {
            c = static_cast<char>(hex_value(path[i + 1]) * 16 + hex_value(path[i + 2]));
            i += 2;
        }
        if (c != '/' || !out.ends_with('/')) out += c;
    }
    return out;
}

string_view next_segment(string_view& path) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const string_view segment = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    return segment;
}

bool matches(string_view pattern, string_view path) {
    if (std::count(pattern.begin(), pattern.end(), '/') != std::count(path.begin(), path.end(), '/'))
        return false;
    while (!pattern.empty() || !path.empty()) {
        const string_view wanted = next_segment(pattern);
        const string_view found = next_segment(path);
        const bool any = wanted.starts_with('{') && wanted.ends_with('}');
        if (any ? found.empty() : found != wanted) return false;
    }
    return true;
}

// What the app would take for a JSON websocket, and we for something else: its rules would be passed by.
bool is_hidden_websocket(string_view path, const std::vector<WebsocketPath>& websockets) {
    const WebsocketPath* read = websocket_at(normalised(path), websockets);
    return read != nullptr && read->json && read != websocket_at(path, websockets);
}

}  // namespace

const WebsocketPath* websocket_at(string_view path, const std::vector<WebsocketPath>& websockets) {
    const WebsocketPath* found = nullptr;
    for (const WebsocketPath& each : websockets) {
        if (each.path == path) return &each;
        if (found == nullptr && matches(each.path, path)) found = &each;
    }
    return found;
}

std::string guarded_path(string_view path, const std::vector<std::string>& socketio_paths) {
    std::string guarded(path);
    if (is_endpoint(path, socketio_paths) && !guarded.ends_with('/')) guarded += '/';
    return guarded;
}

Route route_of(const wire::http::RequestHead& head, const Options& options) {
    if (head.target == "*") return Route::asterisk;
    if (!head.upgrade_websocket && !options.client_config_path.empty() &&
        head.path == options.client_config_path) {
        return Route::client_config;
    }
    const bool endpoint = is_endpoint(head.path, options.socketio_paths);
    const bool below = endpoint || is_below_endpoint(head.path, options.socketio_paths);
    // (Protected prefixes are compared with all readings of a path: auth::Authenticator::protects().)
    if (!below && (head.path.find('%') != string_view::npos || head.path.find("//") != string_view::npos)) {
        if (is_below_endpoint(normalised(head.path) + '/', options.socketio_paths)) return Route::ambiguous;
        if (head.upgrade_websocket && is_hidden_websocket(head.path, options.websockets))
            return Route::ambiguous;
    }
    // The client's own script lives below the endpoint, and is the app's to serve.
    if (endpoint || (below && has_engineio_parameter(head.query))) return Route::engineio;
    return head.upgrade_websocket ? Route::websocket : Route::http;
}

}  // namespace forestay::net
