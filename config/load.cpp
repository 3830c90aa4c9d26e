#include "config/load.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "config/access.h"
#include "config/auth_section.h"
#include "config/check.h"
#include "config/client_config.h"
#include "config/conform.h"
#include "config/endpoints.h"
#include "config/resume_section.h"
#include "config/rules_section.h"
#include "config/settings.h"
#include "config/tls_section.h"
#include "config/websockets_section.h"
#include "proxy/auth/digest.h"

namespace forestay::config {
namespace {

class Loader {
  public:
    explicit Loader(const Surroundings& surroundings) : surroundings_(surroundings) {}

    Loaded load(const Request& request) {
        Loaded out;
        auto root = request.file.empty() ? empty() : with_includes(request.file);
        if (root) {
            for (const Setting& setting : request.settings) set(*root, setting);
            out.effective = conform(*root, problems_);
            fill(out.config, out.effective);
            check(out.config, out.effective, surroundings_.open_files, problems_);
        }
        out.problems = problems_.sorted();
        out.good = !problems_.any_error();
        return out;
    }

  private:
    std::shared_ptr<const Source> source(std::string name, std::string directory, bool lines) {
        return std::make_shared<Source>(Source{std::move(name), std::move(directory), lines, sources_++});
    }
    static std::optional<Node> empty() {
        Node root;
        root.kind = Node::Kind::map;
        return root;
    }

    std::optional<Node> read(const std::string& path, const Place& named_at) {
        auto from = source(path, directory_of(path), true);
        std::string problem;
        const auto file = surroundings_.read(path, problem);
        if (!file) {
            const Place at = named_at.source ? named_at : Place{std::move(from), 0, 0};
            problems_.error(at, "cannot read " + quote(path) + ": " + problem);
            return std::nullopt;
        }
        auto root = read_yaml(file->text, std::move(from), problems_);
        if (!root) return root;
        expand(*root, surroundings_.environment, problems_);
        write_out_shorthand(*root);
        return root;
    }

    std::optional<Node> with_includes(const std::string& path) {
        constexpr std::size_t includes_max = 16;
        auto root = read(path, {});
        if (!root) return root;
        const auto include = std::find_if(root->entries.begin(), root->entries.end(),
                                          [](const auto& e) { return e.key == "include"; });
        if (include == root->entries.end()) return root;
        const Node named = std::move(include->value);
        root->entries.erase(include);
        const std::vector<Node> files = named.is_list() ? named.items : std::vector<Node>{named};
        if (files.size() > includes_max) problems_.error(named.at, "include: more than 16 files");
        Node under = *empty();
        for (std::size_t i = 0; i < std::min(files.size(), includes_max); ++i) {
            if (auto file = included(files[i])) under = merge(std::move(under), std::move(*file));
        }
        return merge(std::move(under), std::move(*root));
    }

    std::optional<Node> included(const Node& name) {
        if (name.broken) return std::nullopt;
        if (!name.is_scalar() || name.text.empty()) {
            problems_.error(name.at, "include: the path of a file is expected");
            return std::nullopt;
        }
        auto root = read(resolve(name), name.at);
        if (root && root->find("include")) {
            problems_.error(root->find("include")->at, "include: an included file cannot include others");
            return std::nullopt;
        }
        return root;
    }

    void set(Node& root, const Setting& setting) {
        auto value = read_yaml_value(setting.value, source(setting.flag, {}, false), problems_);
        if (!value) return;
        expand(*value, surroundings_.environment, problems_);
        set_value(root, setting.key, std::move(*value), problems_);
    }

    std::vector<net::Endpoint> endpoints(const Node& root, std::string_view path) {
        std::vector<net::Endpoint> out;
        for (const std::string& one : texts(root, path)) {
            std::string problem;
            if (auto endpoint = parse_address(one, problem)) out.push_back(std::move(*endpoint));
        }
        return out;
    }

    void fill(Config& config, const Node& root) {
        fill_net(config, root);
        fill_tls(config, root);
        fill_admin(config.net, root);
        fill_session(config.session, root);
        read_websockets(config, root, problems_);
        config.auth = read_auth(root, surroundings_.read, problems_);
        config.session.expiry = read_expiry(root, config.auth, problems_);
        config.net.failed_rate = bucket(rate(root, "auth.failed_rate"));
        config.origins = read_origins(root, problems_);
        fill_log(config.log, root);
        config.threads = threads(root);
        read_resume(config, root, problems_);
        config.net.client_config_path = text(root, "client_config.path");
        if (!config.net.client_config_path.empty()) config.net.client_config = client_config_json(config);
    }

    static session::Rate bucket(const Rate& written) {
        return {static_cast<unsigned>(written.count), written.period};
    }

    static unsigned threads(const Node& root) {
        if (text(root, "threads") != "auto") return static_cast<unsigned>(integer(root, "threads"));
        return std::clamp(std::thread::hardware_concurrency(), 1U, 4U);  // 0: nobody knows
    }

    static void fill_upstream(net::UpstreamOptions& out, const Node& root) {
        std::string problem;
        out.urls.clear();
        for (const std::string& one : texts(root, "upstream.url")) {
            if (auto url = parse_upstream_url(one, problem)) out.urls.push_back(std::move(*url));
        }
        const std::string transport = text(root, "upstream.transport");
        out.transport = transport == "websocket" ? net::UpstreamTransport::websocket
                        : transport == "polling" ? net::UpstreamTransport::polling
                                                 : net::UpstreamTransport::automatic;
        out.connect_timeout = duration(root, "upstream.connect_timeout");
        out.handshake_timeout = duration(root, "upstream.handshake_timeout");
        out.response_timeout = duration(root, "upstream.response_timeout");
        out.keepalive_idle = duration(root, "upstream.keepalive_idle");
        out.preserve_host = boolean(root, "upstream.preserve_host");
    }

    static net::ClientLimits client_limits(const Node& root, std::string_view at_once,
                                           std::string_view connects) {
        net::ClientLimits out;
        if (text(root, at_once) != "off") out.at_once = integer(root, at_once);
        out.connects = bucket(rate(root, connects));
        return out;
    }

    static void fill_memory(net::MemoryOptions& out, const Node& root) {
        using Of = net::MemoryOptions::Of;
        const std::string word = text(root, "limits.memory");
        out.of = word == "off" ? Of::off : word == "auto" ? Of::cgroup : Of::process;
        if (out.of == Of::process) out.bytes = size(root, "limits.memory");
    }

    void fill_net(Config& config, const Node& root) {
        net::Options& out = config.net;
        out.listen = endpoints(root, "listen");
        std::string problem;
        fill_upstream(out.upstream, root);
        out.socketio_paths = texts(root, "socketio.paths");
        out.jsonp = boolean(root, "socketio.jsonp");
        out.drop_underscore_headers = boolean(root, "shields.underscore_headers");
        if (text(root, "limits.max_connections") != "auto")
            out.limits.connections = integer(root, "limits.max_connections");
        out.limits.body_bytes = size(root, "limits.max_body");
        out.limits.header_bytes = size(root, "limits.max_header");
        out.limits.header_timeout = duration(root, "limits.header_timeout");
        out.limits.keepalive_timeout = duration(root, "limits.keepalive_timeout");
        out.limits.write_timeout = duration(root, "limits.slow_client_timeout");
        out.limits.drain_timeout = duration(root, "drain.timeout");
        out.limits.body_timeout = duration(root, "limits.body_timeout");
        out.limits.addresses = client_limits(root, "limits.per_ip", "limits.connect_rate");
        out.limits.identities = client_limits(root, "limits.per_identity", "limits.identity_rate");
        fill_memory(out.memory, root);
        for (const std::string& one : texts(root, "trusted_proxies")) {
            if (const auto network = parse_network(one, problem)) out.trusted_proxies.push_back(*network);
        }
    }

    void fill_tls(Config& config, const Node& root) {
        config.tls = read_tls(root, surroundings_.read, problems_);
        std::size_t i = 0;
        for (const Node& one : items(root, "listen")) {
            if (i == config.net.listen.size()) break;  // one could not be read
            net::Endpoint& endpoint = config.net.listen[i++];
            endpoint.tls = config.tls && endpoint.unix_path.empty() && !is_plain(one.text);
        }
        const net::TlsClientOptions given = read_upstream_tls(root, surroundings_.read, problems_);
        i = 0;
        for (const std::string& url : texts(root, "upstream.url")) {
            if (i == config.net.upstream.urls.size()) break;
            auto& tls = config.upstream_tls.emplace_back();
            const std::string& host = config.net.upstream.urls[i++].host;
            if (!is_https(url)) continue;
            tls = given;
            if (tls->server_name.empty()) tls->server_name = host;
        }
    }

    void fill_admin(net::Options& out, const Node& root) {
        const Node* admin = root.find("admin");
        if (!admin) return;
        out.admin_listen = endpoints(*admin, "listen");
        const std::string token = read_secret_of(*admin, "token", "admin", surroundings_.read, problems_);
        if (token.empty()) return;
        constexpr std::string_view hex = "0123456789abcdef";
        for (const char c : auth::hash(auth::Digest::sha256, token)) {
            out.admin_token_sha256 += hex[static_cast<unsigned char>(c) >> 4U];
            out.admin_token_sha256 += hex[static_cast<unsigned char>(c) & 0xFU];
        }
    }

    void fill_session(session::Policy& out, const Node& root) {
        out.rules = read_rules(root, problems_);
        out.limits.message_bytes = size(root, "limits.max_message");
        out.limits.outbox_bytes = size(root, "limits.outbox");
        out.limits.message_rate = bucket(rate(root, "limits.message_rate"));
        // One whole message must be able to wait for the upstream leg.
        out.limits.held_bytes = std::max(out.limits.held_bytes, out.limits.message_bytes);
        out.limits.slow_client_timeout = duration(root, "limits.slow_client_timeout");
        out.limits.message_timeout = duration(root, "limits.message_timeout");
        out.ping_interval = duration(root, "heartbeat.ping_interval");
        out.ping_timeout = duration(root, "heartbeat.ping_timeout");
        out.upstream_open_timeout = duration(root, "upstream.handshake_timeout");
        out.upstream_stall = duration(root, "upstream.stall");
        out.events = {texts(root, "socketio.allowed_events"), texts(root, "socketio.blocked_events")};
        fill_shields(out.shields, root);
    }

    static void fill_shields(session::ShieldSwitches& out, const Node& root) {
        out.pong_flood = boolean(root, "shields.pong_flood");
        out.reserved_events = boolean(root, "shields.reserved_events");
        out.zero_attachments = boolean(root, "shields.zero_attachments");
        out.attachments = boolean(root, "shields.attachments");
        out.unknown_acks = boolean(root, "shields.unknown_acks");
        out.nan = boolean(root, "shields.nan");
        out.disconnect_payload = boolean(root, "shields.disconnect_payload");
    }

    static void fill_log(telemetry::LogOptions& out, const Node& root) {
        const std::string level = text(root, "logging.level");
        out.level = level == "debug"     ? net::Level::debug
                    : level == "warning" ? net::Level::warning
                    : level == "error"   ? net::Level::error
                                         : net::Level::info;
        out.format =
            text(root, "logging.format") == "json" ? telemetry::LogFormat::json : telemetry::LogFormat::text;
        out.access = boolean(root, "logging.access");
    }

    const Surroundings& surroundings_;
    Problems problems_;
    int sources_ = 0;
};

}  // namespace

Loaded load(const Request& request, const Surroundings& surroundings) {
    return Loader(surroundings).load(request);
}

}  // namespace forestay::config
