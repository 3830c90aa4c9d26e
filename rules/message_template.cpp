#include "rules/message_template.h"

#include <array>
#include <utility>

namespace forestay::rules {

namespace json = wire::json;

namespace {

constexpr std::array<std::string_view, 10> words{"id",     "event",   "rule",  "elapsed_ms", "code",
                                                 "reason", "attempt", "place", "waiting",    "detail"};

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

void append_text(std::string& out, std::string_view text, bool inside) {
    if (!inside) out += '"';
    json::append_escaped(out, text);
    if (!inside) out += '"';
}

// `raw` is a peer's: checked once more, because all that keeps it from ending the string or the object it
// stands in is that it is one JSON value.
void append_raw(std::string& out, std::string_view raw, bool inside) {
    if (raw.empty() || json::validate(raw)) {
        if (!inside) out += "null";
    } else if (!inside) {
        out += raw;
    } else if (raw.front() == '"') {
        out += raw.substr(1, raw.size() - 2);  // escaped already
    } else {
        json::append_escaped(out, raw);
    }
}

}  // namespace

bool MessageTemplate::has_meaning(Word word, Purpose purpose) {
    switch (word) {
        case Word::place:
        case Word::waiting:
            return purpose == Purpose::status;
        case Word::elapsed_ms:
        case Word::attempt:
            return purpose != Purpose::error && purpose != Purpose::reply;
        case Word::code:
        case Word::reason:
            return purpose != Purpose::status && purpose != Purpose::reply;
        case Word::detail:
            return purpose == Purpose::checked_fallback || purpose == Purpose::error;
        case Word::id:
        case Word::rule:
            return purpose != Purpose::reply;
        case Word::event:
        case Word::pointer:
            return true;
    }
    return false;
}

std::string MessageTemplate::allowed(Purpose purpose) {
    std::string text = "; allowed are ";
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (has_meaning(static_cast<Word>(i), purpose)) text += "{{" + std::string(words[i]) + "}}, ";
    }
    return text + "and pointers into the request such as {{/message_id}}";
}

std::optional<MessageTemplate::Part> MessageTemplate::parse(std::string_view name, Purpose purpose,
                                                            std::string& problem) {
    Part part;
    if (name.starts_with('/')) {
        const auto text = json::unescape('"' + std::string(name) + '"');
        auto pointer = text ? json::Pointer::parse(*text) : std::nullopt;
        if (!pointer) {
            problem = "has the placeholder {{" + std::string(name) + "}}, which is no JSON Pointer";
            return std::nullopt;
        }
        part.word = Word::pointer;
        part.pointer = std::move(*pointer);
        return part;
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] != name) continue;
        part.word = static_cast<Word>(i);
        if (has_meaning(*part.word, purpose)) return part;
        problem =
            "has the placeholder {{" + std::string(name) + "}}, which says nothing here" + allowed(purpose);
        return std::nullopt;
    }
    problem = "has the unknown placeholder {{" + std::string(name) + "}}" + allowed(purpose);
    return std::nullopt;
}

std::optional<MessageTemplate> MessageTemplate::compile(std::string_view text, std::string& problem,
                                                        Purpose purpose) {
    if (const auto error = json::validate(text)) {
        problem = "is not JSON: " + error.message();
        return std::nullopt;
    }
    MessageTemplate made;
    std::string literal;  // since the last placeholder
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
                problem = "has a placeholder without its closing }}" + allowed(purpose);
                return std::nullopt;
            }
            auto part = parse(inside.substr(open + 2, close - open - 2), purpose, problem);
            if (!part) return std::nullopt;
            literal += inside.substr(0, open);
            part->literal = std::exchange(literal, {});
            part->inside = !alone;
            if (part->word == Word::pointer) made.quotes_request_ = true;
            made.parts_.push_back(std::move(*part));
            inside.remove_prefix(close + 2);
        }
        literal += inside;
        if (!alone) literal += '"';
        at = quote;
    }
    made.parts_.push_back({std::move(literal), {}, {}, false});

    // It is JSON by construction; a sample says so.
    TemplateValues values;
    values.id = R"("a\"b")";
    values.event = values.rule = values.detail = "an \"event\"";
    std::string sample;
    made.render(sample, values);
    if (const auto error = json::validate(sample)) {
        problem = "does not render to JSON: " + error.message();
        return std::nullopt;
    }
    return made;
}

void MessageTemplate::append(std::string& out, const Part& part, const TemplateValues& values) {
    switch (*part.word) {
        case Word::id:
            return append_raw(out, values.id, part.inside);
        case Word::event:
            return append_text(out, values.event, part.inside);
        case Word::rule:
            return append_text(out, values.rule, part.inside);
        case Word::code:
            return append_text(out, name(values.code), part.inside);
        case Word::reason:
            return append_text(out, reason(values.code), part.inside);
        case Word::detail:
            return append_text(out, values.detail, part.inside);
        case Word::pointer:
            return append_raw(out, part.pointer.find(values.request).value_or(std::string_view()),
                              part.inside);
        case Word::elapsed_ms:
            out += std::to_string(values.elapsed.count());
            return;
        case Word::attempt:
            out += std::to_string(values.attempt);
            return;
        case Word::place:
            out += std::to_string(values.place);
            return;
        case Word::waiting:
            out += std::to_string(values.waiting);
            return;
    }
}

void MessageTemplate::render(std::string& out, const TemplateValues& values) const {
    for (const Part& part : parts_) {
        out += part.literal;
        if (part.word) append(out, part, values);
    }
}

}  // namespace forestay::rules
