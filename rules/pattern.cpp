#include "rules/pattern.h"

#include <re2/re2.h>

#include "proxy/wire/json/scan.h"

namespace forestay::rules {

Pattern compile_pattern(std::string_view text, std::string& problem) {
    RE2::Options options(RE2::Quiet);  // what is wrong is told here, not in a log
    options.set_max_mem(1 << 20);
    auto made = std::make_shared<RE2>(re2::StringPiece(text.data(), text.size()), options);
    if (made->ok()) return made;
    problem = "is no regular expression of RE2: " + made->error();
    return nullptr;
}

bool matches(const Pattern& pattern, std::string_view literal) {
    const auto text = wire::json::unescape(literal);
    return text && RE2::PartialMatch(*text, *pattern);
}

}  // namespace forestay::rules
