// Any request to any template and schema: what is rendered is JSON, whatever the request quotes; what a
// schema says of a message is one sentence.
//
// The input: a schema, a line feed, a template, a line feed, the request's body.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "rules/message_template.h"
#include "rules/rule_set.h"
#include "rules/schema.h"

using namespace forestay;
using namespace forestay::rules;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

std::string_view take_line(std::string_view& input) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    return line;
}

void check_schema(std::string_view text, std::string_view body) {
    std::string problem;
    const auto schema = Schema::compile(text, problem);
    require(schema.has_value() == problem.empty());
    if (!schema) return;
    const auto found = schema->problem(body);
    require(!found || !found->empty());
    // A second message behind the first changes nothing.
    if (!wire::json::validate(body)) require(schema->problem(std::string(body) + ",{}]") == found);
}

void check_template(std::string_view text, std::string_view body) {
    for (const Purpose purpose :
         {Purpose::fallback, Purpose::checked_fallback, Purpose::status, Purpose::error, Purpose::reply}) {
        std::string problem;
        const auto made = MessageTemplate::compile(text, problem, purpose);
        require(made.has_value() == problem.empty());
        if (!made) continue;
        TemplateValues values;
        const auto id = id_text(wire::json::Pointer(), body);
        values.id = id.value_or("null");
        values.event = values.detail = body;
        values.request = body;
        std::string out;
        made->render(out, values);
        // What is quoted may be as deep as a request may be, and stand deep in the template.
        const auto error = wire::json::validate(out);
        require(!error || error == wire::errc::json_too_deep);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto schema = take_line(input);
    const auto message = take_line(input);
    check_schema(schema, input);
    check_template(message, input);
    return 0;
}
