#include "config/rule_warnings.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "config/access.h"
#include "config/rules_section.h"

namespace forestay::config {
namespace {

using namespace std::chrono_literals;
using rules::ConditionSpec;
using rules::RuleSpec;

bool contains(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

std::vector<std::string> values(const ConditionSpec& condition) {
    return condition.equals ? std::vector{*condition.equals} : condition.one_of;
}

// What fulfils `strict` fulfils `loose`. "No" when that is not plain to see.
bool implies(const ConditionSpec& strict, const ConditionSpec& loose) {
    if (strict.pointer != loose.pointer) return false;
    const auto wanted = values(strict);
    const auto allowed = values(loose);
    const bool is_there = !wanted.empty() || strict.matches;
    if (loose.exists && strict.exists != loose.exists && !(*loose.exists && is_there)) return false;
    if (loose.matches && loose.matches != strict.matches) return false;
    return allowed.empty() ||
           (!wanted.empty() && std::all_of(wanted.begin(), wanted.end(),
                                           [&](const auto& one) { return contains(allowed, one); }));
}

// The rule takes messages with an ack id only.
bool needs_ack(const RuleSpec& rule) {
    const bool tracks = rule.timeout.count() > 0;
    return rule.match.ack == true || (rule.match.type.empty() && rule.id == "ack" && tracks);
}

// Every message that `late` is about is one that `early` is about: `late` never gets one.
bool takes_all_of(const RuleSpec& early, const RuleSpec& late) {
    const auto& a = early.match;
    const auto& b = late.match;
    const bool same_dialect = a.type.empty() == b.type.empty();
    const std::string& name = a.type.empty() ? a.event : a.type;
    const std::string& late_name = b.type.empty() ? b.event : b.type;
    if (!same_dialect || name.empty() || (name != "*" && name != late_name)) return false;
    if (a.nsp && a.nsp != b.nsp) return false;
    if (needs_ack(early) && !needs_ack(late)) return false;
    if (a.ack == false && b.ack != false) return false;
    if (!a.path.empty() && a.path != b.path) return false;
    const bool anybody = a.who.empty() || (contains(a.who, "*") && !b.who.empty());
    const bool same_people = !b.who.empty() && std::all_of(b.who.begin(), b.who.end(), [&](const auto& one) {
        return contains(a.who, one);
    });
    if (!anybody && !same_people) return false;
    return std::all_of(a.where.begin(), a.where.end(), [&](const ConditionSpec& loose) {
        return std::any_of(b.where.begin(), b.where.end(),
                           [&](const ConditionSpec& strict) { return implies(strict, loose); });
    });
}

class Warnings {
  public:
    Warnings(const Config& config, const Node& root, Problems& problems)
        : config_(config), root_(root), problems_(problems) {}

    void give() {
        const std::vector<Node>& written = items(root_, "requests");
        const std::vector<RuleSpec> specs = read_specs(root_);
        for (std::size_t i = 0; i < specs.size(); ++i) {
            rule_ = &written[i];
            path_ = "requests[" + std::to_string(i) + ']';
            who_can_match(specs[i]);
            where_it_can_match(specs[i]);
            patience(specs[i]);
            retries(specs[i]);
            line(specs[i]);
            for (std::size_t early = 0; early < i; ++early) {
                if (!takes_all_of(specs[early], specs[i])) continue;
                warn("match", "never matches: \"" + specs[early].name +
                                  "\" stands before it and takes every message that it could");
                break;
            }
        }
    }

  private:
    void warn(std::string_view key, const std::string& message) {
        const Node* node = find_node(*rule_, key);
        problems_.warning(node ? node->at : rule_->at, path_ + '.' + std::string(key) + ": " + message);
    }
    // A default stands at the place of its section.
    [[nodiscard]] bool is_written(std::string_view section, std::string_view key) const {
        const Node* in = rule_->find(section);
        const Node* node = in ? in->find(key) : nullptr;
        return node && (node->at.line != in->at.line || node->at.column != in->at.column ||
                        node->at.source != in->at.source);
    }

    void who_can_match(const RuleSpec& rule) {
        if (!rule.match.who.empty() && items(root_, "auth.any_of").empty())
            warn("match.who", "never matches: auth.any_of is empty, so that nobody is known");
    }

    void where_it_can_match(const RuleSpec& rule) {
        const auto& json = config_.session.json_websockets;
        if (!rule.match.type.empty() && json.empty()) {
            warn("match.type", "never matches: no websocket in websockets has format: json");
            return;
        }
        const std::string& path = rule.match.path;
        if (path.empty()) return;
        if (rule.match.type.empty()) {
            const auto bare = [](std::string_view one) {
                return one.substr(0, one.size() - one.ends_with('/'));
            };
            const auto& all = config_.net.socketio_paths;
            if (std::none_of(all.begin(), all.end(),
                             [&](const auto& one) { return bare(one) == bare(path); }))
                warn("match.path", "never matches: it is not in socketio.paths");
        } else if (std::none_of(json.begin(), json.end(),
                                [&](const session::JsonWebsocket& one) { return one.path == path; })) {
            warn("match.path",
                 "never matches: it is not the path of a websocket with format: json as websockets has it");
        }
    }

    void patience(const RuleSpec& rule) {
        if (rule.timeout > 10min && rule.idle_first.count() == 0 && rule.idle_next.count() == 0) {
            warn(
                "timeout",
                "nobody waits longer than ten minutes without a sign of life: the fallback comes to a client "
                "that has given up; see idle_timeout");
        }
        if (rule.id == "order") {
            warn("id",
                 "with order, after one answer that is lost each later one is taken for the one before: use "
                 "an "
                 "id if the messages have one");
        }
        const bool breaker = rule.breaker.failures > 0 || rule.breaker.share > 0;
        if (breaker && rule.timeout > 1min && rule.idle_first.count() == 0) {
            warn("breaker",
                 "learns only at the deadline, after more than a minute, that the app does not answer: an "
                 "idle_timeout tells it sooner");
        }
    }

    void retries(const RuleSpec& rule) {
        if (rule.repeatable && !rule_->find("retry")) warn("repeatable", "does nothing without retry");
        if (contains(rule.retry.on, "timeout") && rule.idle_first.count() > 0 && rule.timeout.count() > 0 &&
            rule.idle_first * rule.retry.attempts >= rule.timeout) {
            warn("retry",
                 "timeout comes before the last of the attempts: each but the first comes after an "
                 "idle_timeout");
        }
        if (contains(rule.retry.on, "upstream_lost") && config_.session.resume_upstream.hold.count() == 0)
            warn("retry.on", "upstream_lost never happens: with resume.upstream.hold: 0s the session ends");
    }

    void line(const RuleSpec& rule) {
        if (is_written("queue", "timeout") && rule.timeout.count() > 0 &&
            rule.queue.timeout >= rule.timeout) {
            warn("queue.timeout",
                 "is not shorter than the rule's timeout, which counts the time in line: it never comes "
                 "first");
        }
    }

    const Config& config_;
    const Node& root_;
    Problems& problems_;
    const Node* rule_ = nullptr;
    std::string path_;
};

}  // namespace

void warn_of_rules(const Config& config, const Node& root, Problems& problems) {
    Warnings(config, root, problems).give();
}

}  // namespace forestay::config
