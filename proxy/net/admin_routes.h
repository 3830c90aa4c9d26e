// What the admin listener answers, without the sockets: who may ask, and what is where.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forestay::net {

struct AdminRequest {
    std::string_view method;
    std::string_view target;
    std::vector<std::string_view> hosts;           // every Host header
    std::vector<std::string_view> authorizations;  // every Authorization header
};

struct AdminAnswer {
    unsigned status = 200;
    std::string body;
    std::string_view content_type = "text/plain; charset=utf-8";
};

// True for IP literals, localhost and `configured`, with or without a port. A page on a name that somebody
// lets point to us (DNS rebinding) has another name.
[[nodiscard]] bool admin_host_allowed(std::string_view host, std::string_view configured);

// True for "Bearer <token>" when the token's SHA-256 is `sha256_hex`.
[[nodiscard]] bool bearer_token_matches(std::string_view authorization, std::string_view sha256_hex);

class AdminRoutes {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;

    using Done = std::function<void(AdminAnswer)>;
    using Rendered = std::function<void(std::string text)>;

    struct Options {
        std::string token_sha256;                      // hex; empty: no token is asked for
        std::function<void(Rendered)> render_metrics;  // calls back, at once or later; empty: no /metrics
        std::function<std::string_view()> not_ready;   // why not, a literal of ours; empty text: ready
        std::function<void(Rendered)> render_stats{};  // JSON, as render_metrics; empty: no /api/stats
    };
    explicit AdminRoutes(Options options) : options_(std::move(options)) {}

    // `configured_host`: what the listener was told to bind, as written. `host_matters`: false on a unix
    // socket, which no page can reach. `done` is called once, before this returns or, for what is rendered,
    // later.
    void answer(const AdminRequest& request, std::string_view configured_host, bool host_matters,
                TimePoint now, Done done);
    // Who waits is not answered any more.
    void close() noexcept { pages_.reset(); }

  private:
    // What is rendered when somebody asks, once for those who ask at once.
    struct Page {
        std::string text;
        TimePoint rendered_at{};
        std::vector<Done> waiting;
    };
    struct Pages {
        Page metrics, stats;
    };
    // Everything but pages, which an empty answer stands for.
    [[nodiscard]] std::optional<AdminAnswer> answer_now(const AdminRequest& request,
                                                        std::string_view configured_host, bool host_matters);
    [[nodiscard]] AdminAnswer ready() const;
    void render(Page Pages::*which, const std::function<void(Rendered)>& renderer,
                std::string_view content_type, TimePoint now, Done done);

    Options options_;
    std::shared_ptr<Pages> pages_ = std::make_shared<Pages>();  // a rendering holds them weakly
};

}  // namespace forestay::net
