#include "proxy/session/action_list.h"

namespace forestay::session {

namespace {

// A string of the workspace that grew beyond this is given back: one large message must not stay for ever.
constexpr std::size_t kept_capacity = 64 << 10;
constexpr std::size_t kept_strings = 64;

}  // namespace

void ActionList::clear() {
    workspace_.actions.clear();
    workspace_.actions_taken = 0;
    for (std::size_t i = 0; i < workspace_.made_used; ++i) {
        if (workspace_.made[i].capacity() > kept_capacity) std::string().swap(workspace_.made[i]);
    }
    workspace_.made_used = 0;
    while (workspace_.made.size() > kept_strings) workspace_.made.pop_back();
}

std::string& ActionList::made() {
    if (workspace_.made_used == workspace_.made.size()) workspace_.made.emplace_back();
    std::string& fresh = workspace_.made[workspace_.made_used++];
    fresh.clear();
    return fresh;
}

std::optional<Action> ActionList::take() {
    if (workspace_.actions_taken == workspace_.actions.size()) return std::nullopt;
    return workspace_.actions[workspace_.actions_taken++];
}

}  // namespace forestay::session
