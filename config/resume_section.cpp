#include "config/resume_section.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <utility>

#include "config/access.h"
#include "proxy/wire/socketio/packet.h"

namespace forestay::config {
namespace {

using session::OnReturn;
using session::Recovery;

constexpr std::size_t rebuild_max = 64;

OnReturn on_return_of(const Node& resume) {
    const std::string word = text(resume, "on_return");
    if (word == "rebuild") return OnReturn::rebuild;
    return word == "close" ? OnReturn::close : OnReturn::reannounce;
}

class ResumeSection {
  public:
    ResumeSection(Config& config, const Node& root, Problems& problems)
        : config_(config), root_(root), problems_(problems) {}

    void read() {
        if (const Node* upstream = find_node(root_, "resume.upstream")) {
            fill_upstream(*upstream);
            check_upstream(*upstream);
        }
        if (const Node* client = find_node(root_, "resume.client")) {
            fill_client(*client);
            fill_names(*client);
            check_client(*client);
            if (config_.session.resume_client.envelope) check_our_words();
        }
    }

  private:
    static const Place& place(const Node& map, std::string_view key) {
        const Node* node = map.find(key);
        return node ? node->at : map.at;
    }

    // In the beginning too a client's messages wait for the app.
    [[nodiscard]] session::Duration longest_wait() const {
        return std::max(config_.session.resume_upstream.hold, config_.session.upstream_open_timeout);
    }

    void fill_upstream(const Node& upstream) {
        session::ResumeUpstream& out = config_.session.resume_upstream;
        out.hold = duration(upstream, "hold");
        out.on_return = on_return_of(upstream);
        out.rebuild = texts(upstream, "rebuild");
        out.max_bytes = size(upstream, "max_bytes");
        out.max_messages = integer(upstream, "max_messages");
        out.max_age = text(upstream, "max_age") == "hold" ? longest_wait() : duration(upstream, "max_age");
        out.sid_alias = boolean(upstream, "sid_alias");
        config_.net.upstream.hold = out.hold;
        config_.net.upstream.connects_per_second = static_cast<unsigned>(rate(upstream, "rate").per_second());
    }

    void check_upstream(const Node& upstream) {
        const session::ResumeUpstream& out = config_.session.resume_upstream;
        if (!out.rebuild.empty() && out.on_return != OnReturn::rebuild) {
            problems_.error(place(upstream, "rebuild"),
                            "resume.upstream.rebuild names events, but on_return is " +
                                text(upstream, "on_return") +
                                ": set on_return: rebuild, or remove the names");
        }
        for (const Node& event : items(upstream, "rebuild")) {
            if (wire::socketio::is_reserved(event.text))
                problems_.error(event.at, "resume.upstream.rebuild: " + quote(event.text) +
                                              " is reserved by Socket.IO: no client emits it");
        }
        if (out.rebuild.size() > rebuild_max)
            problems_.error(place(upstream, "rebuild"), "resume.upstream.rebuild: more than 64 events");
        if (out.sid_alias && out.on_return != OnReturn::rebuild) {
            problems_.warning(
                place(upstream, "sid_alias"),
                "resume.upstream.sid_alias does nothing without on_return: rebuild: otherwise the "
                "client learns the app's new sid");
        }
        if (out.max_age > longest_wait()) {
            problems_.warning(place(upstream, "max_age"),
                              "resume.upstream.max_age is longer than hold: nothing gets that old");
        }
        if (out.hold.count() == 0 && config_.net.upstream.urls.size() > 1) {
            problems_.warning(
                place(upstream, "hold"),
                "with resume.upstream.hold: 0s no session moves to another of the upstreams: it "
                "ends with its own");
        }
        if (rate(upstream, "rate").period.count() != 1) {
            problems_.error(place(upstream, "rate"),
                            "resume.upstream.rate counts by the second: write 100/s");
        } else if (config_.net.upstream.connects_per_second < config_.threads) {
            problems_.warning(place(upstream, "rate"),
                              "resume.upstream.rate is smaller than threads: each of them lets one session a "
                              "second through");
        }
        check_room(upstream, "resume.upstream.max_bytes", out.max_bytes);
    }

    void fill_client(const Node& client) {
        session::ResumeClient& out = config_.session.resume_client;
        for (const std::string& word : texts(client, "recovery")) {
            if (word == "marker") out.recovery = Recovery::marker;
            if (word == "append") out.recovery = Recovery::append;
            if (word == "envelope") out.envelope = true;
        }
        out.hold = duration(client, "hold");
        out.left_hold = std::min(out.left_hold, out.hold);
        out.max_bytes = size(client, "max_bytes");
        out.max_messages = integer(client, "max_messages");
    }

    void check_client(const Node& client) {
        const session::ResumeClient& out = config_.session.resume_client;
        const std::vector<std::string> words = texts(client, "recovery");
        const auto has = [&](std::string_view word) {
            return std::find(words.begin(), words.end(), word) != words.end();
        };
        const Place& at = place(client, "recovery");
        if (has("off") && words.size() > 1) problems_.error(at, "resume.client.recovery: off stands alone");
        if (has("marker") && has("append"))
            problems_.error(at, "resume.client.recovery: either marker or append");
        if (out.recovery == Recovery::append) {
            problems_.warning(
                at,
                "append adds an argument to each event: handlers that count their arguments and "
                "python clients break on it, marker is seen by onAny only");
        }
        if (out.envelope &&
            std::none_of(config_.net.websockets.begin(), config_.net.websockets.end(),
                         [](const net::WebsocketPath& one) { return one.json.has_value(); })) {
            problems_.error(
                at, "resume.client.recovery: envelope needs a websocket of format: json in websockets");
        }
        if (has("off") || words.empty()) return;
        if (out.hold > config_.session.limits.tombstone_age) {
            problems_.warning(
                place(client, "hold"),
                "a late answer is recognised for 10m only: a client that is away for longer may get "
                "it beside its fallback");
        }
        check_room(client, "resume.client.max_bytes", out.max_bytes);
    }

    // What we say ourselves is numbered like the app's, or stands beside that: a client would take the member
    // for its position.
    void check_our_words() {
        refuse_number("requests", {"fallback.message", "partial.fallback.message", "queue.status.message"});
        refuse_number("websockets", {"error", "ping.reply", "heartbeat.message"});
    }
    void refuse_number(const std::string& section, std::initializer_list<std::string_view> keys) {
        const std::string& name = config_.session.resume_client.names.message_id;
        const std::vector<Node>& all = items(root_, section);
        for (std::size_t i = 0; i < all.size(); ++i) {
            for (const std::string_view key : keys) {
                const Node* words = find_node(all[i], key);
                const Node* taken = words && words->is_map() ? words->find(name) : nullptr;
                if (!taken) continue;
                problems_.error(taken->at, section + '[' + std::to_string(i) + "]." + std::string(key) +
                                               ": the envelope numbers messages with " + quote(name) +
                                               " (resume.client.envelope.message_id)");
            }
        }
    }

    void check_room(const Node& section, std::string_view path, std::size_t max_bytes) {
        if (max_bytes >= config_.session.limits.message_bytes) return;
        problems_.warning(
            place(section, "max_bytes"),
            std::string(path) + " is smaller than limits.max_message: such a message is never kept");
    }

    void fill_names(const Node& client) {
        session::EnvelopeNames& out = config_.session.resume_client.names;
        const auto take = [&](const char* key, std::string& name) {
            const Node* node = find_node(client, std::string("envelope.") + key);
            if (!node || !node->is_scalar()) return;
            name = node->text;
            constexpr std::string_view allowed =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:";
            if (name.size() <= 64 && name.find_first_not_of(allowed) == std::string::npos) return;
            problems_.error(node->at, "resume.client.envelope." + std::string(key) + ": " + quote(name) +
                                          " is not of letters, digits and _-.: alone, at most 64 of them");
        };
        take("type", out.type);
        take("ack", out.ack);
        take("reconnect", out.reconnect);
        take("established", out.established);
        take("message_id", out.message_id);
        take("session", out.session);
        take("last_message_id", out.last_message_id);
        if (!differ({out.ack, out.reconnect, out.established}) ||
            !differ({out.type, out.message_id, out.session, out.last_message_id})) {
            problems_.error(place(client, "envelope"),
                            "resume.client.envelope: two types, or two fields, have the same name");
        }
    }
    static bool differ(std::vector<std::string> names) {
        std::sort(names.begin(), names.end());
        return std::adjacent_find(names.begin(), names.end()) == names.end();
    }

    Config& config_;
    const Node& root_;
    Problems& problems_;
};

}  // namespace

void read_resume(Config& config, const Node& root, Problems& problems) {
    ResumeSection(config, root, problems).read();
}

}  // namespace forestay::config
