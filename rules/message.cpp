#include "rules/message.h"

namespace forestay::rules {

namespace socketio = wire::socketio;

Message socketio_message(const socketio::Packet& event, std::string& scratch) {
    Message message;
    message.name = event.event;
    if (event.event_escaped) {
        scratch = socketio::event_name(event);
        message.name = scratch;
    }
    message.body = socketio::from_argument(event, 0).value_or(std::string_view());
    message.nsp = event.nsp.substr(0, event.nsp.find('?'));
    message.ack = event.id.has_value();
    return message;
}

Message json_message(std::string_view text, const wire::json::Pointer& type, std::string& scratch) {
    Message message;
    message.json = true;
    message.body = text;
    const auto found = type.find(text);
    if (!found || !found->starts_with('"')) return message;
    if (found->find('\\') == std::string_view::npos) {
        message.name = found->substr(1, found->size() - 2);
    } else if (auto unescaped = wire::json::unescape(*found)) {
        scratch = std::move(*unescaped);
        message.name = scratch;
    }
    return message;
}

}  // namespace forestay::rules
