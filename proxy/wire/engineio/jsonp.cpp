#include "proxy/wire/engineio/jsonp.h"

#include "proxy/wire/engineio/query.h"
#include "proxy/wire/json/scan.h"

namespace forestay::wire::engineio {

std::string jsonp_answer(std::uint32_t index, std::string_view payload) {
    std::string out = "___eio[" + std::to_string(index) + "](\"";
    json::append_escaped(out, payload, true);
    return out + "\");";
}

std::optional<std::string> payload_of_form(std::string_view form) {
    const auto field = find_query_value(form, "d");
    if (!field) return std::nullopt;
    std::string_view rest = *field;
    std::string payload;
    payload.reserve(rest.size());
    while (!rest.empty()) {
        if (rest.starts_with("\\\\n")) {
            payload += "\\n";
            rest.remove_prefix(3);
        } else if (rest.starts_with("\\n")) {
            payload += '\n';
            rest.remove_prefix(2);
        } else {
            payload += rest.front();
            rest.remove_prefix(1);
        }
    }
    return payload;
}

}  // namespace forestay::wire::engineio
