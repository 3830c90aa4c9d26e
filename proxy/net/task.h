// The coroutines of this ring, named without Asio's headers: whoever defines or awaits one includes
// <boost/asio/awaitable.hpp>.
//
// Rules that keep g++ 12 honest: a coroutine is a named function, never a capturing lambda; what it refers to
// outlives it; no temporary with a destructor stands inside a co_await expression.
#pragma once

namespace boost::asio {
class any_io_executor;
template <typename T, typename Executor>
class awaitable;
}  // namespace boost::asio

namespace forestay::net {

template <class T>
using Task = boost::asio::awaitable<T, boost::asio::any_io_executor>;

}  // namespace forestay::net
