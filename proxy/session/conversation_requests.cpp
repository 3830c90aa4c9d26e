// What the desk has for the app and for the client, in the words of Socket.IO.
#include <utility>

#include "proxy/session/conversation.h"
#include "proxy/session/grammar.h"

namespace forestay::session {

MaybeEnding Conversation::serve_all(TimePoint now) {
    const auto may_say = [this](std::uint32_t serial) {
        const Namespace* nsp = find(serial);
        return nsp != nullptr && nsp->joined;  // before the CONNECT reply nothing may be injected
    };
    while (const auto next = desk_.next_say(now, may_say)) {
        if (next->what == RequestDesk::Say::What::fallback && next->slot) forget_held(*next->slot);
        if (auto ending = say(*next)) return ending;
    }
    // Not into the middle of what the client says piece by piece.
    if (client_binary_ && !client_binary_->drop && !client_binary_->whole) return std::nullopt;
    while (auto message = desk_.next_send(now)) send(std::move(*message), now);
    return std::nullopt;
}

void Conversation::send(HeldMessage message, TimePoint now) {
    Namespace* nsp = find(message.nsp);
    if (nsp == nullptr) return;
    if (nsp->attached && !held_.has(nsp->serial)) return say_held(*nsp, message, now);
    held_.add(std::move(message));
    drop_overdue(now);
}

MaybeEnding Conversation::say(const RequestDesk::Say& say) {
    const Namespace* nsp = find(say.nsp);
    if (nsp == nullptr) return std::nullopt;
    std::string& text = actions_.made();
    switch (say.what) {
        case RequestDesk::Say::What::fallback:
        case RequestDesk::Say::What::status:
            if (!say.words->event.empty())
                wire::socketio::write_event(text, nsp->name, say.words->event, say.text);
            else if (say.ack)
                wire::socketio::write_ack(text, nsp->name, *say.ack, say.text);
            else
                return std::nullopt;
            break;
        case RequestDesk::Say::What::again: {
            const auto packet = wire::socketio::scan_server_packet(say.text, grammar(policy_));
            if (packet && wire::socketio::is_ack(packet->type))
                wire::socketio::write_with_id(text, *packet, say.ack);
            else
                text = say.text;
            break;
        }
    }
    return unit_to_client(nsp->name, text, {}, say.attachments);
}

void Conversation::give_up_all(rules::Code why, TimePoint now) {
    desk_.give_up_all(why, now);
    static_cast<void>(serve(now));  // whatever comes of it, the session ends
}

}  // namespace forestay::session
