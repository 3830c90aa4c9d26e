#include "config/effective.h"

#include <string_view>

#include "config/schema.h"
#include "proxy/wire/json/scan.h"

namespace forestay::config {
namespace {

constexpr std::string_view mask = "\"***\"";

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    wire::json::append_escaped(out, text);
    return out + '"';
}

// Text that every YAML reader takes as it is, and as what it was: numbers stay numbers, text stays text. A
// "${" in a value must not be expanded a second time.
std::string scalar(std::string_view text, bool quoted) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+";
    constexpr std::string_view inside =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@";
    const bool safe = !text.empty() && plain.find(text.front()) != std::string_view::npos &&
                      text.front() != '-' && text.find_first_not_of(inside) == std::string_view::npos &&
                      text.back() != ':' && text != "null" && text != "Null" && text != "NULL";
    const bool negative = text.size() > 1 && text.front() == '-' && text[1] >= '0' && text[1] <= '9';
    if (!quoted && (safe || negative)) return std::string(text);
    std::string out = in_quotes(text);
    for (auto at = out.find("${"); at != std::string::npos; at = out.find("${", at + 3))
        out.insert(at, 1, '$');
    return out;
}

class Writer {
  public:
    void map(const Node& node, const Schema* schema, std::size_t indent) {
        for (const Node::Entry& entry : node.entries) {
            const Schema* below = schema ? schema->find(entry.key) : nullptr;
            if (schema && !below) below = schema->find("*");
            line(indent, scalar(entry.key, false) + ':');
            value(entry.value, below, indent);
        }
    }
    std::string take() { return std::move(out_); }

  private:
    void line(std::size_t indent, std::string_view text) {
        if (!after_dash_) out_.append(indent, ' ');
        after_dash_ = false;
        out_ += text;
    }
    // Behind a key: on the same line, or below it.
    void value(const Node& node, const Schema* schema, std::size_t indent) {
        if (schema && schema->key && schema->key->is(traits::secret)) {
            out_ += ' ' + std::string(mask) + '\n';
        } else if (node.is_map() && !node.entries.empty()) {
            out_ += '\n';
            map(node, schema, indent + 2);
        } else if (node.is_list() && !node.items.empty()) {
            out_ += '\n';
            list(node, schema, indent + 2);
        } else {
            out_ += ' ' + leaf(node, quotes_count(schema)) + '\n';
        }
    }
    void list(const Node& node, const Schema* schema, std::size_t indent) {
        for (const Node& item : node.items) {
            line(indent, "-");
            if (item.is_map() && !item.entries.empty()) {
                out_ += ' ';
                after_dash_ = true;
                map(item, schema, indent + 2);
            } else {
                value(item, schema, indent);
            }
        }
    }
    // Only where JSON is meant does "1" differ from 1.
    static bool quotes_count(const Schema* schema) {
        return !schema || !schema->key || schema->key->type == Type::json ||
               schema->key->type == Type::json_scalar;
    }
    static std::string leaf(const Node& node, bool quotes_count) {
        switch (node.kind) {
            case Node::Kind::null:
                return "null";
            case Node::Kind::scalar:
                return scalar(node.text, node.quoted && quotes_count);
            case Node::Kind::list:
                return "[]";
            case Node::Kind::map:
                return "{}";
        }
        return {};
    }

    std::string out_;
    bool after_dash_ = false;  // the next line goes on behind a dash
};

void write_defaults(std::string& out, const Schema& schema, std::size_t indent) {
    const std::string margin(indent, ' ');
    for (const auto& [name, child] : schema.children) {
        const Key& key = *child.key;
        if (key.is(traits::later) || name == "*") continue;
        out += margin + "# " + std::string(key.description) + '\n';
        const bool elements = key.is(traits::list) && !child.children.empty();
        const bool off = key.is(traits::optional);
        if (key.type == Type::section && !elements && !off && key.initial.empty()) {
            out += margin + std::string(name) + ":\n";
            write_defaults(out, child, indent + 2);
        } else if (key.initial.empty()) {
            out += margin + "# " + std::string(name) + ": ...\n";
        } else {
            out += margin + std::string(name) + ": " + std::string(key.initial) + '\n';
        }
        if (indent == 0) out += '\n';
    }
}

}  // namespace

std::string effective_yaml(const Node& root) {
    Writer writer;
    writer.map(root, &schema(), 0);
    return writer.take();
}

std::string defaults_yaml() {
    std::string out;
    write_defaults(out, schema(), 0);
    return out;
}

}  // namespace forestay::config
