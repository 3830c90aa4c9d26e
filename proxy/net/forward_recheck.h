// A live session's forward authentication, asked for again and again: whoever was let in an hour ago may have
// logged out.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "proxy/net/forward_auth.h"
#include "proxy/net/timer_wheel.h"

namespace forestay::net {

class ForwardRecheck final : private TimerEntry {
  public:
    // So many in a row may come to nothing; with the next one the session ends.
    static constexpr unsigned failures_max = 3;

    // `denied` is called at most once: the server says no, says another name than `subject`, or cannot be
    // asked any more. May destroy this.
    ForwardRecheck(Loop& loop, std::shared_ptr<const ForwardQuestion> question, std::string subject,
                   std::function<void()> denied);

  private:
    void due(session::TimePoint now) override;
    void schedule();
    void answered(const ForwardAnswer& answer);

    Loop& loop_;
    const std::shared_ptr<const ForwardQuestion> question_;
    const std::string subject_;
    const std::function<void()> denied_;
    unsigned failures_ = 0;
    std::shared_ptr<ForwardRecheck*> self_;  // for an answer that finds us gone
};

}  // namespace forestay::net
