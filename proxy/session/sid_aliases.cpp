#include "proxy/session/sid_aliases.h"

namespace forestay::session {

namespace {

bool of_sids(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

void SidAliases::set(std::string_view known, std::string_view current) {
    if (const auto old = current_.find(known); old != current_.end()) {
        known_.erase(old->second);
        current_.erase(old);
    }
    if (known.empty() || current.empty() || known == current) return;
    current_.insert_or_assign(std::string(known), std::string(current));
    known_.insert_or_assign(std::string(current), std::string(known));
}

bool SidAliases::exchange(const Table& table, std::string& out, std::string_view text) {
    bool found = false;
    std::size_t copied = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        if (!of_sids(text[begin])) {
            ++begin;
            continue;
        }
        std::size_t end = begin + 1;
        while (end < text.size() && of_sids(text[end])) ++end;
        const auto other = table.find(text.substr(begin, end - begin));
        if (other != table.end()) {
            out += text.substr(copied, begin - copied);
            out += other->second;
            copied = end;
            found = true;
        }
        begin = end;
    }
    if (found) out += text.substr(copied);
    return found;
}

}  // namespace forestay::session
