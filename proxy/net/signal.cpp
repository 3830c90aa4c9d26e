#include "proxy/net/signal.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy/net/loop.h"

namespace forestay::net {

namespace asio = boost::asio;

struct Signal::Impl {
    explicit Impl(Loop& l) : loop(l), timer(l.context()) {}
    Loop& loop;
    asio::steady_timer timer;  // at the end of time; cancelled by notify()
};

Signal::Signal(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}
Signal::~Signal() = default;

Task<void> Signal::wait() {
    while (!notified_) {
        impl_->timer.expires_at(asio::steady_timer::time_point::max());
        boost::system::error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        co_await impl_->timer.async_wait(token);
        impl_->loop.read_clock();
    }
}

void Signal::notify() {
    notified_ = true;
    impl_->timer.cancel();
}

}  // namespace forestay::net
