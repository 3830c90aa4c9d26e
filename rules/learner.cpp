#include "rules/learner.h"

#include <algorithm>
#include <list>
#include <unordered_map>
#include <utility>

#include "proxy/wire/json/scan.h"
#include "proxy/wire/keyed_hash.h"
#include "proxy/wire/socketio/packet.h"
#include "proxy/wire/websocket/utf8.h"
#include "rules/learnt.h"
#include "rules/rule_set.h"
#include "rules/scalars.h"

namespace forestay::rules {
namespace {

namespace socketio_wire = wire::socketio;
using wire::mix;

constexpr unsigned depth = 3;
constexpr std::size_t scalars_max = Name::fields_max;
constexpr std::size_t name_bytes = 128;
constexpr std::size_t samples_max = 3;
constexpr std::size_t sample_bytes = 120;

std::uint64_t hashed(std::uint64_t key, std::string_view text) noexcept {
    return mix(wire::hash_text(key, text));
}

// Of an event: its arguments.
std::string sample_of(const Message& message) {
    std::string sample(message.json ? "" : "[");
    sample += message.body.substr(0, sample_bytes);
    while (!wire::websocket::is_utf8(sample)) sample.pop_back();
    return sample;
}

std::uint64_t milliseconds(std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(time).count(), 0));
}

}  // namespace

struct Learner::Impl {
    // A value that a client has said, and may hear again.
    struct Pending {
        std::uint64_t hash = 0;
        Name* name = nullptr;
        Field* field = nullptr;  // null: an ack id
        TimePoint said;
        TimePoint last{};            // when it was heard last
        std::uint64_t heard_in = 0;  // the message: it counts once, wherever the value stands in it
        std::size_t last_reply = 0;
        std::vector<std::pair<std::size_t, std::uint64_t>> replies{};  // index in the field, how often
    };
    using Place = std::list<Pending>::iterator;

    explicit Impl(const Options& given) : options(given) {}

    struct Message {
        From from;
        std::uint64_t session;
        rules::Message seen;
        std::string_view where;
        std::string_view type;  // pointer
        std::size_t bytes;
    };

    void observe(const Message& message, std::optional<std::uint64_t> ack, TimePoint now);
    Name* find(const Message& message);
    void said(const Message& message, Name& name, std::optional<std::uint64_t> ack, TimePoint now);
    void said_again(Field& field, std::uint64_t hash);
    void heard(const Message& message, const Name& name, TimePoint now);
    std::optional<Place> find_ack(std::uint64_t hash);
    void acked(std::uint64_t hash, TimePoint now);
    void remember(Pending pending);
    void forget(Place place);
    void close() {
        while (!pending.empty()) forget(pending.begin());
    }

    std::uint64_t place_hash(std::uint64_t session, std::string_view where, bool ack) const {
        return hashed(options.seed ^ mix(session + (ack ? 1 : 0)), where);
    }

    Options options;
    Names names;
    std::size_t fields = 0;  // of all names
    std::uint64_t messages = 0, unnamed = 0, unlisted = 0, forgotten = 0;
    std::list<Pending> pending;  // oldest first
    std::unordered_multimap<std::uint64_t, Place> by_hash;
};

Name* Learner::Impl::find(const Message& message) {
    ++messages;
    const std::string_view what = message.seen.name;
    if (what.empty() || what.size() > name_bytes || message.where.size() > name_bytes ||
        !wire::websocket::is_utf8(what) || (!message.seen.json && socketio_wire::is_reserved(what))) {
        ++unnamed;
        return nullptr;
    }
    std::string key = message.from == From::client ? "c" : "a";
    key += message.seen.json ? 'j' : 's';
    key.append(message.where).append(1, '\n').append(message.seen.name);
    const auto known = names.find(key);
    if (known != names.end()) return &known->second;
    if (names.size() >= options.names) {
        ++unlisted;
        return nullptr;
    }
    Name& made = names[key];
    made.seen.from_client = message.from == From::client;
    made.seen.json = message.seen.json;
    made.seen.where = message.where;
    made.seen.type = message.type;
    made.seen.name = what;
    return &made;
}

void Learner::Impl::observe(const Message& message, std::optional<std::uint64_t> ack, TimePoint now) {
    Name* const name = find(message);
    if (name == nullptr) return;
    ++name->seen.count;
    name->seen.bytes.add(message.bytes);
    if (options.samples && !message.seen.body.empty() && name->seen.samples.size() < samples_max)
        name->seen.samples.push_back(sample_of(message.seen));
    if (message.from == From::client)
        said(message, *name, ack, now);
    else
        heard(message, *name, now);
}

void Learner::Impl::said(const Message& message, Name& name, std::optional<std::uint64_t> ack,
                         TimePoint now) {
    if (ack) {
        ++name.seen.with_ack;
        const std::uint64_t hash = place_hash(message.session, message.where, true) ^ mix(*ack);
        if (const auto before = find_ack(hash)) forget(*before);
        remember({hash, &name, nullptr, now});
    }
    const std::size_t fields_before = name.fields.size();
    const std::uint64_t place = place_hash(message.session, message.where, false);
    for (const Scalar& scalar : scalars(message.seen.body, depth, scalars_max)) {
        Field* const field =
            name.field(scalar.pointer, fields + name.fields.size() - fields_before < options.fields);
        if (field == nullptr || field->hopeless()) continue;
        const auto value = id_key({}, scalar.text);
        if (!value) continue;
        ++field->seen;
        if (field->distinct.size() < Field::distinct_max)
            field->distinct.insert(hashed(options.seed, *value));
        const std::uint64_t hash = hashed(place, *value);
        said_again(*field, hash);
        remember({hash, &name, field, now});
    }
    fields += name.fields.size() - fields_before;
}

// What was said before and has been answered is over: what comes now is about this.
void Learner::Impl::said_again(Field& field, std::uint64_t hash) {
    const auto [first, behind] = by_hash.equal_range(hash);
    for (auto known = first; known != behind;) {
        const Place before = (known++)->second;
        if (before->field == nullptr) continue;
        if (before->field == &field) ++field.repeated;
        if (before->field == &field || !before->replies.empty()) forget(before);
    }
}

void Learner::Impl::heard(const Message& message, const Name& name, TimePoint now) {
    const std::uint64_t place = place_hash(message.session, message.where, false);
    for (const Scalar& scalar : scalars(message.seen.body, depth, scalars_max)) {
        const auto value = id_key({}, scalar.text);
        if (!value) continue;
        const auto [first, behind] = by_hash.equal_range(hashed(place, *value));
        for (auto known = first; known != behind; ++known) {
            Pending& one = *known->second;
            if (one.field == nullptr || one.heard_in == messages || now - one.said > options.window) continue;
            Reply* const reply = one.field->reply(name.seen.name, scalar.pointer);
            if (reply == nullptr) continue;
            const auto index = static_cast<std::size_t>(reply - one.field->replies.data());
            one.heard_in = messages;
            one.last = now;
            one.last_reply = index;
            auto counted = one.replies.begin();
            while (counted != one.replies.end() && counted->first != index) ++counted;
            if (counted == one.replies.end()) {
                if (one.replies.empty()) ++one.field->replied;
                one.replies.emplace_back(index, 1);
            } else {
                ++counted->second;
            }
        }
    }
}

// One at most: what an ack id was given to before is not answered any more.
std::optional<Learner::Impl::Place> Learner::Impl::find_ack(std::uint64_t hash) {
    const auto [first, behind] = by_hash.equal_range(hash);
    for (auto known = first; known != behind; ++known) {
        if (known->second->field == nullptr) return known->second;
    }
    return std::nullopt;
}

void Learner::Impl::acked(std::uint64_t hash, TimePoint now) {
    const auto asked = find_ack(hash);
    if (!asked) return;
    Name& name = *(*asked)->name;
    ++name.seen.acked;
    name.ack_times.add(milliseconds(now - (*asked)->said));
    forget(*asked);
}

void Learner::Impl::remember(Pending one) {
    if (pending.size() >= options.pending) {
        ++forgotten;
        forget(pending.begin());
    }
    const std::uint64_t hash = one.hash;
    by_hash.emplace(hash, pending.insert(pending.end(), std::move(one)));
}

// What is known of it now is all that will be.
void Learner::Impl::forget(Place place) {
    for (const auto& [index, count] : place->replies) {
        Reply& reply = place->field->replies[index];
        ++reply.requests;
        reply.messages += count;
        if (index != place->last_reply) continue;
        ++reply.last;
        reply.times.add(milliseconds(place->last - place->said));
    }
    const auto [first, behind] = by_hash.equal_range(place->hash);
    for (auto known = first; known != behind; ++known) {
        if (known->second != place) continue;
        by_hash.erase(known);
        break;
    }
    pending.erase(place);
}

Learner::Learner(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
Learner::~Learner() = default;
Learner::Learner(Learner&&) noexcept = default;

void Learner::socketio(From from, std::uint64_t session, std::string_view text, TimePoint now) {
    const auto packet = socketio_wire::scan_server_packet(text);
    if (!packet) return;
    if (socketio_wire::is_ack(packet->type) && from == From::app && packet->id) {
        return impl_->acked(impl_->place_hash(session, packet->nsp, true) ^ mix(*packet->id), now);
    }
    if (!socketio_wire::is_event(packet->type)) return;
    std::string scratch;
    const Message seen = socketio_message(*packet, scratch);
    impl_->observe({from, session, seen, seen.nsp, {}, text.size()}, packet->id, now);
}

void Learner::json(From from, std::uint64_t session, std::string_view path, const wire::json::Pointer& type,
                   std::string_view text, TimePoint now) {
    std::string scratch;
    impl_->observe({from, session, json_message(text, type, scratch), path, type.text(), text.size()},
                   std::nullopt, now);
}

void Learner::add(Learner other) {
    impl_->close();
    other.impl_->close();
    for (const auto& [key, name] : other.impl_->names) {
        if (impl_->names.size() < impl_->options.names || impl_->names.contains(key))
            impl_->names[key].add(name);
        else
            impl_->unlisted += name.seen.count;
    }
    impl_->messages += other.impl_->messages;
    impl_->unnamed += other.impl_->unnamed;
    impl_->unlisted += other.impl_->unlisted;
    impl_->forgotten += other.impl_->forgotten;
}

Proposal Learner::proposal() {
    impl_->close();
    Proposal made = guess(impl_->names);
    made.messages = impl_->messages;
    made.unnamed = impl_->unnamed;
    made.unlisted = impl_->unlisted;
    made.forgotten = impl_->forgotten;
    return made;
}

}  // namespace forestay::rules
