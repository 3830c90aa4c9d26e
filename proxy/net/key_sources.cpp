#include "proxy/net/key_sources.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "proxy/auth/digest.h"
#include "proxy/auth/jwks_schedule.h"
#include "proxy/net/file_watch.h"
#include "proxy/net/http_client.h"
#include "proxy/net/loop.h"

namespace forestay::net {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds look_interval{250};
constexpr std::size_t max_file_bytes = 1 << 20;
constexpr std::size_t max_etag_bytes = 256;
constexpr std::size_t ok = 0, unchanged = 1, bad_status = 2, bad_document = 3;  // jwks_result_names

std::optional<std::string> read_whole(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text(max_file_bytes + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (!in.eof() || text.size() > max_file_bytes) return std::nullopt;
    return text;
}

}  // namespace

struct KeySources::Source {
    Source(std::size_t m, const auth::JwtOptions& o) : method(m), options(o), schedule(o.jwks_max_stale) {}

    std::size_t method;
    const auth::JwtOptions& options;  // the authenticator's
    std::size_t keys = 0;             // in use
    // Of a file.
    std::unique_ptr<FileWatch> watch;
    // Of a URL.
    wire::http::Url url;
    std::string shown;  // the URL for the log: without its query
    std::unique_ptr<HttpClient> client;
    auth::JwksSchedule schedule;
    std::string etag;
    std::string digest;  // of the document in use; empty: none is
};

struct KeySources::Impl {
    explicit Impl(Loop& l) : first(l), authenticator(*l.shared().authenticator), timer(l.context()) {}

    void say(Level level, std::string_view event,
             std::vector<std::pair<std::string_view, std::string>> fields) {
        if (first.shared().journal) first.shared().journal({level, event, std::move(fields)});
    }
    double chance() { return static_cast<double>(first.new_seed() >> 11) / static_cast<double>(1ULL << 53); }
    HttpClientOptions client_options(const Source& source) const;
    void fetch_first(Source& source);
    void fetch(Source& source, asio::io_context& context, HttpClient& client, std::function<void()> done);
    void heard(Source& source, const Fetched& answer);
    void failed(Source& source, std::size_t result, const std::string& what);
    void drop_stale(Source& source);
    enum class Read : std::uint8_t { first, again };
    void read_file(Source& source, Read which);
    void look_at_urls();
    void publish();

    Loop& first;
    const auth::Authenticator& authenticator;
    std::vector<std::unique_ptr<Source>> sources;
    JwksStats stats;
    asio::steady_timer timer;
};

KeySources::KeySources(Loop& first) {
    if (!first.shared().authenticator) return;
    impl_ = std::make_unique<Impl>(first);
    bool any_url = false;
    const auto& methods = impl_->authenticator.options().any_of;
    for (std::size_t i = 0; i < methods.size(); ++i) {
        const auto* jwt = std::get_if<auth::JwtOptions>(&methods[i]);
        if (jwt == nullptr || (jwt->jwks_url.empty() && jwt->jwks_file.empty())) continue;
        Source& source = *impl_->sources.emplace_back(std::make_unique<Source>(i, *jwt));
        if (jwt->jwks_url.empty()) {
            // Watched first and read then: a change in between is not missed.
            source.watch = std::make_unique<FileWatch>(
                first, std::vector<std::string>{jwt->jwks_file},
                [impl = impl_.get(), &source] { impl->read_file(source, Impl::Read::again); });
            impl_->read_file(source, Impl::Read::first);
            continue;
        }
        any_url = true;
        std::string problem;
        auto url = wire::http::parse_url(jwt->jwks_url, problem);
        if (!url) throw std::runtime_error("jwks_url: " + problem);
        source.url = std::move(*url);
        source.shown = jwt->jwks_url.substr(0, jwt->jwks_url.find('?'));
        impl_->fetch_first(source);
        source.client = std::make_unique<HttpClient>(first.context(), impl_->client_options(source));
    }
    impl_->publish();
    if (any_url) impl_->look_at_urls();
}

KeySources::~KeySources() = default;

HttpClientOptions KeySources::Impl::client_options(const Source& source) const {
    HttpClientOptions options;
    options.url = source.url;
    options.ca_file = source.options.jwks_ca_file;
    options.connections = 2;  // one, and one that was given up and still resolves a name
    options.idle_connections = 1;
    return options;
}

// On a context of its own: nobody is served before it is known who may come in.
void KeySources::Impl::fetch_first(Source& source) {
    asio::io_context context;
    HttpClient client(context, client_options(source));
    fetch(source, context, client, [&context] { context.stop(); });
    context.run();
    if (!source.digest.empty() || source.options.start_degraded) return;
    throw std::runtime_error("auth.any_of[" + std::to_string(source.method) +
                             "].jwt.jwks_url: no keys from " + source.shown +
                             " (see the log); nobody could get in. start_degraded: true starts all the same");
}

void KeySources::Impl::fetch(Source& source, asio::io_context& context, HttpClient& client,
                             std::function<void()> done) {
    source.schedule.begun();
    wire::http::OwnedFields fields{{"Accept", "application/jwk-set+json, application/json"},
                                   {"User-Agent", "forestay"}};
    if (!source.etag.empty()) fields.emplace_back("If-None-Match", source.etag);
    asio::co_spawn(context, client.get(source.url.target, std::move(fields)),
                   [this, &source, done = std::move(done)](const std::exception_ptr& error, Fetched answer) {
                       if (error) answer.what = Fetch::closed;
                       heard(source, answer);
                       publish();
                       if (done) done();
                   });
}

void KeySources::Impl::failed(Source& source, std::size_t result, const std::string& what) {
    ++stats.fetches.at(result);
    source.schedule.failed(Clock::now(), chance());
    std::vector<std::pair<std::string_view, std::string>> fields{
        {"url", source.shown}, {"result", std::string(jwks_result_names.at(result))}, {"what", what}};
    fields.emplace_back("keys", std::to_string(source.keys));
    say(Level::warning, "jwks_fetch_failed", std::move(fields));
}

void KeySources::Impl::heard(Source& source, const Fetched& answer) {
    if (answer.what != Fetch::ok)
        return failed(source, bad_document + static_cast<std::size_t>(answer.what), answer.detail);
    const auto now = Clock::now();
    const std::string* cache_control = answer.find("cache-control");
    const std::string_view lifetime = cache_control != nullptr ? std::string_view(*cache_control) : "";
    if (answer.status == 304 && !source.etag.empty() && !source.digest.empty()) {
        ++stats.fetches.at(unchanged);
        source.schedule.fetched(now, lifetime, chance());
        return;
    }
    if (answer.status != 200) return failed(source, bad_status, "status " + std::to_string(answer.status));
    std::string problem;
    auto keys = authenticator.read_keys(source.method, answer.body, problem);
    if (!keys) return failed(source, bad_document, problem);
    source.schedule.fetched(now, lifetime, chance());
    const std::string* etag = answer.find("etag");
    source.etag = etag != nullptr && etag->size() <= max_etag_bytes ? *etag : "";
    const std::string digest = auth::hash(auth::Digest::sha256, answer.body);
    const bool same = digest == source.digest;
    ++stats.fetches.at(same ? unchanged : ok);
    if (same) return;
    source.digest = digest;
    source.keys = keys->keys.size();
    say(Level::info, "jwks_fetched",
        {{"url", source.shown},
         {"keys", std::to_string(source.keys)},
         {"left_out", std::to_string(keys->skipped.size())}});
    authenticator.replace_keys(source.method, std::move(keys));
}

void KeySources::Impl::drop_stale(Source& source) {
    if (source.digest.empty() || !source.schedule.stale(Clock::now())) return;
    source.digest.clear();
    source.etag.clear();
    source.keys = 0;
    authenticator.replace_keys(source.method, nullptr);
    say(Level::error, "jwks_stale",
        {{"url", source.shown}, {"seconds", std::to_string(source.options.jwks_max_stale.count())}});
}

// The first time is no news: its keys came with the configuration.
void KeySources::Impl::read_file(Source& source, Read which) {
    const std::string& path = source.options.jwks_file;
    const bool again = which == Read::again;
    std::string problem = "it cannot be read, or has more than 1 MiB";
    const auto text = read_whole(path);
    auto keys = text ? authenticator.read_keys(source.method, *text, problem) : nullptr;
    if (again) ++stats.reloads.at(keys ? 0 : 1);
    if (!keys) {
        publish();
        say(Level::error, "jwks_file_refused",
            {{"file", path}, {"what", problem}, {"keys", std::to_string(source.keys)}});
        return;
    }
    source.keys = keys->keys.size();
    authenticator.replace_keys(source.method, std::move(keys));
    publish();
    if (again) say(Level::info, "jwks_file_read", {{"file", path}, {"keys", std::to_string(source.keys)}});
}

void KeySources::Impl::look_at_urls() {
    const bool unknown_key = first.shared().common->unknown_key.exchange(false, std::memory_order_relaxed);
    for (const auto& source : sources) {
        if (source->client == nullptr) continue;
        const auto now = Clock::now();
        if (unknown_key) source->schedule.unknown_key(now);
        if (source->schedule.due(now)) fetch(*source, first.context(), *source->client, nullptr);
        drop_stale(*source);
    }
    publish();
    timer.expires_after(look_interval);
    timer.async_wait([this](const boost::system::error_code& error) {
        if (!error) look_at_urls();
    });
}

void KeySources::Impl::publish() {
    const auto now = Clock::now();
    stats.keys = 0;
    stats.age_seconds = 0;
    for (const auto& source : sources) {
        stats.keys += source->keys;
        const auto fetched = source->schedule.fetched_at();
        if (!fetched) continue;
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - *fetched).count();
        stats.age_seconds = std::max(stats.age_seconds, static_cast<std::uint64_t>(age));
    }
    first.stats().jwks = stats;
}

}  // namespace forestay::net
