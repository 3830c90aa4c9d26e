// The sids in what both sides say, when a client keeps the one it knows over a restart
// (resume.upstream.sid_alias).
#include "proxy/session/conversation.h"
#include "proxy/wire/json/scan.h"

namespace forestay::session {

using wire::socketio::Packet;

void Conversation::to_upstream(std::string_view text, std::string_view raw) {
    if (!actions_.aliases().empty()) {
        std::string& exchanged = actions_.made();
        if (actions_.aliases().for_upstream(exchanged, text)) return upstream_.send(exchanged);
    }
    upstream_.send(text, raw);
}

std::string_view Conversation::with_known_sids(std::string_view text) {
    if (actions_.aliases().empty()) return text;
    std::string& exchanged = actions_.made();
    return actions_.aliases().for_client(exchanged, text) ? std::string_view(exchanged) : text;
}

void Conversation::alias(std::string_view known, std::string_view current) {
    if (known.empty()) return;
    actions_.aliases().set(known, current);
    std::string& kept = actions_.made();
    kept += known;
    kept += current;
    const std::string_view both = kept;
    actions_.push(action::AliasSid{both.substr(0, known.size()), both.substr(known.size())});
}

void Conversation::take_sid(Namespace& nsp, const Packet& reply, bool told) {
    const auto literal = wire::json::member(reply.payload, "sid");
    const auto sid = literal ? wire::json::unescape(*literal) : std::nullopt;
    if (!sid) return;
    if (!told && !nsp.sid.empty()) {
        nsp.app_sid = *sid;
        return alias(nsp.sid, nsp.app_sid);
    }
    if (!nsp.sid.empty()) alias(nsp.sid, {});
    nsp.sid = *sid;
    nsp.app_sid.clear();
}

void Conversation::tell_aliases() {
    for (const Namespace& nsp : namespaces_) {
        if (!nsp.app_sid.empty()) alias(nsp.sid, nsp.app_sid);
    }
}

}  // namespace forestay::session
