#include "proxy/app/application.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "proxy/app/certificates.h"
#include "proxy/app/memory_return.h"
#include "proxy/app/memory_watch.h"
#include "proxy/app/service_manager.h"
#include "proxy/app/version.h"
#include "proxy/net/admin_server.h"
#include "proxy/net/client_limits.h"
#include "proxy/net/descriptors.h"
#include "proxy/net/key_sources.h"
#include "proxy/net/loops.h"
#include "proxy/net/temporary_file.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/upstream.h"
#include "proxy/telemetry/log.h"
#include "proxy/telemetry/metrics.h"
#include "proxy/telemetry/process_stats.h"
#include "proxy/telemetry/stats_json.h"
#include "proxy/wire/json/scan.h"

namespace forestay::app {
namespace {

// Keys and origins were checked when the configuration was loaded; what is wrong only now is still said in
// full.
std::string joined(const std::vector<std::string>& problems) {
    std::string all;
    for (const std::string& problem : problems) all += (all.empty() ? "" : "; ") + problem;
    return all;
}

template <class T>
std::shared_ptr<const T> without_problems(T value, const std::vector<std::string>& problems) {
    if (!problems.empty()) throw std::runtime_error(joined(problems));
    return std::make_shared<const T>(std::move(value));
}

std::shared_ptr<const auth::Authenticator> make_authenticator(auth::AuthOptions options) {
    std::vector<std::string> problems;
    auth::Authenticator made(std::move(options), problems);
    return without_problems(std::move(made), problems);
}

std::shared_ptr<const auth::OriginPolicy> make_origins(const auth::OriginOptions& options) {
    std::vector<std::string> problems;
    auth::OriginPolicy made(options, problems);
    return without_problems(std::move(made), problems);
}

// Both were checked with the configuration; the files may have changed since.
std::shared_ptr<net::TlsServer> make_tls_server(const std::optional<net::TlsServerOptions>& options) {
    if (!options) return nullptr;
    std::vector<std::string> problems;
    auto made = net::TlsServer::load(*options, problems);
    if (!made) throw std::runtime_error("tls: " + joined(problems));
    return made;
}

std::shared_ptr<const net::TlsClient> make_tls_client(const std::optional<net::TlsClientOptions>& options) {
    if (!options) return nullptr;
    std::vector<std::string> problems;
    auto made = net::TlsClient::load(*options, problems);
    if (!made) throw std::runtime_error("upstream.tls: " + joined(problems));
    return made;
}

std::vector<std::string> names(const std::vector<net::Endpoint>& endpoints) {
    std::vector<std::string> out;
    for (const net::Endpoint& endpoint : endpoints) out.push_back(net::to_string(endpoint));
    return out;
}

std::string json_list(const std::vector<std::string>& addresses) {
    std::string out = "[";
    for (const std::string& address : addresses) {
        out += out.size() > 1 ? ",\"" : "\"";
        wire::json::append_escaped(out, address);
        out += '"';
    }
    return out + ']';
}

}  // namespace

struct Application::Impl {
    Impl(config::Config given, std::vector<config::Problem> risky)
        : config(std::move(given)),
          warnings(std::move(risky)),
          log(config.log, STDERR_FILENO),
          shared(make_shared_parts()),
          loops(shared),
          keys(loops.at(0)) {
        net::Loop& first = loops.at(0);
        if (!config.net.admin_listen.empty()) admin.emplace(first, config.net.admin_listen, admin_options());
        // From here on a signal is a wish and not the end: who reads the ready file may send one at once.
        std::signal(SIGPIPE, SIG_IGN);
        signals.emplace(first.context(), SIGINT, SIGTERM);
        on_signal();
        if (shared.tls) certificates.emplace(first, shared.tls, shared.journal);
    }

    net::Shared make_shared_parts() {
        net::Shared made;
        auto& urls = config.net.upstream.urls;
        for (std::size_t i = 0; i < config.upstream_tls.size(); ++i)
            urls.at(i).tls = make_tls_client(config.upstream_tls[i]);
        made.options = config.net;
        made.tls = make_tls_server(config.tls);
        made.loops = config.threads;
        made.options.limits.connections_by_descriptors =
            net::clients_for(net::raise_open_file_limit(), made.loops);
        made.policy = config.session;
        made.authenticator = make_authenticator(std::move(config.auth));
        made.origins = make_origins(config.origins);
        made.journal = log.journal();
        for (const rules::Rule& rule : config.session.rules.rules()) rule_names.push_back(rule.name);
        for (const net::UpstreamUrl& url : config.net.upstream.urls)
            upstream_names.push_back(net::host_of(url) + url.path_prefix);
        return made;
    }

    telemetry::MetricsInput metrics_input(const std::vector<const net::Stats*>& stats) const {
        telemetry::MetricsInput input;
        input.loops = stats;
        input.rules = rule_names;
        input.upstreams = upstream_names;
        input.build = {std::string(version), telemetry::compiler_name()};
        input.log_lines_lost = log.lines_lost();
        input.clients_max = net::connections_most(shared.options.limits);
        const net::Common& common = *shared.common;
        input.memory = {common.memory_used, common.memory_limit,
                        static_cast<unsigned>(common.memory_pressure.load())};
        if (certificates) input.tls = certificates->state();
        input.process = telemetry::read_process_stats();
        return input;
    }

    net::AdminRoutes::Options admin_options() {
        net::AdminRoutes::Options options;
        options.token_sha256 = config.net.admin_token_sha256;
        options.render_metrics = [this](const net::AdminRoutes::Rendered& done) {
            loops.gather_stats(
                [this, done](const auto& stats) { done(telemetry::render_metrics(metrics_input(stats))); });
        };
        options.render_stats = [this](const net::AdminRoutes::Rendered& done) {
            loops.gather_stats([this, done](const auto& stats) {
                const std::chrono::duration<double> uptime = std::chrono::steady_clock::now() - begun;
                done(telemetry::render_stats(metrics_input(stats), uptime.count()));
            });
        };
        options.not_ready = [this]() -> std::string_view {
            if (loops.draining()) return "draining";
            return loops.at(0).stats().upstream_up ? "" : "the upstream does not answer";
        };
        return options;
    }

    void say(net::Level level, std::string_view event,
             std::vector<std::pair<std::string_view, std::string>> fields) {
        shared.journal({level, event, std::move(fields)});
    }

    void on_signal();
    void drain();
    void warn();
    // Until `end`, each second.
    void tell_progress(const Learning& learning, std::chrono::steady_clock::time_point end);

    const std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
    config::Config config;
    std::vector<config::Problem> warnings;
    telemetry::Log log;
    std::vector<std::string> rule_names;
    std::vector<std::string> upstream_names;
    net::Shared shared;
    net::Loops loops;
    std::optional<Certificates> certificates;
    net::KeySources keys;
    std::optional<net::AdminServer> admin;
    std::optional<boost::asio::signal_set> signals;
    std::optional<boost::asio::steady_timer> second;  // while it learns
};

void Application::Impl::on_signal() {
    signals->async_wait([this](const boost::system::error_code& error, int) {
        if (error) return;
        if (loops.draining()) {
            say(net::Level::warning, "cut", {{"connections", std::to_string(shared.common->connections)}});
            return loops.stop();
        }
        drain();
        on_signal();
    });
}

void Application::Impl::drain() {
    say(net::Level::info, "draining",
        {{"sessions", std::to_string(shared.common->sessions)},
         {"connections", std::to_string(shared.common->connections)}});
    tell_service_manager("STOPPING=1");
    loops.drain([this] { loops.stop(); });
}

// What the operator should know about the configuration, and about where we run.
void Application::Impl::warn() {
    for (const config::Problem& warning : warnings)
        say(net::Level::warning, "risky_setting", {{"at", to_string(warning.at)}, {"what", warning.message}});
    if (::geteuid() == 0) {
        say(net::Level::warning, "running_as_root",
            {{"what", "nothing here needs it: deploy/README.md tells how to listen on port 443 without"}});
    }
    if (!net::TemporaryFile().open()) {
        say(net::Level::warning, "no_temporary_file",
            {{"what", "uploads without Content-Length get 411: let TMPDIR name a directory to write to"}});
    }
}

void Application::Impl::tell_progress(const Learning& learning, std::chrono::steady_clock::time_point end) {
    const auto now = std::chrono::steady_clock::now();
    if (loops.draining()) return;
    if (now >= end) return drain();
    if (learning.progress) {
        loops.gather_stats([&learning, left = end - now](const std::vector<const net::Stats*>& all) {
            std::uint64_t messages = 0;
            for (const net::Stats* one : all)
                messages += one->sessions.from_client.messages + one->sessions.from_upstream.messages;
            learning.progress(std::chrono::round<std::chrono::milliseconds>(left), messages);
        });
    }
    second->expires_after(std::min<std::chrono::steady_clock::duration>(end - now, std::chrono::seconds(1)));
    second->async_wait([this, &learning, end](const boost::system::error_code& error) {
        if (!error) tell_progress(learning, end);
    });
}

Application::Application(config::Config config, std::vector<config::Problem> warnings)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(warnings))) {}
Application::~Application() = default;

std::string Application::ready_json() const {
    const auto admin = impl_->admin ? names(impl_->admin->bound()) : std::vector<std::string>{};
    return "{\"pid\":" + std::to_string(::getpid()) +
           ",\"listen\":" + json_list(names(impl_->loops.bound())) + ",\"admin\":" + json_list(admin) + "}\n";
}

void Application::run() {
    Impl& all = *impl_;
    std::vector<std::pair<std::string_view, std::string>> fields{
        {"version", std::string(version)}, {"threads", std::to_string(all.loops.size())}};
    for (const std::string& address : names(all.loops.bound())) fields.emplace_back("listen", address);
    for (const net::UpstreamUrl& url : all.shared.options.upstream.urls) {
        fields.emplace_back("upstream",
                            (url.tls ? "https://" : "http://") + net::host_of(url) + url.path_prefix);
    }
    if (all.admin) {
        for (const std::string& address : names(all.admin->bound())) fields.emplace_back("admin", address);
    }
    all.say(net::Level::info, "started", std::move(fields));
    all.warn();
    tell_service_manager("READY=1");
    const MemoryReturn memory(all.shared.common->sessions);
    net::MemoryGuard guard(
        all.shared, net::MemoryMeter(all.config.net.memory), [] { ::malloc_trim(0); },
        [&all](std::size_t bytes) { all.loops.shed(bytes); });
    const MemoryWatch watch(guard);
    all.loops.run();
    all.say(net::Level::info, "stopped", {});
}

rules::Learner Application::learn(const Learning& learning) {
    net::Loops& loops = impl_->loops;
    std::vector<rules::Learner> learners;  // one for each loop's thread
    for (std::size_t i = 0; i < loops.size(); ++i) learners.emplace_back(learning.options);
    for (std::size_t i = 0; i < loops.size(); ++i) loops.at(i).workspace().learner = &learners[i];
    impl_->second.emplace(loops.at(0).context());
    impl_->tell_progress(learning, std::chrono::steady_clock::now() + learning.length);
    run();
    impl_->second.reset();
    for (std::size_t i = 0; i < loops.size(); ++i) loops.at(i).workspace().learner = nullptr;
    for (std::size_t i = 1; i < learners.size(); ++i) learners[0].add(std::move(learners[i]));
    return std::move(learners[0]);
}

}  // namespace forestay::app
