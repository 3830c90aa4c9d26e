#include "proxy/net/descriptors.h"

#include <sys/resource.h>

namespace forestay::net {

namespace {

std::uint64_t bounded(rlim_t limit) {
    return limit == RLIM_INFINITY ? 0 : limit;
}

}  // namespace

std::uint64_t raise_open_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    return bounded(limit.rlim_cur);
}

std::uint64_t open_file_limit() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? bounded(limit.rlim_max) : 0;
}

}  // namespace forestay::net
