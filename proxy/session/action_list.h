// The actions of one handle(): appended by the session, taken by the shell. Lives in the loop's workspace.
//
// Order of calls: clear() at the start of each handle(); the shell takes all before any session of the loop
// handles again.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/session/workspace.h"

namespace forestay::session {

class ActionList {
  public:
    explicit ActionList(Workspace& workspace) : workspace_(workspace) {}

    void clear();
    void push(Action action) { workspace_.actions.push_back(std::move(action)); }
    // Neighbouring bytes become one action: a run of frames that go through unchanged is one span.
    void send_client(std::string_view bytes) { send<action::SendClient>(bytes); }
    void send_upstream(std::string_view bytes) { send<action::SendUpstream>(bytes); }
    // Said to the operator, and counted.
    void report(Stats& stats, ReportKind kind, std::uint64_t count = 0, Duration duration = Duration{0}) {
        ++stats.reports[static_cast<std::size_t>(kind)];
        push(action::Report{kind, count, duration, {}, {}});
    }
    void shield(Stats& stats, Shield which) {
        stats.count(which);
        ++stats.reports[static_cast<std::size_t>(ReportKind::shield_hit)];
        push(action::Report{ReportKind::shield_hit, 0, Duration{0}, which, {}});
    }
    void limit(Stats& stats, Limit which) {
        stats.count(which);
        ++stats.reports[static_cast<std::size_t>(ReportKind::limit_hit)];
        push(action::Report{ReportKind::limit_hit, 0, Duration{0}, {}, which});
    }
    // A fresh, empty string whose address holds until clear(): for bytes that no input brought.
    [[nodiscard]] std::string& made();
    [[nodiscard]] std::optional<Action> take();
    [[nodiscard]] SidAliases& aliases() { return workspace_.aliases; }
    // Mostly null.
    [[nodiscard]] std::vector<RequestEnd>* ends() { return workspace_.ends; }

  private:
    template <class Send>
    void send(std::string_view bytes) {
        if (bytes.empty()) return;
        if (!workspace_.actions.empty()) {
            auto* last = std::get_if<Send>(&workspace_.actions.back());
            if (last != nullptr && last->bytes.data() + last->bytes.size() == bytes.data()) {
                last->bytes = {last->bytes.data(), last->bytes.size() + bytes.size()};
                return;
            }
        }
        workspace_.actions.push_back(Send{bytes});
    }

    Workspace& workspace_;
};

}  // namespace forestay::session
