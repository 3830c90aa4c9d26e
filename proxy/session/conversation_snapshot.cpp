// The conversation as bytes, and what must hold for one that was read.
#include <algorithm>

#include "proxy/session/conversation.h"
#include "proxy/session/snapshot.h"

namespace forestay::session {

template <class Archive>
void Conversation::archive(Archive& archive) {
    archive(namespaces_, closed_, next_serial_, refused_namespaces_, desk_, held_, record_);
    archive(looking_, looked_, waited_, told_upstream_, was_attached_, client_binary_, upstream_binary_);
    archive(upstream_attachments_to_drop_, upstream_drop_due_);
    archive.one_of(credential_, Credential::asked);
    archive(renewal_, first_connect_due_, refusal_due_);
    if constexpr (Archive::reading) archive.check(!archive.failed() && restored());
}
template void Conversation::archive(SnapshotWriter&);
template void Conversation::archive(SnapshotReader&);

bool Conversation::has(std::uint32_t serial) const {
    return std::any_of(namespaces_.begin(), namespaces_.end(),
                       [serial](const Namespace& nsp) { return nsp.serial == serial; });
}

bool Conversation::restored() const {
    if (namespaces_.size() > policy_.limits.namespaces || closed_.size() > policy_.limits.namespaces)
        return false;
    for (auto nsp = namespaces_.begin(); nsp != namespaces_.end(); ++nsp) {
        const bool twice = std::any_of(std::next(nsp), namespaces_.end(), [&](const Namespace& other) {
            return other.serial == nsp->serial || other.name == nsp->name;
        });
        if (twice || nsp->serial >= next_serial_ || nsp->upstream_acks.size() > policy_.limits.upstream_acks)
            return false;
    }
    const auto slot_is_good = [this](const std::optional<RequestDesk::Slot>& slot) {
        return !slot || desk_.is_outstanding(*slot);
    };
    const bool requests = desk_.all_in([this](std::uint32_t serial) { return has(serial); });
    const bool held = held_.all(
        [&](const HeldMessage& message) { return has(message.nsp) && slot_is_good(message.request); });
    const bool tracks = record_.all([this](std::uint32_t serial) { return has(serial); });
    const bool whole =
        !client_binary_ || !client_binary_->whole || slot_is_good(client_binary_->whole->request);
    const bool answers = !upstream_binary_ || !upstream_binary_->answers ||
                         (slot_is_good(upstream_binary_->answers) && has(upstream_binary_->nsp));
    return requests && held && tracks && whole && answers && (!looking_ || record_.on());
}

}  // namespace forestay::session
