#include <string_view>

#include "config/json_text.h"
#include "config/reference.h"
#include "config/schema.h"

namespace forestay::config {
namespace {

// Numbers with units; or something from the environment, which an editor cannot know.
std::string with_unit(std::string_view units, std::string_view word) {
    return R"("type": "string", "pattern": "^[0-9]+()" + std::string(units) + R"()$|\\$\\{)" +
           (word.empty() ? "" : "|^" + std::string(word) + '$') + '"';
}

std::string choice(const Key& key) {
    std::string out = "\"enum\": [";
    for (const auto word : split_words(key.bounds)) out += (out.back() == '[' ? "" : ", ") + quoted(word);
    return out + ']';
}

// The keywords of one value, without braces. A default that is a word of its own ("auto", "off") is let
// through.
std::string keywords(const Key& key) {
    const bool own_word =
        !key.initial.empty() && key.initial.find_first_of("0123456789[{\"") == std::string_view::npos;
    const std::string_view text = R"("type": "string", "minLength": 1)";
    switch (key.type) {
        case Type::section:
            return R"("type": "object")";
        case Type::choice:
            return choice(key);
        case Type::boolean:
            return R"("type": ["boolean", "string"], "pattern": "\\$\\{")";
        case Type::integer:
            return R"("type": ["integer", "string"], "minimum": 0, "pattern": "\\$\\{)" +
                   (own_word ? "|^" + std::string(key.initial) + "$" : std::string{}) + '"';
        case Type::duration:
            return with_unit("ms|s|m|h|d", own_word ? key.initial : "");
        case Type::size:
            return with_unit("B|KiB|MiB|GiB", key.is(traits::off) ? "(auto|off)" : "");
        case Type::rate:
            return R"("type": "string", "pattern": "^[0-9]+/[smh]$|^off$|\\$\\{")";
        case Type::percent:
            return with_unit("%", "");
        case Type::path:
            return R"("type": "string", "pattern": "^/|\\$\\{")";
        case Type::url:
            return R"("type": "string", "pattern": "^https?://|\\$\\{")";
        case Type::text:
        case Type::file:
        case Type::address:
        case Type::network:
        case Type::header:
            return std::string(text);
        case Type::json:
            return {};
        case Type::json_scalar:
            return R"("type": ["string", "number", "boolean", "null"])";
    }
    return {};
}

class Writer {
  public:
    std::string object(const Schema& schema, const std::string& margin) {
        const std::string inner = margin + "  ";
        std::string properties;
        std::string required;
        std::string rest = "false";
        for (const auto& [name, child] : schema.children) {
            if (name == "*") {
                rest = property(child, inner);
                continue;
            }
            properties += (properties.empty() ? "\n" : ",\n") + inner + "  " + quoted(name) + ": " +
                          property(child, inner + "  ");
            if (child.key->is(traits::required)) required += (required.empty() ? "" : ", ") + quoted(name);
        }
        std::string out = "\"type\": \"object\", \"additionalProperties\": " + rest;
        // One of two files may hold the keys that must be there, and an editor sees one file.
        const bool by_another_file = margin.empty() || schema.find("url") != nullptr;
        if (!required.empty() && !by_another_file) out += ", \"required\": [" + required + ']';
        if (!properties.empty()) out += ",\n" + inner + "\"properties\": {" + properties + '\n' + inner + '}';
        return out;
    }

  private:
    std::string property(const Schema& schema, const std::string& margin) {
        const Key& key = *schema.key;
        std::string out = "{\"description\": " + quoted(key.description) + ", ";
        if (key.is(traits::later)) return out + "\"not\": {}}";
        if (key.is(traits::list)) return out + a_list(schema, margin) + '}';
        if (schema.children.empty()) {
            const std::string words = keywords(key);
            return words.empty() ? "{\"description\": " + quoted(key.description) + '}' : out + words + '}';
        }
        // What has a short form: `upstream: URL` or a list of them, `late_answer: drop`.
        const Schema* url = schema.find("url");
        if (key.type == Type::section && !(url && key.is(traits::required)))
            return out + object(schema, margin) + '}';
        const std::string alone = url ? a_list(*url, margin) : keywords(key);
        return out + "\"anyOf\": [{" + alone + "}, {" + object(schema, margin) + "}]}";
    }
    std::string a_list(const Schema& schema, const std::string& margin) {
        const Key& key = *schema.key;
        if (key.type == Type::section) {
            return "\"type\": [\"array\", \"null\"], \"items\": {" + object(schema, margin) + '}';
        }
        const std::string one = '{' + keywords(key) + '}';
        std::string any = one;
        if (!schema.children.empty()) any = "{\"anyOf\": [" + one + ", {" + object(schema, margin) + "}]}";
        return "\"anyOf\": [" + any + ", {\"type\": \"array\", \"items\": " + any + "}]";
    }
};

}  // namespace

std::string json_schema() {
    return "{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"title\": \"forestay\", " +
           Writer().object(schema(), "") + "\n}\n";
}

}  // namespace forestay::config
