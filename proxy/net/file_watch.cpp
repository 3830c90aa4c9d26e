#include "proxy/net/file_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <tuple>
#include <utility>

#include "proxy/net/loop.h"
#include "proxy/net/timer_wheel.h"

namespace forestay::net {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds settle_time{100};
constexpr std::chrono::seconds look_interval{30};

// What of a file differs when its content does, or who may read it: device, inode, size, times of the last
// changes.
using Identity = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;

Identity identity_of(const std::string& file) {
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0) return {};
    return {facts.st_dev,          facts.st_ino,         facts.st_size,        facts.st_mtim.tv_sec,
            facts.st_mtim.tv_nsec, facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec};
}

std::string directory_of(const std::string& file) {
    const auto slash = file.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : file.substr(0, slash);
}

}  // namespace

struct FileWatch::Impl final : TimerEntry {
    Impl(Loop& l, std::vector<std::string> names, std::function<void()> then)
        : loop(l), files(std::move(names)), changed(std::move(then)), events(l.context()) {
        for (const std::string& file : files) seen.push_back(identity_of(file));
        const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (fd < 0) return;  // the look every 30 s is left
        events.assign(fd);
        for (const std::string& file : files)
            ::inotify_add_watch(fd, directory_of(file).c_str(),
                                IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB);
        await();
    }

    void await() {
        events.async_wait(asio::posix::stream_descriptor::wait_read,
                          [this](const boost::system::error_code& error) {
                              if (error) return;
                              // What happened is found out by looking: the events are only thrown away.
                              std::array<char, 4096> bytes;
                              while (::read(events.native_handle(), bytes.data(), bytes.size()) > 0) {
                              }
                              loop.read_clock();
                              if (!std::exchange(settling, true))
                                  loop.wheel().schedule(*this, loop.now() + settle_time);
                              await();
                          });
    }

    void due(session::TimePoint now) override {
        settling = false;
        loop.wheel().schedule(*this, now + look_interval);
        bool differs = false;
        for (std::size_t i = 0; i < files.size(); ++i) {
            const Identity is = identity_of(files[i]);
            differs = differs || is != seen[i];
            seen[i] = is;
        }
        if (differs) changed();
    }

    Loop& loop;
    std::vector<std::string> files;
    std::vector<Identity> seen;
    std::function<void()> changed;
    asio::posix::stream_descriptor events;
    bool settling = false;
};

FileWatch::FileWatch(Loop& loop, std::vector<std::string> files, std::function<void()> changed)
    : impl_(std::make_unique<Impl>(loop, std::move(files), std::move(changed))) {
    loop.wheel().schedule(*impl_, loop.now() + look_interval);
}

FileWatch::~FileWatch() {
    impl_->loop.wheel().cancel(*impl_);
}

}  // namespace forestay::net
