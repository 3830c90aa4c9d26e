#include "config/check.h"

#include <algorithm>
#include <chrono>

#include "config/access.h"
#include "config/endpoints.h"

namespace forestay::config {
namespace {

using namespace std::chrono_literals;

Place place(const Node& root, std::string_view path) {
    const Node* node = find_node(root, path);
    return node ? node->at : root.at;
}

bool all_loopback(const std::vector<net::Endpoint>& endpoints) {
    return std::all_of(endpoints.begin(), endpoints.end(), is_loopback);
}

void check_origins(const Config& config, const Node& root, Problems& problems) {
    const auto& allowed = config.origins.allowed;
    if (config.origins.allow_credentials && std::find(allowed.begin(), allowed.end(), "*") != allowed.end()) {
        problems.warning(place(root, "cors.allowed_origins"),
                         "every web page may use its visitors' cookies here: name the origins, or set "
                         "cors.allow_credentials: false");
    }
    if (config.origins.dev && !all_loopback(config.net.listen)) {
        problems.warning(
            place(root, "cors.dev"),
            "cors.dev lets every page served on a visitor's own machine in, and others can reach the "
            "listener: use it on 127.0.0.1 only");
    }
}

void check_auth(const Config& config, const Node& root, Problems& problems) {
    if (config.auth.protect.empty() && !items(root, "auth.any_of").empty()) {
        problems.warning(place(root, "auth.any_of"), "auth.protect is empty: no path asks for a credential");
    } else if (config.auth.protect.empty() && !all_loopback(config.net.listen)) {
        problems.warning(place(root, "listen"),
                         "everybody who reaches this address may use the app: auth.protect is empty");
    }
    if (!config.auth.from.query.empty()) {
        problems.warning(
            place(root, "auth.from.query"),
            "credentials in the query end up in logs and browser histories: prefer auth.from.connect or "
            "a cookie");
    }
}

void check_admin(const Config& config, const Node& root, Problems& problems) {
    const std::vector<Node>& listen = items(root, "admin.listen");
    for (const Node& one : listen) {
        if (one.text == "off" && listen.size() > 1) problems.error(one.at, "admin.listen: off stands alone");
    }
    const bool token = find_node(root, "admin.token") || find_node(root, "admin.token_file");
    if (!token && !all_loopback(config.net.admin_listen)) {
        problems.error(
            place(root, "admin.listen"),
            "admin.listen: others can reach this address: set admin.token_file, or listen on 127.0.0.1");
    }
}

void check_timeouts(const Node& root, Problems& problems) {
    for (const Node& rule : items(root, "requests")) {
        if (duration(rule, "timeout") > 10min) {
            problems.warning(
                place(rule, "timeout"),
                "nobody waits longer than ten minutes: the fallback comes to a client that has given up");
        }
    }
}

void check_limits(const Config& config, const Node& root, Problems& problems) {
    if (config.session.limits.outbox_bytes < config.session.limits.message_bytes) {
        problems.error(place(root, "limits.outbox"),
                       "limits.outbox is smaller than limits.max_message: such a message could never be "
                       "sent, set it to at least that");
    }
}

void check_addresses(const Config& config, const Node& root, Problems& problems) {
    std::vector<std::string> seen;
    const auto look = [&](const std::vector<net::Endpoint>& endpoints, std::string_view path) {
        for (const net::Endpoint& endpoint : endpoints) {
            const std::string name = to_string(endpoint);
            const bool fixed = !endpoint.unix_path.empty() || endpoint.port != 0;
            if (fixed && std::find(seen.begin(), seen.end(), name) != seen.end()) {
                problems.error(place(root, path), std::string(path) + ": " + name + " is there twice");
            }
            seen.push_back(name);
        }
    };
    look(config.net.listen, "listen");
    look(config.net.admin_listen, "admin.listen");
}

}  // namespace

void check(const Config& config, const Node& root, Problems& problems) {
    check_origins(config, root, problems);
    check_auth(config, root, problems);
    check_admin(config, root, problems);
    check_timeouts(root, problems);
    check_limits(config, root, problems);
    check_addresses(config, root, problems);
}

}  // namespace forestay::config
