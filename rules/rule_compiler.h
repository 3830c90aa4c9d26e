// Compiles one rule as written into a rule as it is used. Private to RuleSet.
//
// Everything that is wrong goes to the list; each part goes on as well as it can, so that one mistake does
// not hide another.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/rule_set.h"

namespace forestay::rules {

class RuleCompiler {
  public:
    // Both outlive the compiler.
    RuleCompiler(std::size_t index, const RuleSpec& spec, std::vector<Problem>& problems)
        : index_(index), spec_(spec), problems_(problems) {}
    // Once. Empty when there were problems.
    [[nodiscard]] std::optional<Rule> compile();

  private:
    void problem(std::string field, std::string message);
    void word(const std::string& field, const std::string& name);  // an event's name, or a type
    void between(const std::string& field, Duration value, Duration least, Duration most);
    std::optional<wire::json::Pointer> pointer(const std::string& field, const std::string& text);
    MessageTemplate words(const std::string& field, const std::string& json, Purpose purpose);

    // rule_compiler.cpp: what is a request, and what belongs to it
    void name();
    void match();
    void where(const ConditionSpec& given);
    std::optional<std::string> scalar(const std::string& given);
    void schema();
    void id();
    void answer();
    void progress();
    void partial();
    void signal(const std::string& field, const SignalSpec& given, Signal& made);
    void heard_once();

    // rule_compiler_words.cpp: what is said
    Fallback fallback(const std::string& field, const FallbackSpec& given, Purpose purpose, bool ack_allowed);
    Fallback message(const std::string& field, const FallbackSpec& given, Purpose purpose);
    void ack_words(const std::string& field, const std::string& json, Purpose purpose, Fallback& made);
    void late_answer();

    // rule_compiler_bounds.cpp: how long and how often
    void timeout();
    void only_checks();
    void upstream_lost();
    void retry();
    void repeat();
    void queue();
    void breaker();
    void rate();

    std::size_t index_;
    const RuleSpec& spec_;
    std::vector<Problem>& problems_;
    Rule rule_;
};

}  // namespace forestay::rules
