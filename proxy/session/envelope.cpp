#include "proxy/session/envelope.h"

#include <charconv>

#include "proxy/wire/json/scan.h"

namespace forestay::session {
namespace {

namespace json = wire::json;

constexpr std::size_t max_session_name = 64;

bool spells(std::optional<std::string_view> literal, std::string_view word) {
    // The words need no escapes, and nobody has a reason to write them with any.
    return literal && literal->size() == word.size() + 2 && literal->front() == '"' &&
           literal->substr(1, word.size()) == word;
}

std::optional<std::uint64_t> read_number(std::optional<std::string_view> literal) {
    if (!literal || literal->size() > 16) return std::nullopt;  // 2^53 has 16 digits
    std::uint64_t number = 0;
    const char* end = literal->data() + literal->size();
    const auto [behind, fault] = std::from_chars(literal->data(), end, number);
    if (fault != std::errc() || behind != end) return std::nullopt;
    return number;
}

void append_name(std::string& out, std::string_view name) {
    out += '"';
    out += name;
    out += '"';
}

}  // namespace

// Only a message that is ours in every part is ours: anything else may be a word of the app's own.
EnvelopeMessage read_envelope(const EnvelopeNames& names, std::string_view text) {
    const auto type = json::member(text, names.type);
    const bool ack = spells(type, names.ack);
    if (!ack && !spells(type, names.reconnect)) return {};
    if (json::validate(text)) return {};
    const auto number = json::member(text, ack ? names.message_id : names.last_message_id);
    const auto value = read_number(number);
    if (ack) return value ? EnvelopeMessage(Acknowledgement{*value}) : EnvelopeMessage();
    const auto session = json::member(text, names.session);
    if (!session || session->size() < 3 || session->size() > max_session_name + 2 ||
        session->front() != '"' || session->find('\\') != std::string_view::npos)
        return {};
    // A client that has seen nothing may leave the number out.
    if (number && !value) return {};
    return ReconnectRequest{session->substr(1, session->size() - 2), value.value_or(0)};
}

Numbering write_numbered(std::string& out, const EnvelopeNames& names, std::string_view text,
                         std::uint64_t number) {
    const std::size_t brace = text.find_first_not_of(" \t\r\n");
    if (brace == std::string_view::npos || text[brace] != '{' || json::validate(text))
        return Numbering::no_object;
    if (json::member(text, names.message_id)) return Numbering::name_taken;
    out.reserve(out.size() + text.size() + names.message_id.size() + 24);
    out += text.substr(0, brace + 1);
    append_name(out, names.message_id);
    out += ':';
    out += std::to_string(number);
    const std::string_view rest = text.substr(brace + 1);
    if (rest[rest.find_first_not_of(" \t\r\n")] != '}') out += ',';
    out += rest;
    return Numbering::written;
}

void write_established(std::string& out, const EnvelopeNames& names, std::string_view session,
                       std::optional<bool> resumed) {
    out += '{';
    append_name(out, names.type);
    out += ':';
    append_name(out, names.established);
    out += ',';
    append_name(out, names.session);
    out += ':';
    append_name(out, session);
    if (resumed) out += *resumed ? R"(,"resumed":true)" : R"(,"resumed":false)";
    out += '}';
}

}  // namespace forestay::session
