#include "proxy/net/forward_recheck.h"

#include <utility>

#include "proxy/net/loop.h"

namespace forestay::net {

ForwardRecheck::ForwardRecheck(Loop& loop, std::shared_ptr<const ForwardQuestion> question,
                               std::string subject, std::function<void()> denied)
    : loop_(loop),
      question_(std::move(question)),
      subject_(std::move(subject)),
      denied_(std::move(denied)),
      self_(std::make_shared<ForwardRecheck*>(this)) {
    schedule();
}

// A tenth earlier or later: clients that came together are not asked for together.
void ForwardRecheck::schedule() {
    const session::Duration every = loop_.forward_auth()->options().recheck;
    const auto share = static_cast<std::int64_t>(loop_.new_seed() % 201) - 100;
    loop_.wheel().schedule(*this, loop_.now() + every + every / 1000 * share);
}

void ForwardRecheck::due(session::TimePoint) {
    loop_.forward_auth()->ask(*question_, [self = std::weak_ptr(self_)](const ForwardAnswer& answer) {
        if (const auto there = self.lock()) (*there)->answered(answer);
    });
}

void ForwardRecheck::answered(const ForwardAnswer& answer) {
    const bool failed = answer.what == ForwardAnswer::What::failed;
    failures_ = failed ? failures_ + 1 : 0;
    const bool same = answer.what == ForwardAnswer::What::allowed && answer.identity.subject == subject_;
    if (same || (failed && failures_ <= failures_max)) return schedule();
    const auto denied = denied_;  // we may go with what it does
    denied();
}

}  // namespace forestay::net
