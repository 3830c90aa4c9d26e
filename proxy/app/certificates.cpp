#include "proxy/app/certificates.h"

#include <chrono>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "proxy/net/loop.h"

namespace forestay::app {
namespace {

constexpr std::chrono::hours rotation_interval{12};

std::string day_of(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

double seconds_of(std::chrono::system_clock::time_point time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace

Certificates::Certificates(net::Loop& loop, std::shared_ptr<net::TlsServer> server, net::Journal journal)
    : loop_(loop),
      server_(std::move(server)),
      journal_(std::move(journal)),
      files_(loop, server_->files(), [this] { reload(); }) {
    state_.certificate_expiry = seconds_of(server_->earliest_expiry());
    loop_.wheel().schedule(*this, loop_.now() + rotation_interval);
}

// Connections that are open keep what they have.
void Certificates::reload() {
    const std::vector<std::string> problems = server_->reload();
    if (!problems.empty()) {
        ++state_.reloads_failed;
        for (const std::string& problem : problems)
            journal_({net::Level::error, "tls_reload_failed", {{"what", problem}}});
        return;
    }
    ++state_.reloads;
    state_.certificate_expiry = seconds_of(server_->earliest_expiry());
    journal_({net::Level::info, "tls_reloaded", {{"expires", day_of(server_->earliest_expiry())}}});
}

void Certificates::due(session::TimePoint now) {
    loop_.wheel().schedule(*this, now + rotation_interval);
    reload();
}

}  // namespace forestay::app
