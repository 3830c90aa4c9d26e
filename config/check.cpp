#include "config/check.h"

#include <algorithm>

#include "config/access.h"
#include "config/endpoints.h"
#include "config/rule_warnings.h"
#include "config/websockets_section.h"
#include "proxy/net/descriptors.h"

namespace forestay::config {
namespace {

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

void check_jsonp(const Config& config, const Node& root, Problems& problems) {
    if (!config.net.jsonp) return;
    problems.warning(place(root, "socketio.jsonp"),
                     "every web page can read what JSONP answers to its visitors' cookies, whatever "
                     "cors.allowed_origins says: scripts are fetched without Origin");
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

void check_limits(const Config& config, const Node& root, std::uint64_t open_files, Problems& problems) {
    if (config.session.limits.outbox_bytes < config.session.limits.message_bytes) {
        problems.error(place(root, "limits.outbox"),
                       "limits.outbox is smaller than limits.max_message: such a message could never be "
                       "sent, set it to at least that");
    }
    const std::size_t enough_for = net::clients_for(open_files, config.threads);
    if (text(root, "limits.max_connections") != "auto" && config.net.limits.connections > enough_for) {
        problems.warning(place(root, "limits.max_connections"),
                         "the open file limit here, " + std::to_string(open_files) + ", is enough for " +
                             std::to_string(enough_for) + " clients: raise it (LimitNOFILE, ulimit -n)");
    }
    if (config.net.limits.identities.any() && config.auth.protect.empty()) {
        const bool count = config.net.limits.identities.at_once > 0;
        problems.warning(place(root, count ? "limits.per_identity" : "limits.identity_rate"),
                         "auth.protect is empty: nobody has an identity that could be counted");
    }
    // What each client may have waiting, against what there is.
    const std::uint64_t memory = config.net.memory.bytes;
    if (memory > 0 && config.session.limits.outbox_bytes > memory / 8) {
        problems.warning(place(root, "limits.memory"),
                         "limits.memory has no room for eight clients with a full limits.outbox");
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

void check_upstreams(const Config& config, const Node& root, Problems& problems) {
    constexpr std::size_t upstreams_max = 64;
    const std::vector<Node>& written = items(root, "upstream.url");
    const auto& urls = config.net.upstream.urls;
    if (const Node* list = find_node(root, "upstream.url"); list && written.empty() && !list->broken)
        problems.error(list->at, "upstream.url: at least one URL is expected");
    if (written.size() > upstreams_max)
        problems.error(written[upstreams_max].at, "upstream.url: more than 64 of them");
    const auto same = [](const net::UpstreamUrl& a, const net::UpstreamUrl& b) {
        return a.host == b.host && a.port == b.port && a.path_prefix == b.path_prefix;
    };
    // conform() let only those through that can be read: the two lists are of the same length.
    for (std::size_t i = 0; i < urls.size(); ++i) {
        const auto first =
            std::find_if(urls.begin(), urls.end(), [&](const auto& url) { return same(url, urls[i]); });
        if (first < urls.begin() + static_cast<std::ptrdiff_t>(i))
            problems.error(written.at(i).at, "upstream.url: " + written.at(i).text + " is there twice");
    }
}

// Without it every client has the address of the proxy.
void check_addresses_known(const Config& config, const Node& root, Problems& problems) {
    if (!config.net.limits.addresses.any() || !config.net.trusted_proxies.empty()) return;
    if (!all_loopback(config.net.listen)) return;
    const bool per_ip = config.net.limits.addresses.at_once > 0;
    problems.warning(place(root, per_ip ? "limits.per_ip" : "limits.connect_rate"),
                     "only this machine can reach the listener, so clients come through a proxy and have one "
                     "address between them: name it in trusted_proxies");
}

void check_client_config(const Config& config, const Node& root, Problems& problems) {
    const std::string& path = config.net.client_config_path;
    const auto& endpoints = config.net.socketio_paths;
    if (!path.empty() && std::find(endpoints.begin(), endpoints.end(), path) != endpoints.end())
        problems.error(place(root, "client_config.path"), "client_config.path: Socket.IO is there");
}

void check_websockets(const Config& config, const Node& root, Problems& problems) {
    const std::vector<Node>& written = items(root, "websockets");
    std::vector<std::string> seen = config.net.socketio_paths;
    for (const Node& one : written) {
        const std::string path = without_names(text(one, "path"));
        if (std::find(seen.begin(), seen.end(), path) != seen.end())
            problems.error(place(one, "path"), "websockets: " + text(one, "path") + " is there twice");
        if (!path.empty()) seen.push_back(path);
    }
}

void check_tls(const Config& config, const Node& root, Problems& problems) {
    const auto& listen = config.net.listen;
    const auto encrypted = [](const net::Endpoint& endpoint) { return endpoint.tls; };
    if (config.tls && std::none_of(listen.begin(), listen.end(), encrypted))
        problems.error(place(root, "tls"), "tls: no address of listen has it");
    for (const Node& one : items(root, "admin.listen")) {
        if (is_plain(one.text)) problems.error(one.at, "admin.listen: write host:port: it never has TLS");
    }
    const auto& upstreams = config.upstream_tls;
    const Node* tls = find_node(root, "upstream.tls");
    const bool any =
        std::any_of(upstreams.begin(), upstreams.end(), [](const auto& one) { return one.has_value(); });
    if (tls && !any && !upstreams.empty())
        problems.error(tls->at, "upstream.tls: no URL of the app begins with https://");
    const bool shown =
        config.tls && config.tls->client_certificates != net::TlsServerOptions::ClientCertificates::off;
    for (const Node& method : items(root, "auth.any_of")) {
        if (const Node* certificate = method.find("client_certificate"); certificate && !shown)
            problems.error(certificate->at,
                           "client_certificate without tls.client_ca_file: nobody shows one");
    }
}

void check_shields(const Node& root, Problems& problems) {
    const Node* shields = root.find("shields");
    if (!shields) return;
    for (const Node::Entry& one : shields->entries) {
        if (one.value.text != "false") continue;
        problems.warning(one.value.at, "shields." + one.key +
                                           ": what it keeps away reaches the app and its "
                                           "clients: leave it on unless it is in the way");
    }
}

}  // namespace

void check(const Config& config, const Node& root, std::uint64_t open_files, Problems& problems) {
    check_origins(config, root, problems);
    check_jsonp(config, root, problems);
    check_auth(config, root, problems);
    check_admin(config, root, problems);
    check_limits(config, root, open_files, problems);
    check_addresses(config, root, problems);
    check_upstreams(config, root, problems);
    check_websockets(config, root, problems);
    check_addresses_known(config, root, problems);
    check_client_config(config, root, problems);
    check_tls(config, root, problems);
    check_shields(root, problems);
    warn_of_rules(config, root, problems);
}

}  // namespace forestay::config
