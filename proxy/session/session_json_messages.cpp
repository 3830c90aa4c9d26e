// What is said on a JSON websocket: which messages are between client and app, which are for us, and what we
// say ourselves.
//
//   client's text ── envelope ── no JSON object: error ── ping, heartbeat's response ── rules ── to the app
//   app's message ── NaN ── rules ──┬── numbered and recorded, with an envelope ── to the client
//                        fallbacks ─┘
//
// Where nothing of this is configured or needed, frames go through as they came. Whatever is changed or
// answered came as a whole, and goes out as a whole: never a word between the frames of a message.
#include "proxy/session/envelope.h"
#include "proxy/session/session_state.h"
#include "proxy/wire/websocket/close.h"

namespace forestay::session {

using wire::websocket::CloseCode;
using wire::websocket::Message;
using wire::websocket::Opcode;

namespace {

// Why it is no JSON object; empty: it is one.
std::string_view not_an_object(std::string_view text, std::size_t depth) {
    const auto fault = wire::json::validate(text, depth);
    if (fault == wire::errc::json_too_deep) return "nested too deep";
    if (fault) return "not JSON";
    return text[text.find_first_not_of(" \t\r\n")] == '{' ? std::string_view() : "not an object";
}

void count(Traffic& traffic, std::string_view payload) {
    ++traffic.messages;
    traffic.bytes += payload.size();
}

}  // namespace

void Session::State::json_client_message(const Message& message, TimePoint now) {
    if (closing == CloseSide::client) return;
    json->heard(now);
    if (message.opcode == Opcode::close) return json_client_close(message, now);
    if (is_control(message.opcode)) {
        if (!client.control_frame_allowed(now)) {
            return end(too_many_control_frames);
        }
        if (!policy.resume_client.envelope) return plain_to_upstream(message);
        if (message.opcode == Opcode::ping)
            client.write_frame(Opcode::pong, message.payload);
        else
            json->pong_due = never;
        return;
    }
    const JsonWebsocket& shape = json->websocket;
    if (message.opcode == Opcode::binary && !shape.binary) {
        return end(
            {CloseSide::client, CloseReason::protocol_violation, CloseCode::unsupported_data, "text only"});
    }
    if (policy.resume_client.envelope && json_envelope(message)) return;
    const bool looks = shape.objects_only || !shape.ping.empty() || !shape.heartbeat_response.empty() ||
                       policy.rules.any(true) || !policy.expiry.refresh_event.empty();
    if (message.opcode == Opcode::text && looks)
        json_client_text(message, now);
    else
        plain_to_upstream(message);
}

// True: it was for us.
bool Session::State::json_envelope(const Message& message) {
    EnvelopeMessage said;
    if (message.opcode == Opcode::text) said = read_envelope(policy.resume_client.names, message.payload);
    if (json->first_due != never) {
        if (const auto* asked = std::get_if<ReconnectRequest>(&said)) {
            json->position = asked->last;
            finding = true;
            std::string& secret = actions.made();
            secret = asked->session;
            actions.push(action::FindSession{secret});
            return true;
        }
        json_begin();
    }
    const auto* ack = std::get_if<Acknowledgement>(&said);
    if (ack == nullptr) return false;
    if (ack->number > json->record.last())
        stats.count(Drop::unknown_ack);
    else
        json->record.acknowledge(ack->number);
    return true;
}

void Session::State::json_client_text(const Message& message, TimePoint now) {
    const JsonWebsocket& shape = json->websocket;
    std::string_view fault = not_an_object(message.payload, policy.limits.json_depth);
    // Of two, we take the first and python the last: no rule is passed by so.
    if (fault.empty() && shape.objects_only && shape.type.is_ambiguous(message.payload)) fault = "two types";
    if (!fault.empty()) {
        if (!shape.objects_only) return plain_to_upstream(message);
        count(stats.from_client, message.payload);
        return json_refuse(rules::Code::protocol_json, {}, fault);
    }
    std::string scratch;
    const rules::Message said = rules::json_message(message.payload, shape.type, scratch);
    if (!said.name.empty() && said.name == shape.heartbeat_response)
        return count(stats.from_client, message.payload);
    if (!said.name.empty() && said.name == shape.ping) {
        count(stats.from_client, message.payload);
        rules::TemplateValues values;
        values.id = "null";
        values.event = said.name;
        values.request = said.body;
        std::string& pong = actions.made();
        shape.pong.render(pong, values);
        return json_write(pong);
    }
    if (!said.name.empty() && said.name == policy.expiry.refresh_event) {
        count(stats.from_client, message.payload);
        return json_renewal(message.payload);
    }
    if (closing || !policy.rules.any(true)) return plain_to_upstream(message);
    const RequestDesk::Intake taken =
        json->desk.take({said, 0, std::nullopt, message.payload, 0}, json_peer(), now);
    switch (taken.verdict) {
        case RequestDesk::Verdict::untracked:
            return plain_to_upstream(message);
        case RequestDesk::Verdict::forward:
            plain_to_upstream(message);
            return json->desk.sent(*taken.slot, now);
        case RequestDesk::Verdict::keep:
        case RequestDesk::Verdict::done:
            return count(stats.from_client, message.payload);
        case RequestDesk::Verdict::invalid:
            count(stats.from_client, message.payload);
            return json_refuse(rules::Code::protocol_schema, said, taken.problem);
    }
}

// What the client has said goes nowhere, and it is told why.
void Session::State::json_refuse(rules::Code code, const rules::Message& said, std::string_view detail) {
    rules::TemplateValues values;
    values.id = "null";
    values.event = said.name;
    values.code = code;
    values.attempt = 0;
    values.request = said.body;
    values.detail = detail;
    if (const auto index = said.body.empty() ? std::nullopt : policy.rules.match(said, json_peer())) {
        const rules::Rule& rule = policy.rules.rules()[*index];
        values.rule = rule.name;
        if (rule.id_source == rules::IdSource::pointer)
            values.id = rules::id_text(rule.id, said.body).value_or(values.id);
    }
    std::string& error = actions.made();
    json->websocket.error.render(error, values);
    json_say(error);
}

void Session::State::json_upstream_message(const Message& message, TimePoint now) {
    if (closing == CloseSide::upstream) return;
    if (message.opcode == Opcode::close) return json_upstream_close(message, now);
    if (!is_control(message.opcode)) {
        count(stats.from_upstream, message.payload);
        std::string finite;
        if (message.opcode != Opcode::text || !policy.shields.nan ||
            !wire::json::write_finite(finite, message.payload) ||
            wire::json::validate(finite, policy.limits.json_depth)) {  // any other text stays as it is
            return json_data_to_client(message, now);
        }
        actions.shield(stats, Shield::nan);
        std::string& repaired = actions.made();
        repaired = std::move(finite);
        json_data_to_client({Opcode::text, repaired, {}}, now);
    } else if (!policy.resume_client.envelope) {
        json_to_client(message);
    } else if (message.opcode == Opcode::ping) {  // the client may be away, and answers ours
        upstream.write_frame(Opcode::pong, message.payload);
    }
}

void Session::State::json_data_to_client(const Message& message, TimePoint now) {
    if (message.opcode != Opcode::text || !policy.rules.any(true) || !json_hears(message, now))
        json_to_client(message);
}

// True: it belongs to a request, and what is to be done with it is done.
bool Session::State::json_hears(const Message& message, TimePoint now) {
    std::string scratch;
    const rules::Message said = rules::json_message(message.payload, json->websocket.type, scratch);
    if (policy.rules.hearing(said).empty() || wire::json::validate(message.payload, policy.limits.json_depth))
        return false;
    const RequestDesk::Hearing heard = json->desk.hear(said, 0, now);
    switch (heard.what) {
        case RequestDesk::Heard::nothing:
            return false;
        case RequestDesk::Heard::progress:
            if (!heard.deliver) stats.count(Drop::late_answer);
            return !heard.deliver;
        case RequestDesk::Heard::answer:
            if (heard.deliver) json_to_client(message);
            json->desk.answered(heard.slot, message.payload, {}, now);
            return true;
        case RequestDesk::Heard::late:
            break;
    }
    if (heard.deliver && heard.rename != nullptr) {
        const auto type = json->websocket.type.find(message.payload).value_or(std::string_view());
        const auto begin = static_cast<std::size_t>(type.data() - message.payload.data());
        std::string& renamed = actions.made();
        renamed = message.payload.substr(0, begin);
        renamed += '"';
        wire::json::append_escaped(renamed, *heard.rename);
        renamed += '"';
        renamed += message.payload.substr(begin + type.size());
        json_to_client({Opcode::text, renamed, {}});
    } else if (heard.deliver) {
        json_to_client(message);
    } else {
        stats.count(Drop::late_answer);
    }
    json->desk.late_answered(heard.slot, message.payload, 0, now);
    return true;
}

// What the desk wants said, to either side. At the end of each input.
void Session::State::json_do_requests(TimePoint now) {
    if (json->desk.quiet(now)) return;
    while (const auto message = json->desk.next_send(now)) {
        count(stats.to_upstream, message->text);
        upstream.write_frame(Opcode::text, message->text);
        json->desk.sent(*message->request, now);
    }
    while (const auto say = json->desk.next_say(now)) {
        // A place in line is news of the moment.
        const bool missed = say->what == RequestDesk::Say::What::status && !client.websocket_open();
        if (!missed) json_say(say->text);
    }
}

void Session::State::json_upstream_close(const Message& message, TimePoint now) {
    if (client.websocket_open()) {
        if (json->first_due != never) json_begin();
        json->desk.give_up_all(rules::Code::connection_lost, now);
        json_do_requests(now);
        if (over) return;
        return plain_close(CloseSide::upstream, message, now);
    }
    if (!wire::websocket::parse_close(message.payload))
        return fail_upstream(CloseCode::protocol_error, "bad close");
    end({CloseSide::upstream, CloseReason::goodbye, CloseCode::normal, {}});
}

// A message of the app, or of ours: to the client, and into the record while there is one.
void Session::State::json_to_client(const Message& message) {
    std::string payload;
    Numbering numbering = Numbering::no_object;
    if (json->numbering && message.opcode == Opcode::text)
        numbering = write_numbered(payload, policy.resume_client.names, message.payload, json->record.next());
    if (numbering == Numbering::name_taken) json_stop_numbering();
    if (over) return;
    if (!is_control(message.opcode)) count(stats.to_client, message.payload);
    if (numbering != Numbering::written && json->numbering) payload = message.payload;
    // Only an absent client may miss something.
    if (json->first_due != never && !json->record.has_room(payload.size())) json_begin();
    if (client.websocket_open() && json->first_due == never) {
        if (numbering == Numbering::written)
            client.write_frame(Opcode::text, payload);
        else if (!message.raw.empty())
            actions.send_client(message.raw);
        else
            client.write_frame(message.opcode, message.payload);
    }
    if (!json->numbering) return;
    const bool text = message.opcode == Opcode::text;
    const std::size_t dropped = json->record.add(text, numbering == Numbering::written, std::move(payload));
    if (client.websocket_open()) return;
    for (std::size_t i = 0; i < dropped; ++i) stats.count(Drop::record_overflow);
}

// A client would take the app's value for a position and miss messages: better no recovery than a wrong one.
void Session::State::json_stop_numbering() {
    actions.report(stats, ReportKind::envelope_name_taken);
    if (!client.websocket_open()) {
        return end({CloseSide::client, CloseReason::connection_lost, CloseCode::going_away, {}});
    }
    if (json->first_due != never) json_begin();
    json->numbering = false;
    json->record.clear();
}

// Words of ours that the client must not miss.
void Session::State::json_say(std::string_view text) {
    if (closing) return;  // a close frame is under way: nothing follows it
    if (client.is_blocked()) json->unread += text.size();
    json_to_client({Opcode::text, text, {}});
}

// Those of the moment: neither numbered nor kept.
void Session::State::json_write(std::string_view text) {
    if (closing || !client.websocket_open()) return;
    if (client.is_blocked()) json->unread += text.size();
    count(stats.to_client, text);
    client.write_frame(Opcode::text, text);
}

}  // namespace forestay::session
