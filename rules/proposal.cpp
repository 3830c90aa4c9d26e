#include "rules/proposal.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <set>
#include <string_view>
#include <utility>

#include "proxy/wire/json/scan.h"

namespace forestay::rules {
namespace {

constexpr std::size_t rules_max = 200;
constexpr std::array<int, 26> readable{1,    2,    3,    5,    8,     10,    15,    20,   30,
                                       45,   60,   90,   120,  180,   300,   600,   900,  1200,
                                       1800, 2700, 3600, 7200, 10800, 21600, 43200, 86400};

std::string duration_text(std::chrono::seconds time) {
    const auto seconds = time.count();
    if (seconds >= 3600 && seconds % 3600 == 0) return std::to_string(seconds / 3600) + 'h';
    if (seconds >= 120 && seconds % 60 == 0) return std::to_string(seconds / 60) + 'm';
    return std::to_string(seconds) + 's';
}

std::string ms_text(std::uint64_t ms) {
    if (ms < 10'000) return std::to_string(ms) + " ms";
    return std::to_string((ms + 500) / 1000) + " s";
}

// Names come from peers: in quotes they end no line, no comment and no string, and expand to nothing.
std::string quoted(std::string_view text) {
    std::string escaped;
    wire::json::append_escaped(escaped, text);
    std::string out = "\"";
    for (std::size_t i = 0; i < escaped.size(); ++i) {
        out += escaped[i];
        if (escaped.compare(i, 2, "${") == 0) out += '$';
    }
    return out + '"';
}

std::string quoted_list(const std::vector<std::string>& texts) {
    if (texts.size() == 1) return quoted(texts.front());
    std::string out = "[";
    for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + quoted(text);
    return out + ']';
}

// An object with these values where the pointers say, as YAML in flow style.
std::string object(const std::vector<std::pair<std::string, std::string>>& values) {
    std::vector<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> members;
    for (const auto& [pointer, value] : values) {
        const auto end = pointer.find('/', 1);
        const std::string token = pointer.substr(1, end == std::string::npos ? end : end - 1);
        auto member =
            std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.first == token; });
        if (member == members.end()) member = members.insert(members.end(), {token, {}});
        member->second.emplace_back(end == std::string::npos ? "" : pointer.substr(end), value);
    }
    std::string out = "{";
    for (const auto& [token, inner] : members) {
        std::string key;
        for (std::size_t i = 0; i < token.size(); ++i) {
            if (token[i] == '~' && i + 1 < token.size())
                key += token[++i] == '1' ? '/' : '~';
            else
                key += token[i];
        }
        out += (out.size() > 1 ? ", " : "") + quoted(key) + ": ";
        out += inner.front().first.empty() ? inner.front().second : object(inner);
    }
    return out + '}';
}

std::string rule_name(std::string_view name, std::set<std::string>& taken) {
    std::string base;
    for (const char c : name.substr(0, 48)) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = byte < 128 && std::isalnum(byte) != 0;
        if (plain)
            base += static_cast<char>(std::tolower(byte));
        else if (!base.empty() && base.back() != '_')
            base += '_';
    }
    while (!base.empty() && base.back() == '_') base.pop_back();
    if (base.empty() || base.front() < 'a' || base.front() > 'z')
        base = "request" + (base.empty() ? base : '_' + base);
    std::string made = base;
    for (int i = 2; !taken.insert(made).second; ++i) made = base + '_' + std::to_string(i);
    return made;
}

// What a template or a matcher would take for something else.
bool can_be_written(const Proposal::Request& request) {
    std::vector<std::string> texts{request.name, request.answer_id, request.id};
    texts.insert(texts.end(), request.answers.begin(), request.answers.end());
    texts.insert(texts.end(), request.progress.begin(), request.progress.end());
    return std::none_of(texts.begin(), texts.end(), [](const std::string& text) {
        return text == "*" || text.find("{{") != std::string::npos;
    });
}

std::string fallback(const Proposal::Request& request) {
    const std::string id = "\"{{id}}\"";
    const std::pair<std::string, std::string> error{"/error", "\"{{code}}\""};
    if (request.answers.empty()) return "{ack: [{error: " + error.second + "}]}";
    std::vector<std::pair<std::string, std::string>> values{{request.answer_id, id}};
    if (request.json) values.insert(values.begin(), {request.type, quoted(request.answers.front())});
    // An app may have an object there, with the id in it.
    const bool is_taken = std::any_of(values.begin(), values.end(), [&](const auto& one) {
        return (one.first + '/').starts_with(error.first + '/');
    });
    if (!is_taken) values.push_back(error);
    if (!request.json)
        return "{event: " + quoted(request.answers.front()) + ", data: " + object(values) + '}';
    return "{message: " + object(values) + '}';
}

void write_rule(std::string& out, const Proposal::Request& request, std::set<std::string>& taken) {
    char line[160];
    const LogHistogram& times = request.times;
    std::snprintf(line, sizeof line, "asked %llu times, answered %llu times; p50 %s, p99 %s, longest %s",
                  static_cast<unsigned long long>(request.asked),
                  static_cast<unsigned long long>(request.answered), ms_text(times.quantile(0.5)).c_str(),
                  ms_text(times.quantile(0.99)).c_str(), ms_text(times.max()).c_str());
    out += "\n  # " + quoted(request.name) + ' ' + line + '\n';
    if (request.answers_each > 1.5) {
        std::snprintf(line, sizeof line, "%.1f", request.answers_each);
        out += "  # The answer came " + std::string(line) +
               " times for one request: the first will end it. Parts of an answer are `partial`.\n";
    }
    if (request.times.count() < 20) out += "  # Few were seen: the timeout is a guess.\n";
    if (!can_be_written(request)) {
        out += "  # No rule: its names or ids read like placeholders.\n";
        return;
    }
    const char* const word = request.json ? "type: " : "event: ";
    out += "  - name: " + rule_name(request.name, taken) + "\n    match: {" + word + quoted(request.name);
    if (!request.json && request.where != "/") out += ", namespace: " + quoted(request.where);
    if (request.json) out += ", path: " + quoted(request.where);
    out += "}\n";
    if (!request.id.empty()) {
        out += "    id: " + quoted(request.id) + "\n    answer: {" + word + quoted_list(request.answers) +
               ", id: " + quoted(request.answer_id) + "}\n";
        if (!request.progress.empty()) {
            out += "    progress: {" + std::string(word) + quoted_list(request.progress) +
                   ", id: " + quoted(request.progress_id) + "}\n";
        }
    }
    out += "    timeout: " + duration_text(proposed_timeout(times)) + "\n    fallback: " + fallback(request) +
           '\n';
}

void write_seen(std::string& out, const Proposal::Seen& seen) {
    char line[160];
    std::snprintf(line, sizeof line, "#   %9llu %9llu B %9llu B  ",
                  static_cast<unsigned long long>(seen.count),
                  static_cast<unsigned long long>(seen.bytes.quantile(0.5)),
                  static_cast<unsigned long long>(seen.bytes.max()));
    out += line + quoted(seen.name);
    if (seen.json || seen.where != "/") out += " in " + quoted(seen.where);
    if (seen.with_ack > 0) {
        out += ", " + std::to_string(seen.with_ack) + " wanted an ack and " + std::to_string(seen.acked) +
               " got it";
    }
    out += '\n';
    for (std::string sample : seen.samples) {
        std::replace_if(
            sample.begin(), sample.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
        out += "#       " + sample + '\n';
    }
}

}  // namespace

std::chrono::seconds proposed_timeout(const LogHistogram& times) {
    const double seconds = static_cast<double>(times.quantile(0.99)) * 3 / 1000;
    for (const int choice : readable) {
        if (choice >= seconds) return std::chrono::seconds(choice);
    }
    return std::chrono::seconds(readable.back());
}

std::string to_yaml(const Proposal& proposal) {
    std::string out = "# Proposed by `forestay learn` from " + std::to_string(proposal.messages) +
                      " messages. Times are those of this app on this day: read and edit before use.\n";
    bool of_client = false, of_app = false;
    for (const Proposal::Seen& seen : proposal.seen) {
        if (!std::exchange(seen.from_client ? of_client : of_app, true))
            out +=
                seen.from_client ? "#\n# Clients said (times, median, largest):\n" : "#\n# The app said:\n";
        write_seen(out, seen);
    }
    const std::array<std::pair<std::uint64_t, const char*>, 3> rest{
        {{proposal.unnamed, " messages have no name or type, or none that can be written."},
         {proposal.unlisted, " messages are not listed: there are too many names."},
         {proposal.forgotten,
          " values were forgotten before they could come back: there was too much traffic."}}};
    for (const auto& [count, what] : rest) {
        if (count > 0) out += "#\n# " + std::to_string(count) + what + '\n';
    }
    if (proposal.requests.empty())
        return out + "\n# Nothing looks like a request with an answer.\nrequests: []\n";
    out += "\nrequests:\n";
    std::set<std::string> taken;
    std::size_t written = 0;
    for (const Proposal::Request& request : proposal.requests) {
        if (++written <= rules_max) write_rule(out, request, taken);
    }
    if (taken.empty()) out += "  []\n";
    return out;
}

}  // namespace forestay::rules
