// What a desk remembers. Internal to the desk.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "proxy/session/answer_records.h"
#include "proxy/session/pending_requests.h"
#include "proxy/session/request_desk.h"

namespace forestay::session {

struct RequestDesk::Book {
    // Which words of its rule.
    enum class Words : std::uint8_t { none, fallback, abort, status };
    // What is to be said as soon as it may be.
    struct Waiting {
        Say::What what{};
        std::optional<Slot> slot;
        std::uint32_t nsp = 0;
        std::uint32_t rule = 0;
        std::optional<std::uint64_t> ack;
        Words words = Words::none;
        std::string text;
        std::vector<std::string> attachments;

        [[nodiscard]] std::size_t bytes() const { return said_bytes(text, attachments); }
        template <class Archive>
        void archive(Archive& archive) {
            archive.one_of(what, Say::What::again);
            archive(slot, nsp, rule, ack);
            archive.one_of(words, Words::status);
            archive(text, attachments);
        }
    };

    static std::size_t said_bytes(const std::string& text, const std::vector<std::string>& attachments) {
        std::size_t sum = text.size();
        for (const std::string& attachment : attachments) sum += attachment.size();
        return sum;
    }

    Book(const Policy& policy, Stats& stats, std::uint64_t seed)
        : requests(policy, stats, seed), records(policy.limits, stats) {}

    PendingRequests requests;
    AnswerRecords records;
    std::list<Slot> ready;  // to be sent, in this order; others than Stand::ready have gone meanwhile
    std::list<Waiting> waiting;
    std::size_t waiting_bytes = 0;  // of answers in it that are given again
    std::uint64_t last_number = 0;
};

}  // namespace forestay::session
