// `forestay rules test`: what the rules of a configuration make of recorded messages.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>

#include "config/json_text.h"
#include "proxy/app/commands.h"
#include "proxy/app/recorded_messages.h"
#include "proxy/app/rehearsal.h"

namespace forestay::app {
namespace {

using config::quoted;
using Fate = Rehearsed::Fate;

constexpr std::size_t shown_bytes = 300;

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

std::string seconds(std::chrono::nanoseconds time) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f s", std::max(std::chrono::duration<double>(time).count(), 0.0));
    return text;
}

// One line, whatever peers have said.
std::string shown(std::string_view text) {
    std::string out(text.substr(0, shown_bytes));
    if (text.size() > shown_bytes) out += "...";
    std::replace_if(
        out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; },
        ' ');
    return out;
}

// For people, or one JSON object in a line.
class Printer {
  public:
    Printer(bool json, bool colour) : json_(json), colour_(colour) {}

    void request(const Rehearsed& what, const rules::Rule& rule) const {
        json_ ? request_json(what, rule) : request_text(what, rule);
    }
    void summary(const Rehearsal& all) const { json_ ? summary_json(all) : summary_text(all); }

  private:
    std::string paint(const char* code, const std::string& text) const {
        return colour_ ? "\033[" + std::string(code) + 'm' + text + "\033[0m" : text;
    }

    void request_text(const Rehearsed& what, const rules::Rule& rule) const {
        std::string out = "line " + std::to_string(what.line) + ", " + seconds(what.at);
        if (!what.session.empty()) out += ", session " + shown(what.session);
        out += ": " + paint("1", shown(what.name)) + " is " + paint("1", rule.name) + "; ";
        const std::string when = "at " + seconds(what.ended) + ", after " + seconds(what.ended - what.at);
        switch (what.fate) {
            case Fate::answered:
                out += paint("32", "answered by the app") + ' ' + when + ": " + shown(what.text);
                break;
            case Fate::fallback:
                out += paint("33", "fallback " + std::string(rules::name(what.code))) + ' ' + when + ": " +
                       (what.event.empty() ? (rule.match.json ? "" : "ack ") : shown(what.event) + ' ') +
                       shown(what.text);
                break;
            case Fate::joined:
                out += "the same is outstanding: its answer is for both";
                break;
            case Fate::repeated:
                out += "answered at once, as before";
                break;
            case Fate::refused:
                out += paint("33", "refused") + ": it breaks the schema";
                break;
            case Fate::untracked:
                out += "forwarded and not tracked";
                break;
            case Fate::abandoned:
                out += "no answer: the session is over " + when;
        }
        print(out + '\n');
    }

    static void request_json(const Rehearsed& what, const rules::Rule& rule) {
        constexpr const char* fates[] = {"answered", "fallback",  "joined",   "repeated",
                                         "refused",  "untracked", "abandoned"};
        std::string out = "{\"line\":" + std::to_string(what.line) + ",\"at\":" + number(what.at) +
                          ",\"session\":" + quoted(what.session) + ",\"name\":" + quoted(what.name) +
                          ",\"rule\":" + quoted(rule.name) + ",\"fate\":\"" +
                          fates[static_cast<std::size_t>(what.fate)] + '"';
        if (what.fate == Fate::fallback) {
            out += ",\"code\":" + quoted(rules::name(what.code));
            if (!what.event.empty()) out += ",\"event\":" + quoted(what.event);
        }
        if (what.fate == Fate::answered || what.fate == Fate::fallback)
            out += ",\"ended\":" + number(what.ended) + ",\"with\":" + quoted(what.text);
        print(out + "}\n");
    }

    static std::string number(std::chrono::nanoseconds time) {
        char text[32];
        std::snprintf(text, sizeof text, "%.3f", std::chrono::duration<double>(time).count());
        return text;
    }

    void summary_text(const Rehearsal& all) const {
        print("\n");
        for (std::size_t i = 0; i < all.rules().size(); ++i) {
            const session::RuleStats& rule =
                all.stats().rules.size() > i ? all.stats().rules[i] : session::RuleStats{};
            std::string out =
                paint("1", all.rules()[i].name) + ": " + std::to_string(rule.started) + " requests";
            const auto add = [&out](std::uint64_t count, const std::string& what) {
                if (count > 0) out += ", " + std::to_string(count) + ' ' + what;
            };
            add(rule.answered_by_upstream, "answered by the app");
            for (std::size_t code = 0; code < rule.fallbacks.size(); ++code)
                add(rule.fallbacks[code], "fallback " + std::string(rules::code_names[code]));
            add(rule.joined, "joined");
            add(rule.repeated, "answered again");
            add(rule.resent, "said again to the app");
            add(rule.progress, "signs of progress");
            add(rule.late, "late answers");
            add(rule.invalid, "of the wrong shape");
            if (all.gate().size() > i) add(all.gate()[i].opened, "times the breaker opened");
            print(out + '\n');
        }
        counts("Messages of clients that no rule matches", all.unmatched());
        counts("Messages of the app that no request waits for", all.unasked());
    }
    static void counts(const char* what, const Rehearsal::Counts& counts) {
        if (counts.empty()) return;
        print("\n" + std::string(what) + ":\n");
        for (const auto& [name, times] : counts)
            print("  " + std::to_string(times) + "  " + shown(name) + '\n');
    }

    static void summary_json(const Rehearsal& all) {
        std::string out = "{\"rules\":{";
        for (std::size_t i = 0; i < all.rules().size(); ++i) {
            const session::RuleStats& rule =
                all.stats().rules.size() > i ? all.stats().rules[i] : session::RuleStats{};
            out += (i > 0 ? "," : "") + quoted(all.rules()[i].name) +
                   ":{\"requests\":" + std::to_string(rule.started) +
                   ",\"answered\":" + std::to_string(rule.answered_by_upstream) +
                   ",\"fallbacks\":" + std::to_string(rule.answered_by_fallback) +
                   ",\"joined\":" + std::to_string(rule.joined) +
                   ",\"repeated\":" + std::to_string(rule.repeated) +
                   ",\"resent\":" + std::to_string(rule.resent) +
                   ",\"progress\":" + std::to_string(rule.progress) +
                   ",\"late\":" + std::to_string(rule.late) + ",\"invalid\":" + std::to_string(rule.invalid) +
                   '}';
        }
        print(out + "},\"unmatched\":" + counts_json(all.unmatched()) +
              ",\"unasked\":" + counts_json(all.unasked()) + "}\n");
    }
    static std::string counts_json(const Rehearsal::Counts& counts) {
        std::string out = "{";
        for (const auto& [name, times] : counts)
            out += (out.size() > 1 ? "," : "") + quoted(name) + ':' + std::to_string(times);
        return out + '}';
    }

    bool json_;
    bool colour_;
};

}  // namespace

int test_rules(const config::Request& request, const std::string& file, bool json) {
    const auto loaded = config::load(request, {});
    if (!loaded.good) {
        print_problems(loaded.problems);
        return bad_configuration;
    }
    std::ifstream opened;
    if (file != "-") {
        opened.open(file, std::ios::binary);
        if (!opened) {
            std::fprintf(stderr, "forestay: cannot read %s\n", file.c_str());
            return bad_usage;
        }
    }
    try {
        const Printer printer(json, in_colour(STDOUT_FILENO));
        const auto& rules = loaded.config.session.rules.rules();
        Rehearsal rehearsal(loaded.config,
                            [&](const Rehearsed& what) { printer.request(what, rules[what.rule]); });
        RecordedMessages messages(file == "-" ? std::cin : opened);
        std::string problem;
        while (const auto message = messages.next()) {
            problem = rehearsal.play(*message);
            if (problem.empty()) continue;
            problem = std::to_string(message->line) + ": " + problem;
            break;
        }
        if (problem.empty()) problem = messages.problem();
        if (!problem.empty()) {
            std::fflush(stdout);
            std::fprintf(stderr, "%s:%s\n", file.c_str(), problem.c_str());
            return bad_configuration;
        }
        rehearsal.finish();
        printer.summary(rehearsal);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "forestay: %s\n", error.what());
        return bad_configuration;
    }
    return fine;
}

}  // namespace forestay::app
