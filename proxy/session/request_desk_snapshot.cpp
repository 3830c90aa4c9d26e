// The desk as bytes, and what must hold for one that was read.
#include <algorithm>

#include "proxy/session/request_desk.h"
#include "proxy/session/request_desk_book.h"
#include "proxy/session/snapshot.h"

namespace forestay::session {

template <class Archive>
void RequestDesk::archive(Archive& archive) {
    bool used = book_ != nullptr;
    archive(used);
    if (!used || archive.failed()) return;
    Book& it = book();
    archive(it.requests, it.records, it.ready, it.waiting, it.last_number);
    if constexpr (Archive::reading) archive.check(!archive.failed() && restored());
}
template void RequestDesk::archive(SnapshotWriter&);
template void RequestDesk::archive(SnapshotReader&);

bool RequestDesk::restored() {
    Book& it = *book_;
    const auto& rules = policy_.rules.rules();
    for (const Slot slot : it.ready) {
        if (!it.requests.has(slot)) return false;
    }
    for (const Book::Waiting& one : it.waiting) {
        if (one.rule >= rules.size() || (one.slot && !it.requests.has(*one.slot))) return false;
        const rules::Rule& rule = rules[one.rule];
        if ((one.words == Book::Words::abort && !rule.abort) ||
            (one.words == Book::Words::status && (!rule.queue.status || !one.slot)) ||
            ((one.words == Book::Words::none) != (one.what == Say::What::again)))
            return false;
        if (one.what == Say::What::again) it.waiting_bytes += one.bytes();
    }
    return it.requests.all([&](const Entry& entry) {
        const bool keeps =
            !entry.outstanding() || entry.stand == PendingRequests::Stand::owner || entry.texts;
        const bool known = entry.number <= it.last_number;
        return keeps && known;
    });
}

bool RequestDesk::all_in(const std::function<bool(std::uint32_t nsp)>& condition) const {
    return !book_ || (book_->requests.all([&](const Entry& entry) { return condition(entry.request.nsp); }) &&
                      book_->records.all_in(condition) &&
                      std::all_of(book_->waiting.begin(), book_->waiting.end(),
                                  [&](const Book::Waiting& one) { return condition(one.nsp); }));
}

}  // namespace forestay::session
