#include "rules/schema.h"

namespace forestay::rules {

struct Schema::Node {};

std::optional<Schema> Schema::compile(std::string_view, std::string& problem) {
    problem = "is not supported yet";
    return std::nullopt;
}

std::optional<std::string> Schema::problem(std::string_view) const {
    return std::nullopt;
}

}  // namespace forestay::rules
