#include "config/json_text.h"

#include "proxy/wire/json/scan.h"

namespace forestay::config {
namespace {

constexpr std::string_view digits = "0123456789";

// True when the text begins like a number: with a digit, perhaps behind a sign or a point.
bool begins_like_a_number(std::string_view text) {
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (text.starts_with('.')) text.remove_prefix(1);
    return !text.empty() && digits.find(text.front()) != std::string_view::npos;
}

// True when a reader of some YAML version takes the text for a number: 010, 0x1f, 1_000, +5, .5, 1:30, .inf.
bool reads_as_a_number(std::string_view text) {
    if (begins_like_a_number(text))
        return text.find_first_not_of("0123456789abcdefABCDEFxXo_+-.:") == text.npos;
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    return text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan" || text == ".NaN" ||
           text == ".NAN";
}

bool append_scalar(std::string& out, const Node& node, Problems& problems) {
    const std::string& text = node.text;
    if (node.quoted) {
        out += quoted(text);
    } else if (text == "~" || text == "null" || text == "Null" || text == "NULL") {
        out += "null";
    } else if (text == "true" || text == "True" || text == "TRUE") {
        out += "true";
    } else if (text == "false" || text == "False" || text == "FALSE") {
        out += "false";
    } else if (begins_like_a_number(text) && !wire::json::validate(text)) {
        out += text;
    } else if (reads_as_a_number(text)) {
        problems.error(node.at, (node.expanded ? "what the environment gives" : quote(text)) +
                                    " is no JSON number, though it looks like one: quote it if it is text");
        return false;
    } else {
        out += quoted(text);
    }
    return true;
}

// Depth is bounded by the reader (yaml_depth_max).
bool append(std::string& out, const Node& node, Problems& problems) {
    bool good = true;
    switch (node.kind) {
        case Node::Kind::null:
            out += "null";
            break;
        case Node::Kind::scalar:
            good = append_scalar(out, node, problems);
            break;
        case Node::Kind::list: {
            out += '[';
            for (const Node& item : node.items) {
                if (&item != &node.items.front()) out += ',';
                good &= append(out, item, problems);
            }
            out += ']';
            break;
        }
        case Node::Kind::map: {
            out += '{';
            for (const Node::Entry& entry : node.entries) {
                if (&entry != &node.entries.front()) out += ',';
                out += quoted(entry.key);
                out += ':';
                good &= append(out, entry.value, problems);
            }
            out += '}';
            break;
        }
    }
    return good;
}

}  // namespace

std::string quoted(std::string_view text) {
    std::string out = "\"";
    wire::json::append_escaped(out, text);
    return out + '"';
}

std::optional<std::string> to_json(const Node& node, Problems& problems) {
    std::string out;
    if (!append(out, node, problems)) return std::nullopt;
    return out;
}

}  // namespace forestay::config
