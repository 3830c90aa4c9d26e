#include "rules/message_template.h"

#include <array>
#include <utility>

#include "proxy/wire/json/scan.h"

namespace forestay::rules {

namespace json = wire::json;

namespace {

constexpr std::string_view allowed = "allowed are {{id}}, {{event}}, {{rule}} and {{elapsed_ms}}";

// The end of the string literal that starts at `begin` (its closing quote); the text is valid JSON.
std::size_t closing_quote(std::string_view text, std::size_t begin) {
    std::size_t at = begin + 1;
    while (text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    return at;
}

// True when the string literal that ends at `quote` is an object's key.
bool is_key(std::string_view text, std::size_t quote) {
    const std::size_t next = text.find_first_not_of(" \t\r\n", quote + 1);
    return next != std::string_view::npos && text[next] == ':';
}

void append_string(std::string& out, std::string_view text) {
    out += '"';
    json::append_escaped(out, text);
    out += '"';
}

}  // namespace

std::optional<MessageTemplate> MessageTemplate::compile(std::string_view text, std::string& problem) {
    if (const auto error = json::validate(text)) {
        problem = "is not JSON: " + error.message();
        return std::nullopt;
    }
    constexpr std::array<std::pair<std::string_view, Placeholder>, 4> names{
        {{"id", Placeholder::id},
         {"event", Placeholder::event},
         {"rule", Placeholder::rule},
         {"elapsed_ms", Placeholder::elapsed_ms}}};
    MessageTemplate made;
    std::string literal;  // since the last placeholder
    const auto flush = [&] {
        if (!literal.empty()) made.parts_.emplace_back(std::exchange(literal, {}));
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '"') {
            literal += text[at];
            continue;
        }
        const std::size_t quote = closing_quote(text, at);
        std::string_view inside = text.substr(at + 1, quote - at - 1);
        const bool alone =
            inside.starts_with("{{") && inside.find("}}") == inside.size() - 2 && !is_key(text, quote);
        if (!alone) literal += '"';
        for (std::size_t open = inside.find("{{"); open != std::string_view::npos; open = inside.find("{{")) {
            const std::size_t close = inside.find("}}", open);
            if (close == std::string_view::npos) {
                problem = "has a placeholder without its closing }}; " + std::string(allowed);
                return std::nullopt;
            }
            const std::string_view name = inside.substr(open + 2, close - open - 2);
            const auto* known = names.begin();
            while (known != names.end() && known->first != name) ++known;
            if (known == names.end()) {
                problem =
                    "has the unknown placeholder {{" + std::string(name) + "}}; " + std::string(allowed);
                return std::nullopt;
            }
            literal += inside.substr(0, open);
            flush();
            if (alone)
                made.parts_.emplace_back(Value{known->second});
            else
                made.parts_.emplace_back(Inside{known->second});
            inside.remove_prefix(close + 2);
        }
        literal += inside;
        if (!alone) literal += '"';
        at = quote;
    }
    flush();

    // It is JSON by construction; a sample says so.
    std::string sample;
    made.render(sample, {R"("a\"b")", "an \"event\"", "rule", std::chrono::milliseconds{1}});
    if (const auto error = json::validate(sample)) {
        problem = "does not render to JSON: " + error.message();
        return std::nullopt;
    }
    return made;
}

void MessageTemplate::render(std::string& out, const TemplateValues& values) const {
    struct Append {
        std::string& out;
        const TemplateValues& values;
        void operator()(const std::string& text) const { out += text; }
        void operator()(Value value) const {
            switch (value.what) {
                case Placeholder::id:
                    out += values.id;
                    break;
                case Placeholder::event:
                    append_string(out, values.event);
                    break;
                case Placeholder::rule:
                    append_string(out, values.rule);
                    break;
                case Placeholder::elapsed_ms:
                    out += std::to_string(values.elapsed.count());
                    break;
            }
        }
        void operator()(Inside inside) const {
            switch (inside.what) {
                case Placeholder::id:
                    // A string's own bytes are escaped already; a number is its text.
                    if (values.id.starts_with('"'))
                        out += values.id.substr(1, values.id.size() - 2);
                    else
                        out += values.id;
                    break;
                case Placeholder::event:
                    json::append_escaped(out, values.event);
                    break;
                case Placeholder::rule:
                    json::append_escaped(out, values.rule);
                    break;
                case Placeholder::elapsed_ms:
                    out += std::to_string(values.elapsed.count());
                    break;
            }
        }
    };
    for (const auto& part : parts_) std::visit(Append{out, values}, part);
}

}  // namespace forestay::rules
