// How often each identity may ask, of one rule: a token bucket each. Full buckets are forgotten, for who has
// none has a full one.
//
// The number of buckets is bounded. At the bound a new identity takes over the bucket that has not been used
// for longest, with what is in it: a flood of identities gets no more than one refill after the other.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "rules/gate.h"

namespace forestay::rules {

class GateRate {
  public:
    // Of a name so much counts; two that begin alike for so long share a bucket.
    static constexpr std::size_t name_bytes = 128;

    GateRate(const Rate& rate, std::size_t identities_max);

    [[nodiscard]] bool take(std::string_view who, TimePoint now);
    [[nodiscard]] std::size_t identities() const noexcept { return buckets_.size(); }

  private:
    using Time = std::chrono::steady_clock::duration;
    struct Bucket {
        std::string who;
        TimePoint full_at;  // a token less for each refill_ that is left until then
    };
    using Buckets = std::list<Bucket>;

    void forget_full(TimePoint now);
    Bucket& bucket(std::string_view who, TimePoint now);

    bool on_ = false;
    Time refill_{0};  // of one token
    Time burst_{0};   // of an empty bucket
    std::size_t identities_max_;
    Buckets buckets_;  // by their last use
    std::unordered_map<std::string_view, Buckets::iterator> by_name_;
};

}  // namespace forestay::rules
