#include "proxy/telemetry/log.h"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <mutex>

#include "proxy/telemetry/repeat_limit.h"

namespace forestay::telemetry {
namespace {

constexpr std::size_t queue_lines_max = 8192;

// Writes each line as it is: spdlog carries it from thread to thread and formats nothing. Used by the worker
// only.
class LineSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  public:
    explicit LineSink(int fd) : fd_(fd) {}

  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        std::string_view rest(message.payload.data(), message.payload.size());
        while (!rest.empty()) {
            const ssize_t written = ::write(fd_, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) return;  // nowhere to say it
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    void flush_() override {}

    int fd_;
};

Colours colours_for(int fd) {
    const char* no_color = std::getenv("NO_COLOR");
    const bool unwanted = no_color != nullptr && *no_color != '\0';
    return ::isatty(fd) == 1 && !unwanted ? Colours::on : Colours::off;
}

}  // namespace

struct Log::Impl {
    Impl(const LogOptions& o, int fd)
        : options(o),
          colours(colours_for(fd)),
          pool(std::make_shared<spdlog::details::thread_pool>(queue_lines_max, 1)),
          logger(std::make_shared<spdlog::async_logger>("forestay", std::make_shared<LineSink>(fd), pool,
                                                        spdlog::async_overflow_policy::overrun_oldest)),
          repeats(o.repeats_per_second) {
        logger->set_level(spdlog::level::trace);
    }

    void put(const net::JournalEntry& entry) {
        const WallTime now = std::chrono::system_clock::now();
        std::string line =
            options.format == LogFormat::json ? json_line(entry, now) : text_line(entry, now, colours);
        line.push_back('\n');
        logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
    }

    bool admit(std::string_view event) {
        const auto now = std::chrono::steady_clock::now();
        const std::lock_guard lock(mutex);
        put_summaries(now);
        return repeats.admit(event, now);
    }

    void put_summaries(RepeatLimit::TimePoint now) {
        for (const auto& [event, count] : repeats.take_summaries(now)) {
            put({net::Level::warning,
                 "repeated",
                 {{"what", event}, {"count", std::to_string(count)}},
                 false});
        }
    }

    LogOptions options;
    Colours colours;
    std::shared_ptr<spdlog::details::thread_pool>
        pool;  // its destructor writes what waits and joins the worker
    std::shared_ptr<spdlog::async_logger> logger;
    std::mutex mutex;  // of `repeats`
    RepeatLimit repeats;
};

Log::Log(const LogOptions& options, int fd) : impl_(std::make_unique<Impl>(options, fd)) {}

Log::~Log() {
    impl_->put_summaries(RepeatLimit::TimePoint::max());
}

void Log::write(const net::JournalEntry& entry) {
    if (entry.access) {
        if (impl_->options.access) impl_->put(entry);
        return;
    }
    if (entry.level < impl_->options.level) return;
    if (impl_->admit(entry.event)) impl_->put(entry);
}

net::Journal Log::journal() {
    return [this](const net::JournalEntry& entry) { write(entry); };
}

std::uint64_t Log::lines_lost() const {
    return impl_->pool->overrun_counter();
}

}  // namespace forestay::telemetry
