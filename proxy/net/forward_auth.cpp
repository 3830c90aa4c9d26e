#include "proxy/net/forward_auth.h"

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proxy/auth/plain_text.h"
#include "proxy/net/http_client.h"
#include "proxy/net/loop.h"

namespace forestay::net {

namespace asio = boost::asio;
using std::string_view;
using std::chrono::seconds;
using std::chrono::steady_clock;
using wire::http::iequals;
using wire::http::OwnedFields;

namespace {

constexpr seconds longest_allowance{60};
constexpr seconds denial_lasts{2};
constexpr std::size_t body_bytes = 64 << 10;
constexpr std::size_t connections = 256;
constexpr std::size_t idle_connections = 16;

const std::string* find(const OwnedFields& fields, string_view name) {
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const auto& each) { return iequals(each.first, name); });
    return found == fields.end() ? nullptr : &found->second;
}

void copy(const OwnedFields& from, string_view name, OwnedFields& to) {
    for (const auto& [field, value] : from) {
        if (iequals(field, name)) to.emplace_back(name, value);
    }
}

// Without what changes with each poll, and the sid.
std::string engineio_target(string_view path, string_view query) {
    constexpr std::array<string_view, 3> ours{"sid", "t", "j"};
    std::string target(path);
    char before = '?';
    while (!query.empty()) {
        const string_view one = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(one.size() + 1, query.size()));
        const string_view name = one.substr(0, one.find('='));
        if (one.empty() || std::find(ours.begin(), ours.end(), name) != ours.end()) continue;
        target.append(1, std::exchange(before, '&')).append(one);
    }
    return target;
}

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

ForwardQuestion forward_question(const wire::http::RequestHead& head, Route route, const ClientFacts& client,
                                 const auth::AuthOptions& options) {
    ForwardQuestion question;
    question.client = ClientTable::counted_as(client.address);
    constexpr std::array<string_view, 4> passed{"cookie", "authorization", "accept", "x-requested-with"};
    const auto& from = options.from.header;
    for (const auto& field : head.fields) {
        const auto is_it = [&](string_view name) { return iequals(name, field.name); };
        if (std::any_of(passed.begin(), passed.end(), is_it) || std::any_of(from.begin(), from.end(), is_it))
            question.fields.emplace_back(field.name, field.value);
    }
    const std::string target =
        route == Route::engineio ? engineio_target(head.path, head.query) : std::string(head.target);
    const auto add = [&](string_view name, string_view value) { question.fields.emplace_back(name, value); };
    add("X-Forwarded-Method", head.method);
    add("X-Forwarded-Proto", client.scheme);
    add("X-Forwarded-Host", client.host);
    add("X-Forwarded-Uri", target);
    add("X-Forwarded-For", client.forwarded_for);
    add("X-Original-Method", head.method);
    add("X-Original-URI", target);
    add("X-Original-URL", client.scheme + "://" + client.host + target);
    return question;
}

ForwardAnswer read_forward_answer(unsigned status, const OwnedFields& fields,
                                  const auth::ForwardOptions& options) {
    using What = ForwardAnswer::What;
    ForwardAnswer answer;
    answer.refusal = auth::errc::denied;
    if (status == 401 || status == 403) {
        answer.what = What::denied;
        answer.status = status;
        copy(fields, "WWW-Authenticate", answer.fields);
        return answer;
    }
    if (is_redirect(status) && find(fields, "Location") != nullptr) {
        answer.what = What::redirected;
        answer.status = status;
        copy(fields, "Location", answer.fields);
        copy(fields, "Set-Cookie", answer.fields);
        return answer;
    }
    if (status < 200 || status > 299) return answer;

    // Somebody whom the server lets in without a name is still not the same as nobody.
    answer.identity = {"forward", "forward", {}, "{}", {}};
    const std::vector<std::string> named{options.identity};
    for (const std::string& header : options.identity.empty() ? options.copy_headers : named) {
        const std::string* value = find(fields, header);
        if (value == nullptr && options.identity.empty()) continue;
        answer.identity.subject = value != nullptr ? *value : "";
        break;
    }
    if (!auth::is_plain(answer.identity.subject, auth::max_subject_bytes)) {
        answer.what = What::denied;
        answer.status = 401;
        answer.refusal = auth::errc::bad_identity;
        return answer;
    }
    answer.what = What::allowed;
    for (const std::string& header : options.copy_headers) copy(fields, header, answer.identity.fields);
    copy(fields, "Set-Cookie", answer.fields);
    return answer;
}

seconds forward_answer_lasts(const OwnedFields& fields) {
    seconds lasts{0};
    for (const auto& [name, value] : fields) {
        if (!iequals(name, "Cache-Control")) continue;
        if (wire::http::list_has(value, "no-store") || wire::http::list_has(value, "no-cache"))
            return seconds{0};
        constexpr string_view directive = "max-age=";
        const std::size_t at = value.find(directive);
        if (at == std::string::npos || (at > 0 && value[at - 1] != ' ' && value[at - 1] != ',')) continue;
        unsigned count = 0;
        const char* const begin = value.data() + at + directive.size();
        const auto [end, error] = std::from_chars(begin, value.data() + value.size(), count);
        if (error == std::errc::invalid_argument) continue;
        // Beyond the numbers is beyond a minute, too.
        lasts = error == std::errc{} ? std::min(seconds(count), longest_allowance) : longest_allowance;
    }
    return lasts;
}

struct ForwardAuth::State {
    using Key = auth::VerdictCache::Key;

    State(Loop& l, const auth::ForwardOptions& o, wire::http::Url u)
        : loop(l), options(o), url(std::move(u)), client(l.context(), client_options()) {}

    [[nodiscard]] HttpClientOptions client_options() const {
        HttpClientOptions out;
        out.url = url;
        out.timeout = options.timeout;
        out.body_bytes = body_bytes;
        out.connections = connections;
        out.idle_connections = idle_connections;
        return out;
    }

    static Task<void> run(std::shared_ptr<State> state, Key key, ForwardQuestion question);
    [[nodiscard]] ForwardAnswer judge(const Fetched& fetched);
    [[nodiscard]] std::optional<ForwardAnswer> remembered(const Key& key);
    void remember(const Key& key, const ForwardQuestion& question, const ForwardAnswer& answer,
                  const Fetched& fetched);
    void tell(const Key& key, const ForwardAnswer& answer);
    void report(const Fetched& fetched);

    Loop& loop;
    const auth::ForwardOptions options;
    const wire::http::Url url;
    HttpClient client;
    std::unordered_map<Key, std::vector<Done>, auth::VerdictCache::FirstBytes> asking;
    steady_clock::time_point reported{};  // not again until then
};

ForwardAuth::ForwardAuth(Loop& loop, const auth::ForwardOptions& options) {
    std::string problem;
    auto url = wire::http::parse_url(options.url, problem);
    if (!url) throw std::runtime_error("auth.any_of: forward: url: " + problem);
    state_ = std::make_shared<State>(loop, options, std::move(*url));
}

ForwardAuth::~ForwardAuth() = default;

const auth::ForwardOptions& ForwardAuth::options() const noexcept {
    return state_->options;
}

void ForwardAuth::ask(const ForwardQuestion& question, Done done) {
    std::string text;
    for (const auto& [name, value] : question.fields)
        text.append(name).append(":").append(value).append("\n");
    const State::Key key = state_->loop.verdicts().key_of("forward", text);
    if (const auto known = state_->remembered(key)) return done(*known);
    const auto [flight, fresh] = state_->asking.try_emplace(key);
    flight->second.push_back(std::move(done));
    if (!fresh) return;
    asio::co_spawn(state_->loop.context(), State::run(state_, key, question),
                   [state = state_, key](const std::exception_ptr& bug) {
                       if (bug) state->tell(key, {});
                   });
}

std::optional<ForwardAnswer> ForwardAuth::State::remembered(const Key& key) {
    const auth::Verdict* const known = loop.verdicts().find(key, unix_now());
    loop.stats().auth_cache = loop.verdicts().counts();
    if (known == nullptr) return {};
    ForwardAnswer answer;
    answer.what = known->denied == 0 ? ForwardAnswer::What::allowed : ForwardAnswer::What::denied;
    answer.status = known->denied;
    answer.refusal = auth::errc::denied;
    answer.identity = known->identity;
    answer.fields = known->challenge;
    return answer;
}

Task<void> ForwardAuth::State::run(std::shared_ptr<State> state, Key key, ForwardQuestion question) {
    const steady_clock::time_point begun = steady_clock::now();
    const Fetched fetched = co_await state->client.get(state->url.target, question.fields);
    const ForwardAnswer answer = state->judge(fetched);
    Stats& stats = state->loop.stats();
    const bool failed = answer.what == ForwardAnswer::What::failed;
    const ForwardAuthResult result = failed                                        ? ForwardAuthResult::error
                                     : answer.what == ForwardAnswer::What::allowed ? ForwardAuthResult::allow
                                                                                   : ForwardAuthResult::deny;
    ++stats.forward_auth.at(static_cast<std::size_t>(result));
    stats.forward_auth_duration.observe(steady_clock::now() - begun);
    if (failed) {
        state->report(fetched);
    } else {
        state->remember(key, question, answer, fetched);
    }
    state->tell(key, answer);
}

ForwardAnswer ForwardAuth::State::judge(const Fetched& fetched) {
    if (fetched.what == Fetch::ok) return read_forward_answer(fetched.status, fetched.fields, options);
    ForwardAnswer answer;
    if (fetched.what == Fetch::bad_response || fetched.what == Fetch::too_large) answer.status = 502;
    return answer;
}

// A cookie that the server sets is for one answer only.
void ForwardAuth::State::remember(const Key& key, const ForwardQuestion& question,
                                  const ForwardAnswer& answer, const Fetched& fetched) {
    auth::Verdict verdict{answer.identity, 0, {}};
    seconds lasts{0};
    if (answer.what == ForwardAnswer::What::denied && answer.refusal == auth::errc::denied) {
        verdict.denied = answer.status;
        verdict.challenge = answer.fields;
        lasts = denial_lasts;
    } else if (answer.what == ForwardAnswer::What::allowed && answer.fields.empty()) {
        lasts = forward_answer_lasts(fetched.fields);
    }
    if (lasts > seconds{0})
        loop.verdicts().store(key, question.client, std::move(verdict), unix_now(), lasts.count());
}

void ForwardAuth::State::tell(const Key& key, const ForwardAnswer& answer) {
    auto flight = asking.extract(key);
    if (flight.empty()) return;
    loop.read_clock();
    for (const Done& done : flight.mapped()) done(answer);
}

// Once a minute: everybody who comes would have the same line.
void ForwardAuth::State::report(const Fetched& fetched) {
    constexpr std::chrono::minutes interval{1};
    const Journal& journal = loop.shared().journal;
    const steady_clock::time_point now = steady_clock::now();
    if (!journal || reported > now) return;
    reported = now + interval;
    const bool answered = fetched.what == Fetch::ok;
    journal({Level::error,
             "forward_auth_failed",
             {{"url", options.url},
              {"what", answered ? "status" : std::string(name(fetched.what))},
              {"detail", answered ? std::to_string(fetched.status) : fetched.detail}}});
}

}  // namespace forestay::net
