// Any bytes as JSON. What we call JSON, simdjson calls JSON too, and finds the same in it, but for the
// differences that are wanted: numbers out of range, deep nesting, lone surrogates.
//
// The input: a JSON Pointer, a line feed, the text.
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "proxy/wire/json/scan.h"
#include "proxy/wire/websocket/utf8.h"

using namespace forestay::wire;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

bool inside(std::string_view part, std::string_view whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

// simdjson refuses numbers that do not fit and lone surrogates; both are JSON.
bool is_wanted_difference(simdjson::error_code error, std::string_view text) {
    return error == simdjson::NUMBER_ERROR || error == simdjson::NUMBER_OUT_OF_RANGE ||
           (error == simdjson::STRING_ERROR && text.find("\\u") != std::string_view::npos);
}

void check_strings(std::string_view text) {
    std::string quoted = "\"";
    json::append_escaped(quoted, text, true);
    quoted += '"';
    require(!json::validate(quoted));
    require(json::unescape(quoted).has_value());
    if (websocket::is_utf8(text)) require(json::unescape(quoted) == text);

    std::string ascii;
    json::append_ascii(ascii, text);
    for (const char c : ascii) require(static_cast<unsigned char>(c) < 0x80);
}

// Compares what both find for a pointer, in text that both accept.
void check_pointer(std::string_view text, simdjson::dom::element root, const json::Pointer& pointer) {
    const auto ours = pointer.find(text);
    simdjson::dom::element theirs;
    const bool found = pointer.text().empty()
                           ? (theirs = root, true)
                           : root.at_pointer(pointer.text()).get(theirs) == simdjson::SUCCESS;
    require(ours.has_value() == found);
    if (!found) return;
    require(inside(*ours, text));
    require(!json::validate(*ours));
    std::string_view string;
    if (theirs.get(string) == simdjson::SUCCESS) require(json::unescape(*ours) == string);
    simdjson::dom::parser parser;
    simdjson::dom::element again;
    if (parser.parse(simdjson::padded_string(*ours)).get(again) != simdjson::SUCCESS) return;
    require(simdjson::minify(again) == simdjson::minify(theirs));
}

// Of pointers to a member of the root.
void check_ambiguity(std::string_view text, simdjson::dom::element root, const json::Pointer& pointer) {
    const std::string_view name = std::string_view(pointer.text()).substr(1);
    simdjson::dom::object object;
    if (name.find_first_of("/~") != std::string_view::npos || root.get(object) != simdjson::SUCCESS) return;
    const auto times =
        std::count_if(object.begin(), object.end(), [&](const auto& member) { return member.key == name; });
    require(pointer.is_ambiguous(text) == (times > 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t line = std::min(input.find('\n'), size);
    const std::string_view text = input.substr(std::min(line + 1, size));
    const auto pointer = json::Pointer::parse(input.substr(0, line));

    check_strings(text);
    const auto first = json::first_value(text);
    if (first) require(inside(*first, text) && !first->empty());
    const auto second = json::element(text, 1);
    if (second) require(inside(*second, text));
    if (pointer) {
        const auto found = pointer->find(text);
        if (found) require(inside(*found, text));
        static_cast<void>(pointer->is_ambiguous(text));
    }

    const bool ours = !json::validate(text);
    if (ours) {
        require(first.has_value());
        require(json::validate(*first) == boost::system::error_code{});
        // Nothing but white space may be cut off without breaking it.
        if (text.back() == ']' || text.back() == '}' || text.back() == '"')
            require(json::validate(text.substr(0, size_t(text.size() - 1))).failed());
    }
    if (!websocket::is_utf8(text)) return 0;  // simdjson minds, we look elsewhere
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    const auto error = parser.parse(simdjson::padded_string(text)).get(root);
    if (ours && error) require(is_wanted_difference(error, text));
    if (!ours && !error) require(json::validate(text) == errc::json_too_deep);
    if (ours && !error && pointer) {
        check_pointer(text, root, *pointer);
        if (!pointer->text().empty()) check_ambiguity(text, root, *pointer);
    }
    return 0;
}
