#include "rules/learnt.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>
#include <tuple>
#include <utility>

namespace forestay::rules {
namespace {

// What people call ids, by the last part of the pointer.
bool sounds_like_an_id(std::string_view pointer) {
    std::string word(pointer.substr(pointer.rfind('/') + 1));
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (word.ends_with("id")) return true;
    for (const std::string_view part : {"uuid", "correlation", "nonce", "ticket", "seq"}) {
        if (word.find(part) != std::string::npos) return true;
    }
    return false;
}

// Most of them come back, and hardly any is said twice.
bool may_be_an_id(const Field& field) {
    if (field.replied == 0 || field.replied * 2 < field.seen || field.repeated * 5 > field.seen) return false;
    if (sounds_like_an_id(field.pointer)) return true;
    const std::uint64_t counted = std::min<std::uint64_t>(field.seen, Field::distinct_max);
    return field.seen >= 3 && field.distinct.size() * 2 >= counted;
}

const Field* find_id(const Name& name) {
    const Field* best = nullptr;
    const auto worth = [](const Field& field) {
        return std::tuple(sounds_like_an_id(field.pointer), field.replied, field.distinct.size());
    };
    for (const Field& field : name.fields) {
        if (may_be_an_id(field) && (best == nullptr || worth(field) > worth(*best))) best = &field;
    }
    return best;
}

// By how many requests got it; each name once, with the place of its value that is most frequent.
std::vector<const Reply*> by_requests(const Field& field) {
    std::vector<const Reply*> found;
    for (const Reply& reply : field.replies) {
        if (reply.requests * 20 >= field.replied) found.push_back(&reply);  // others are chance
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Reply* a, const Reply* b) { return a->requests > b->requests; });
    for (auto one = found.begin(); one != found.end(); ++one) {
        const auto again = std::remove_if(std::next(one), found.end(),
                                          [&](const Reply* other) { return other->name == (*one)->name; });
        found.erase(again, found.end());
    }
    return found;
}

void sort_replies(const Field& field, Proposal::Request& request) {
    std::vector<const Reply*> replies = by_requests(field);
    // An answer ends: at least every other time nothing follows it.
    const bool any = std::any_of(replies.begin(), replies.end(),
                                 [](const Reply* one) { return one->last * 2 >= one->requests; });
    std::uint64_t messages = 0, requests = 0;
    for (const Reply* reply : replies) {
        const bool answer = !any || reply->last * 2 >= reply->requests;
        std::vector<std::string>& names = answer ? request.answers : request.progress;
        std::string& id = answer ? request.answer_id : request.progress_id;
        if (names.empty()) id = reply->pointer;
        if (id != reply->pointer) continue;  // a rule has but one place for it
        names.push_back(reply->name);
        if (!answer) continue;
        request.times.add(reply->times);
        messages += reply->messages;
        requests += reply->requests;
    }
    if (requests > 0) request.answers_each = static_cast<double>(messages) / static_cast<double>(requests);
}

}  // namespace

void Name::add(const Name& other) {
    if (seen.count == 0) {
        *this = other;
        return;
    }
    seen.count += other.seen.count;
    seen.with_ack += other.seen.with_ack;
    seen.acked += other.seen.acked;
    seen.bytes.add(other.seen.bytes);
    ack_times.add(other.ack_times);
    for (const Field& theirs : other.fields) {
        Field* const ours = field(theirs.pointer);
        if (ours == nullptr) continue;
        ours->seen += theirs.seen;
        ours->repeated += theirs.repeated;
        ours->replied += theirs.replied;
        for (const std::uint64_t hash : theirs.distinct) {
            if (ours->distinct.size() < Field::distinct_max) ours->distinct.insert(hash);
        }
        for (const Reply& one : theirs.replies) {
            Reply* const reply = ours->reply(one.name, one.pointer);
            if (reply == nullptr) continue;
            reply->requests += one.requests;
            reply->messages += one.messages;
            reply->last += one.last;
            reply->times.add(one.times);
        }
    }
}

Proposal guess(const Names& names) {
    Proposal made;
    for (const auto& [key, name] : names) {
        made.seen.push_back(name.seen);
        if (!name.seen.from_client) continue;
        Proposal::Request request;
        request.json = name.seen.json;
        request.where = name.seen.where;
        request.type = name.seen.type;
        request.name = name.seen.name;
        request.asked = name.seen.count;
        if (name.seen.acked > 0) {
            request.answered = name.seen.acked;
            request.times = name.ack_times;
        } else if (const Field* id = find_id(name)) {
            request.id = id->pointer;
            request.answered = id->replied;
            sort_replies(*id, request);
        }
        if (request.answered > 0) made.requests.push_back(std::move(request));
    }
    std::stable_sort(made.seen.begin(), made.seen.end(), [](const auto& a, const auto& b) {
        return std::pair(b.from_client, b.count) < std::pair(a.from_client, a.count);
    });
    std::stable_sort(made.requests.begin(), made.requests.end(),
                     [](const auto& a, const auto& b) { return a.asked > b.asked; });
    return made;
}

}  // namespace forestay::rules
