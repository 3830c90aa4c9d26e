// The table of keys. Order is the order of the reference.
#include <array>

#include "config/schema.h"

namespace forestay::config {
namespace {

using namespace traits;

// clang-format off
constexpr std::array table{
Key{"listen", Type::address, required | list, "", "", "", "Where clients connect. Port 0 takes any free one."},
Key{"upstream", Type::section, required, "", "", "", "The app. A URL alone stands for `url`."},
Key{"upstream.url", Type::url, required, "", "", "", "Where the app listens. A path prefix is put in front of every request's path."},
Key{"upstream.transport", Type::choice, 0, "auto", "auto|websocket|polling", "auto|websocket", "How a Socket.IO session reaches the app."},
Key{"upstream.connect_timeout", Type::duration, 0, "2s", "10ms..5m", "", "Until the app has taken a connection."},
Key{"upstream.handshake_timeout", Type::duration, 0, "10s", "10ms..5m", "", "Until the app has answered a websocket or Engine.IO handshake."},
Key{"upstream.response_timeout", Type::duration, 0, "60s", "10ms..24h", "", "Until the first byte of the app's HTTP response."},
Key{"upstream.keepalive_idle", Type::duration, 0, "1s", "0s..10m", "", "How long an unused connection to the app is kept. Shorter than the app's own time."},
Key{"upstream.stall", Type::duration, 0, "5m", "1s..24h", "", "How long an app that is silent, but whose connection is open, counts as stalled and not as lost."},
Key{"upstream.preserve_host", Type::boolean, 0, "true", "", "", "The app sees the Host that the client sent; false: its own."},

Key{"socketio", Type::section, 0, "", "", "", "Socket.IO endpoints."},
Key{"socketio.paths", Type::path, list, "[/socket.io/]", "", "", "Paths at which the app speaks Engine.IO. forestay terminates it there."},

Key{"websockets", Type::section, list, "[]", "", "", "Plain websockets, without Engine.IO. Those on paths that are not named here pass through as they are."},
Key{"websockets[].path", Type::path, required, "", "", "", "Where it is."},
Key{"websockets[].format", Type::choice, required, "", "json|opaque", "opaque", "What its messages are: `json` lets the rules read them."},

Key{"cors", Type::section, 0, "", "", "", "Which web pages may talk to the app through forestay."},
Key{"cors.allowed_origins", Type::text, list, "[same-origin]", "", "", "Origins: `same-origin`, `https://app.example`, `https://*.example.com` (one label), `http://localhost:*`, `\"*\"`, or a map with `regex`."},
Key{"cors.allowed_origins[].regex", Type::text, required, "", "", "", "RE2; must match the whole origin."},
Key{"cors.allow_missing_origin", Type::choice, 0, "auto", "auto|always|never", "", "Requests without Origin. `auto`: fine when no cookie comes with them, or for a polling GET."},
Key{"cors.allow_credentials", Type::boolean, 0, "true", "", "", "Pages may send cookies along."},
Key{"cors.allowed_headers", Type::header, list, "[authorization, content-type]", "", "", "Request headers that a page of another origin may set."},
Key{"cors.dev", Type::boolean, 0, "false", "", "", "Adds every port of localhost, 127.0.0.1 and [::1] to the allowed origins. For development."},

Key{"auth", Type::section, 0, "", "", "", "Who may talk to the app."},
Key{"auth.protect", Type::path, list, "[]", "", "", "Path prefixes that need a credential. Empty: none does."},
Key{"auth.any_of", Type::section, list | one_of, "[]", "", "", "Ways to prove who one is. The first that yields an identity wins; none: refused. Each element has one of the keys below."},
Key{"auth.any_of[].flask_session", Type::section, optional, "", "", "", "The session cookie of a Flask app."},
Key{"auth.any_of[].flask_session.secret_key", Type::text, list | secret, "", "", "", "The app's SECRET_KEY, the newest first; all are tried. Prefer `secret_key_file`."},
Key{"auth.any_of[].flask_session.secret_key_file", Type::file, list, "", "", "", "The same, one file for each key."},
Key{"auth.any_of[].flask_session.identity", Type::text, 0, "/_user_id", "", "", "JSON Pointer to the user in the session. The default is that of Flask-Login."},
Key{"auth.any_of[].flask_session.max_age", Type::duration, 0, "31d", "1s..3650d", "", "The app's PERMANENT_SESSION_LIFETIME."},
Key{"auth.any_of[].flask_session.clock_skew", Type::duration, 0, "5s", "0s..10m", "", "How far in the future a cookie's time may be."},
Key{"auth.any_of[].starlette_session", Type::section, optional | later, "", "", "", "The session cookie of a Starlette or FastAPI app."},
Key{"auth.any_of[].starlette_session.secret_key_file", Type::file, list | later, "", "", "", "The app's secret key."},
Key{"auth.any_of[].starlette_session.identity", Type::text, later, "/user", "", "", "JSON Pointer to the user in the session."},
Key{"auth.any_of[].jwt", Type::section, optional, "", "", "", "A signed token (RFC 7519)."},
Key{"auth.any_of[].jwt.algorithms", Type::choice, required | list, "", "HS256|HS384|HS512|RS256|ES256", "", "What may have signed it. Either HS*, or RS256 and ES256."},
Key{"auth.any_of[].jwt.secret", Type::text, secret, "", "", "", "For HS*: the key, at least 32 bytes. Prefer `secret_file`."},
Key{"auth.any_of[].jwt.secret_file", Type::file, 0, "", "", "", "The same, in a file. One newline at its end is not part of it."},
Key{"auth.any_of[].jwt.jwks_file", Type::file, 0, "", "", "", "For RS256 and ES256: the public keys as a JWK set (RFC 7517)."},
Key{"auth.any_of[].jwt.jwks_url", Type::text, later, "", "", "", "The same, fetched and kept."},
Key{"auth.any_of[].jwt.public_key_file", Type::file, 0, "", "", "", "For RS256 or ES256: one public key as PEM."},
Key{"auth.any_of[].jwt.issuer", Type::text, 0, "", "", "", "The `iss` that must be in the token. Without: not looked at."},
Key{"auth.any_of[].jwt.audience", Type::text, list, "[]", "", "", "One of these must be the token's `aud`. Empty: not looked at."},
Key{"auth.any_of[].jwt.leeway", Type::duration, 0, "30s", "0s..10m", "", "How far the issuer's clock may be off."},
Key{"auth.any_of[].jwt.identity", Type::text, 0, "/sub", "", "", "JSON Pointer to the user in the token."},
Key{"auth.any_of[].token", Type::section, optional, "", "", "", "A fixed token, as for a machine."},
Key{"auth.any_of[].token.sha256", Type::text, list | secret, "", "", "", "SHA-256 of each token, in hex: what `printf %s TOKEN` piped into `sha256sum` prints."},
Key{"auth.any_of[].token.sha256_file", Type::file, 0, "", "", "", "The same, one in a line; empty lines and those that begin with # do not count."},
Key{"auth.any_of[].token.subject", Type::text, 0, "token", "", "", "The identity that it gives."},
Key{"auth.any_of[].forward", Type::section, optional | later, "", "", "", "Asks another service."},
Key{"auth.any_of[].forward.url", Type::text, later, "", "", "", "Whom to ask."},
Key{"auth.any_of[].forward.timeout", Type::duration, later, "1s", "10ms..1m", "", "Until its answer."},
Key{"auth.any_of[].forward.copy_headers", Type::header, list | later, "", "", "", "Headers of its answer that the app gets."},
Key{"auth.any_of[].forward.recheck", Type::duration, later, "5m", "1s..24h", "", "How often a live session is asked for again."},
Key{"auth.from", Type::section, 0, "", "", "", "Where a credential may be. Two different ones in one request: refused."},
Key{"auth.from.header", Type::header, list, "[authorization]", "", "", "Headers: `Bearer TOKEN`, or the token alone."},
Key{"auth.from.query", Type::text, list, "[]", "", "", "Query parameters. They end up in logs and histories: the app and everything in front of it sees them."},
Key{"auth.from.cookie", Type::text, list, "[session]", "", "", "Cookies."},
Key{"auth.from.protocol", Type::text, list, "[]", "", "", "Markers in Sec-WebSocket-Protocol: with `bearer` the credential is what follows it."},
Key{"auth.from.connect", Type::text, list, "[]", "", "", "Fields of the Socket.IO CONNECT payload, which stock clients fill from `auth`."},
Key{"auth.refuse_with", Type::choice, 0, "connect_error", "connect_error|http", "", "How a Socket.IO client is refused. Stock clients stop after `connect_error` and try again after `http`."},
Key{"auth.on_expiry", Type::choice, 0, "close", "close|warn|ignore", "close", "What happens to a live session when its credential ends."},
Key{"auth.identity_headers", Type::section, 0, "{}", "", "", "Headers that tell the app who it is, each with a claim (`sub`, or a JSON Pointer). What a client sends under these names is removed first."},
Key{"auth.identity_headers.*", Type::text, 0, "", "", "", "The claim."},

Key{"include", Type::file, list, "", "", "", "Files that are read first, in order; this one goes over them. Maps are merged; of `requests`, this file's rules come first; other lists are replaced."},

Key{"requests", Type::section, list, "[]", "", "", "Rules: which events are requests, and what happens when no answer comes. The first that matches wins; an event that none matches is forwarded and not tracked."},
Key{"requests[].name", Type::text, required, "", "", "", "Its name in logs and metrics: a-z, 0-9 and _, beginning with a letter, at most 64."},
Key{"requests[].match", Type::section, required, "", "", "", "Which events."},
Key{"requests[].match.event", Type::text, required, "", "", "", "The event's name; `\"*\"` is any."},
Key{"requests[].match.namespace", Type::text, 0, "", "", "", "Only in this Socket.IO namespace."},
Key{"requests[].match.ack", Type::boolean, 0, "", "", "", "Only with (true) or without (false) an acknowledgement asked for."},
Key{"requests[].match.where", Type::section, 0, "", "", "", "JSON Pointers into the first argument, each with the value that must be there. All must hold."},
Key{"requests[].match.where.*", Type::json_scalar, 0, "", "", "", "The value. `1` and `\"1\"` differ."},
Key{"requests[].id", Type::text, 0, "ack", "", "", "Where the request's id is: a JSON Pointer into the first argument; `ack`: the Socket.IO ack id; `order`: there is none, answers come in the order of the requests."},
Key{"requests[].answer", Type::section, optional, "", "", "", "What the app's answer looks like. Not with `id: ack`: there it is the ack."},
Key{"requests[].answer.event", Type::text, required | list, "", "", "", "Its event name."},
Key{"requests[].answer.id", Type::text, 0, "", "", "", "JSON Pointer to the request's id in it. Default: where the request has it."},
Key{"requests[].progress", Type::section, optional | later, "", "", "", "Events that show that the app is at work."},
Key{"requests[].progress.event", Type::text, list | later, "", "", "", "Its event name."},
Key{"requests[].progress.id", Type::text, later, "", "", "", "JSON Pointer to the request's id in it."},
Key{"requests[].timeout", Type::duration, required, "", "10ms..24h", "", "From the request's receipt to its answer. Then the client gets the fallback."},
Key{"requests[].idle_timeout", Type::duration, later, "", "10ms..24h", "", "From one sign of progress to the next."},
Key{"requests[].fallback", Type::section, required, "", "", "", "What the client gets at the deadline: an event, or with `id: ack` the ack. Placeholders: `\"{{id}}\"`, `\"{{event}}\"`, `\"{{rule}}\"`, `\"{{elapsed_ms}}\"`."},
Key{"requests[].fallback.event", Type::text, 0, "", "", "", "The event's name."},
Key{"requests[].fallback.data", Type::json, 0, "", "", "", "Its argument."},
Key{"requests[].fallback.ack", Type::json, 0, "", "", "", "Instead of an event: the list of the ack's values."},
Key{"requests[].late_answer", Type::choice, 0, "drop", "drop|deliver", "", "The app's answer after the fallback: forgotten and counted, delivered as it is, or under another name (a map with `rename`)."},
Key{"requests[].late_answer.rename", Type::text, required, "", "", "", "That name."},
Key{"requests[].retry", Type::section, optional | later, "", "", "", "Sends the request again. Only where repeating is safe."},
Key{"requests[].retry.on", Type::choice, list | later, "", "upstream_lost", "", "When."},
Key{"requests[].retry.attempts", Type::integer, later, "1", "1..10", "", "How often."},
Key{"requests[].repeat", Type::section, optional | later, "", "", "", "The same id again is not forwarded; the answer is given again."},
Key{"requests[].repeat.window", Type::duration, later, "10m", "1s..24h", "", "For how long."},
Key{"requests[].concurrency", Type::integer, later, "", "1..10000", "", "How many at once, over all sessions; more wait in line."},
Key{"requests[].queue", Type::section, optional | later, "", "", "", "That line."},
Key{"requests[].queue.max", Type::integer, later, "100", "1..100000", "", "How many may wait."},
Key{"requests[].queue.timeout", Type::duration, later, "30s", "10ms..1h", "", "For how long."},
Key{"requests[].breaker", Type::section, optional | later, "", "", "", "Stops asking an app that does not answer."},
Key{"requests[].breaker.failures", Type::integer, later, "5", "1..1000", "", "After this many in a row."},
Key{"requests[].breaker.open", Type::duration, later, "30s", "1s..1h", "", "For how long."},

Key{"heartbeat", Type::section, 0, "", "", "", "Engine.IO heartbeats between forestay and its clients."},
Key{"heartbeat.ping_interval", Type::duration, 0, "25s", "1s..10m", "", "From one ping to the next."},
Key{"heartbeat.ping_timeout", Type::duration, 0, "20s", "1s..10m", "", "Until a client that does not answer one counts as lost."},

Key{"resume", Type::section, later, "", "", "", "Sessions that outlive their sockets."},
Key{"resume.upstream", Type::section, later, "", "", "", "When the app restarts."},
Key{"resume.upstream.hold", Type::duration, later, "30s", "1s..1h", "", "How long clients are kept meanwhile."},
Key{"resume.upstream.on_return", Type::choice, later, "reannounce", "reannounce|rebuild|close", "", "What happens when it is back."},
Key{"resume.upstream.rebuild", Type::text, list | later, "[]", "", "", "Events that are said again to the fresh app."},
Key{"resume.upstream.rate", Type::rate, later, "100/s", "", "", "How many sessions come back at a time."},
Key{"resume.client", Type::section, later, "", "", "", "When a client's network blinks."},
Key{"resume.client.recovery", Type::choice, later, "off", "off|marker|append|envelope", "", "How a client knows its position."},
Key{"resume.client.hold", Type::duration, later, "2m", "1s..1h", "", "How long its messages are kept."},
Key{"resume.client.max_bytes", Type::size, later, "1MiB", "1KiB..1GiB", "", "How many bytes of them."},
Key{"resume.client.max_messages", Type::integer, later, "1000", "1..1000000", "", "How many of them."},

Key{"limits", Type::section, 0, "", "", "", "Bounds. What happens at each is counted."},
Key{"limits.max_connections", Type::integer, 0, "auto", "1..1000000", "", "Clients at once; `auto`: half of what the open file limit allows, at most 10000. More get 503."},
Key{"limits.per_ip", Type::integer, 0, "off", "", "off", "Clients at once from one address."},
Key{"limits.connect_rate", Type::rate, 0, "off", "", "off", "New clients from one address."},
Key{"limits.message_rate", Type::rate, 0, "off", "", "off", "Messages of one client."},
Key{"limits.max_message", Type::size, 0, "1MiB", "1KiB..256MiB", "", "One websocket message or Socket.IO packet with its attachments, of either side."},
Key{"limits.max_body", Type::size, 0, "64MiB", "1KiB..1024GiB", "", "The body of an HTTP request."},
Key{"limits.max_header", Type::size, 0, "16KiB", "1KiB..60KiB", "", "The head of an HTTP request or response."},
Key{"limits.header_timeout", Type::duration, 0, "10s", "100ms..5m", "", "Until a client has sent the head of its request."},
Key{"limits.outbox", Type::size, 0, "1MiB", "1KiB..1GiB", "", "What waits for a client that does not read. More: it is closed."},
Key{"limits.slow_client_timeout", Type::duration, 0, "30s", "1s..1h", "", "How long a client may read nothing while something waits for it."},

Key{"trusted_proxies", Type::network, list, "[]", "", "", "Networks of the proxies in front, whose X-Forwarded-For, -Proto and -Host are believed."},

Key{"tls", Type::section, later, "", "", "", "TLS towards clients."},
Key{"tls.cert_file", Type::file, later, "", "", "", "The certificate chain as PEM."},
Key{"tls.key_file", Type::file, later, "", "", "", "Its private key."},
Key{"tls.min_version", Type::choice, later, "\"1.2\"", "1.2|1.3", "", "The oldest version that is spoken."},
Key{"tls.client_ca_file", Type::file, later, "", "", "", "Clients need a certificate from one of these."},

Key{"drain", Type::section, 0, "", "", "", "How forestay stops."},
Key{"drain.delay", Type::duration, later, "0s", "0s..5m", "", "From the signal until it stops accepting."},
Key{"drain.timeout", Type::duration, 0, "8s", "0s..1h", "", "How long requests under way may take after that."},
Key{"drain.spread", Type::duration, later, "5s", "0s..5m", "", "Over which time clients are sent away."},

Key{"admin", Type::section, 0, "", "", "", "The listener of the operator: /metrics, /live, /ready."},
Key{"admin.listen", Type::address, list, "127.0.0.1:9901", "off", "", "Where; `off`: nowhere. Addresses that others can reach need a token."},
Key{"admin.token", Type::text, secret, "", "", "", "What must come in `Authorization: Bearer`. Prefer `token_file`."},
Key{"admin.token_file", Type::file, 0, "", "", "", "The same, in a file."},

Key{"logging", Type::section, 0, "", "", "", "The log, on standard error."},
Key{"logging.level", Type::choice, 0, "info", "debug|info|warning|error", "", "The least that is written."},
Key{"logging.format", Type::choice, 0, "text", "text|json", "", "One line of text, or one JSON object, for each entry."},
Key{"logging.access", Type::boolean, 0, "true", "", "", "A line when a client comes, and one when it goes."},

Key{"threads", Type::integer, 0, "auto", "1..64", "auto|1", "Loops, each with a thread. `auto`: one."},
};
// clang-format on

}  // namespace

std::span<const Key> keys() {
    return table;
}

}  // namespace forestay::config
