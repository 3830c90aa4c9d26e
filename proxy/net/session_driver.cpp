#include "proxy/net/session_driver.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <variant>

#include "proxy/net/client_limits.h"
#include "proxy/net/forward_recheck.h"
#include "proxy/net/lockout.h"
#include "proxy/net/loop.h"
#include "proxy/net/upstream.h"

namespace forestay::net {

using session::Input;
namespace action = session::action;
namespace input = session::input;

namespace {

// One close frame with code 1011, for a session that cannot write its own any more.
constexpr std::string_view internal_error_frame{"\x88\x02\x03\xf3", 4};

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};

}  // namespace

session::TimePoint identity_deadline(const auth::Identity& identity, const auth::Authenticator& authenticator,
                                     session::TimePoint now) {
    if (!identity.expires || authenticator.options().on_expiry == auth::OnExpiry::ignore)
        return session::never;
    // Beyond a year it is no deadline; a far one would overflow the clock.
    constexpr std::int64_t year = 366 * 24 * 3600;
    const std::int64_t left = *identity.expires - unix_now();
    return left > year ? session::never : now + std::chrono::seconds(std::max<std::int64_t>(left, 0));
}

SessionDriver::SessionDriver(Loop& loop, SessionHost& host, session::Setup setup, SessionOrigins origins,
                             std::unique_ptr<UpstreamHandshakeRequest> connect, std::string refused_code)
    : loop_(loop),
      host_(host),
      session_(loop.shared().policy, loop.stats().sessions, loop.workspace(), setup, loop.now()),
      dialect_(setup.dialect),
      secret_(setup.secret),
      origins_(std::move(origins)),
      connect_(std::move(connect)),
      refused_code_(std::move(refused_code)),
      begun_(loop.now()) {
    watch_identity();
}

SessionDriver::~SessionDriver() {
    if (gate_number_ != 0) loop_.gate().leave(gate_number_);
    if (client_ != nullptr) loop_.sockets().abort(*client_);
    if (upstream_ != nullptr) loop_.sockets().abort(*upstream_);
    if (transport_) --loop_.stats().client_connections[static_cast<std::size_t>(*transport_)];
}

session::ExchangeId SessionDriver::poll(AnswerHandler done) {
    const session::ExchangeId exchange = ++last_exchange_;
    exchanges_.emplace_back(exchange, std::move(done));
    drive({input::PollOpened{exchange}});
    return exchange;
}

session::ExchangeId SessionDriver::post(std::string_view body, AnswerHandler done) {
    const session::ExchangeId exchange = ++last_exchange_;
    exchanges_.emplace_back(exchange, std::move(done));
    from_client_.bytes += body.size();
    drive({input::PostReceived{exchange, body}});
    return exchange;
}

void SessionDriver::exchange_written(session::ExchangeId exchange) {
    drive({input::ExchangeWritten{exchange}});
}

void SessionDriver::exchange_lost(session::ExchangeId exchange) {
    std::erase_if(exchanges_, [&](const auto& waiting) { return waiting.first == exchange; });
    drive({input::ExchangeLost{exchange}});
}

void SessionDriver::upgraded(Socket socket, std::string_view early) {
    client_ = &loop_.sockets().add(std::move(socket), *this, UpgradedSockets::Start::connected);
    from_client_.bytes += early.size();
    if (early.empty()) return drive({input::ClientUpgraded{}});
    drive({input::ClientUpgraded{}, input::ClientBytes{early}});
}

void SessionDriver::plain(Socket client, std::string_view early_client, Socket upstream,
                          std::string_view early_upstream) {
    upstream_ = &loop_.sockets().add(std::move(upstream), *this, UpgradedSockets::Start::connected);
    client_ = &loop_.sockets().add(std::move(client), *this, UpgradedSockets::Start::connected);
    from_client_.bytes += early_client.size();
    drive({input::ClientUpgraded{}, input::UpstreamBytes{early_upstream}, input::ClientBytes{early_client}});
}

void SessionDriver::shutdown() {
    drive({input::Shutdown{}});
}

void SessionDriver::shed() {
    drive({input::Shed{}});
}

void SessionDriver::due(session::TimePoint) {
    drive({input::Tick{}});
}

void SessionDriver::gate_said(const input::GateSaid& said) {
    drive({said});
}

void SessionDriver::on_bytes(UpgradedSocket& socket, std::string_view bytes) {
    if (&socket != client_) return drive({input::UpstreamBytes{bytes}});
    from_client_.bytes += bytes.size();
    drive({input::ClientBytes{bytes}});
}

void SessionDriver::on_drained(UpgradedSocket& socket) {
    if (&socket == client_) return drive({input::ClientDrained{}});
    drive({input::UpstreamDrained{}});
}

void SessionDriver::on_lost(UpgradedSocket& socket, bool reset) {
    if (&socket == client_) {
        client_ = nullptr;
        return drive({input::ClientLost{reset}});
    }
    upstream_ = nullptr;
    if (pin_.at() != nullptr) pin_.at()->lost_a_leg();
    drive({input::UpstreamLost{reset}});
}

void SessionDriver::arrived(std::string wanted) {
    wanted_ = std::move(wanted);
    run([&](Answers& answers) { do_what_is_asked(answers); });
}

bool SessionDriver::take_client(SessionDriver& fresh) {
    bool taken = false;
    run([&](Answers& answers) {
        taken = session_.take_client(fresh.session_, loop_.now());
        if (taken) {
            client_ = std::exchange(fresh.client_, nullptr);
            if (client_ != nullptr) loop_.sockets().give(*client_, *this);
            exchanges_ = std::exchange(fresh.exchanges_, {});
            places_ = std::move(fresh.places_);
            last_exchange_ = fresh.last_exchange_;
            if (fresh.connect_) heard_again(fresh.connect_->fields);
            origins_.asked = fresh.origins_.asked;
            watch_identity();
            host_.sids_swapped(*this, fresh);
        }
        do_what_is_asked(answers);
        if (taken || end_) return;
        session_.handle(input::Superseded{}, loop_.now());
        do_what_is_asked(answers);
    });
    return taken;
}

// One whom it does not know any more is treated as if a token had expired: 4401, and stock clients come back.
void SessionDriver::watch_identity() {
    recheck_.reset();
    const auth::Authenticator* const authenticator = loop_.shared().authenticator.get();
    if (!origins_.asked || authenticator->options().on_expiry == auth::OnExpiry::ignore) return;
    recheck_ = std::make_unique<ForwardRecheck>(loop_, origins_.asked, origins_.subject, [this] {
        if (loop_.shared().journal) {
            loop_.shared().journal({Level::info,
                                    "forward_auth_ended",
                                    {{"session", origins_.label}, {"client", origins_.client}}});
        }
        drive({input::CredentialRenewed{loop_.now()}, input::Tick{}});
    });
}

void SessionDriver::drive(std::initializer_list<Input> inputs) {
    run([&](Answers& answers) {
        for (const Input& each : inputs) {
            if (end_) return;
            session_.handle(each, loop_.now());
            do_what_is_asked(answers);
        }
    });
}

template <class Work>
void SessionDriver::run(const Work& work) {
    Answers answers;
    const session::Stats& stats = loop_.stats().sessions;
    const std::uint64_t in_before = stats.from_client.messages;
    const std::uint64_t out_before = stats.to_client.messages;
    try {
        work(answers);
    } catch (const std::exception& error) {
        fail(error.what(), answers);
    }
    from_client_.messages += stats.from_client.messages - in_before;
    to_client_.messages += stats.to_client.messages - out_before;

    if (!end_ || !transport_) follow_transport();
    if (end_) {
        for (auto& [exchange, done] : exchanges_) {
            answers.emplace_back(
                std::move(done),
                HttpAnswer{400, R"({"code":1,"message":"Session ID unknown"})", "application/json"});
        }
        if (!departed_) journal_close();
        host_.session_over(*this);
    } else {
        loop_.wheel().schedule(*this, session_.next_deadline());
    }
    // From here on this may be gone.
    for (auto& [done, answer] : answers) done(std::move(answer));
}

// The session's actions point into memory that its next handle() reuses: all is done and written before that.
// What came of it (a verdict, a socket that takes no more) is said one after the other.
void SessionDriver::do_what_is_asked(Answers& answers) {
    SessionHost::Spans& out = host_.spans;
    std::size_t client_waits = 0;
    std::size_t upstream_waits = 0;
    for (Input next;;) {
        while (const auto asked = session_.next_action()) perform(*asked, answers);
        if (client_ != nullptr) flush(*client_, out.client, client_waits);
        if (upstream_ != nullptr) flush(*upstream_, out.upstream, upstream_waits);
        if (end_) return;
        if (!wanted_.empty()) {
            const std::string wanted = std::exchange(wanted_, {});
            const SessionHost::Found found = host_.take_over(*this, wanted);
            if (found == SessionHost::Found::elsewhere && depart(wanted, answers)) return;
            if (found == SessionHost::Found::taken) {
                next = input::Superseded{};
                if (session_.ended()) end_without_a_word();
            } else {
                next = input::SessionNotFound{};
            }
        } else if (verdict_) {
            next = *std::exchange(verdict_, std::nullopt);
        } else if (client_waits > 0) {
            next = input::ClientBlocked{std::exchange(client_waits, 0)};
        } else if (upstream_waits > 0) {
            next = input::UpstreamBlocked{std::exchange(upstream_waits, 0)};
        } else {
            return;
        }
        session_.handle(next, loop_.now());
    }
}

// A Socket.IO session was over when its client went; one of a JSON websocket has an upstream leg to close,
// and ends by itself.
void SessionDriver::end_without_a_word() {
    constexpr auto side = session::CloseSide::client;
    constexpr auto reason = session::CloseReason::superseded;
    ++loop_.stats().sessions.closes[static_cast<std::size_t>(side)][static_cast<std::size_t>(reason)];
    end_ = action::End{side, reason};
}

void SessionDriver::perform(const session::Action& asked, Answers& answers) {
    UpgradedSockets& sockets = loop_.sockets();
    std::visit(
        Overloaded{
            [&](const action::SendClient& send) {
                to_client_.bytes += send.bytes.size();
                if (client_ != nullptr) gather(host_.spans.client, send.bytes);
            },
            [&](const action::SendUpstream& send) {
                if (upstream_ != nullptr) gather(host_.spans.upstream, send.bytes);
            },
            [&](const action::AnswerExchange& answer) { answer_exchange(answer, answers); },
            [&](const action::ConnectUpstream&) { connect_upstream(); },
            [&](const action::CheckCredential& check) { verdict_ = check_credential(check.connect_payload); },
            [&](const action::RenewCredential& renew) { verdict_ = renew_credential(renew.credential); },
            [&](const action::PollUpstream& poll) { poll_upstream(poll.sid); },
            [&](const action::PostUpstream& post) { post_upstream(post.sid, post.body); },
            [&](const action::FindSession& find) { wanted_ = find.secret; },
            [&](const action::AskGate& ask) { ask_gate(ask); },
            [&](const action::LeaveGate& leave) {
                if (gate_number_ != 0) loop_.gate().done(gate_number_, leave);
            },
            [&](const action::AliasSid& alias) {
                loop_.tell_others([known = std::string(alias.known), current = std::string(alias.current)](
                                      Loop& other) { other.workspace().aliases.set(known, current); });
            },
            [&](const action::Report& report) { journal_report(report); },
            [&](const action::PauseClient&) {
                if (client_ != nullptr) sockets.pause(*client_);
            },
            [&](const action::ResumeClient&) {
                if (client_ != nullptr) sockets.resume(*client_);
            },
            [&](const action::PauseUpstream&) {
                if (upstream_ != nullptr) sockets.pause(*upstream_);
            },
            [&](const action::ResumeUpstream&) {
                if (upstream_ != nullptr) sockets.resume(*upstream_);
            },
            [&](const action::CloseClient&) { close(client_, host_.spans.client); },
            [&](const action::CloseUpstream&) { leave_upstream(); },
            [&](const action::End& end) { end_ = end; },
        },
        asked);
}

// Neighbours in memory become one span.
void SessionDriver::gather(std::vector<iovec>& out, std::string_view bytes) {
    if (bytes.empty()) return;
    char* const begin = const_cast<char*>(bytes.data());  // iovec serves reads and writes
    if (!out.empty() && static_cast<char*>(out.back().iov_base) + out.back().iov_len == begin) {
        out.back().iov_len += bytes.size();
    } else {
        out.push_back({begin, bytes.size()});
    }
}

void SessionDriver::flush(UpgradedSocket& socket, std::vector<iovec>& out, std::size_t& waits) {
    if (out.empty()) return;
    waits = loop_.sockets().send(socket, out);
    out.clear();
}

void SessionDriver::close(UpgradedSocket*& socket, std::vector<iovec>& out) {
    if (socket == nullptr) return;
    std::size_t waits = 0;
    flush(*socket, out, waits);
    loop_.sockets().close(*std::exchange(socket, nullptr));
}

void SessionDriver::answer_exchange(const action::AnswerExchange& answer, Answers& answers) {
    const auto waiting = std::find_if(exchanges_.begin(), exchanges_.end(),
                                      [&](const auto& each) { return each.first == answer.exchange; });
    if (waiting == exchanges_.end()) return;  // lost in the meantime
    to_client_.bytes += answer.body.size();
    HttpAnswer http{answer.status, std::string(answer.body)};
    if (answer.status != 200) http.content_type = "application/json";
    http.retry_after = answer.retry_after;
    if (answer.status == 429) http.reason = "message_rate";
    if (answer.status == 503) http.reason = "upstream_slow";
    answers.emplace_back(std::move(waiting->second), std::move(http));
    exchanges_.erase(waiting);
}

// An identity and an address that look alike are not the same.
void SessionDriver::ask_gate(const action::AskGate& ask) {
    if (gate_number_ == 0) gate_number_ = loop_.gate().enter(*this);
    const std::string& subject =
        origins_.connect_subject.empty() ? origins_.subject : origins_.connect_subject;
    loop_.gate().ask(
        gate_number_, ask,
        subject.empty() ? "address " + ClientTable::counted_as(origins_.client) : "subject " + subject);
}

Input SessionDriver::check_credential(std::string_view connect_payload) {
    if (!refused_code_.empty()) return input::CredentialRefused{refused_code_};
    const auth::Authenticator* const authenticator = loop_.shared().authenticator.get();
    if (authenticator == nullptr) return input::CredentialRefused{auth::name(auth::errc::no_credential)};
    auth::Presented presented;
    presented.connect_payload = connect_payload;
    const std::string given =
        loop_.shared().options.failed_rate.bounded() ? authenticator->given(presented) : "";
    if (locked_out(loop_.shared(), loop_.stats(), origins_.client, given))
        return input::CredentialRefused{auth::name(auth::errc::locked_out)};
    const std::string address = ClientTable::counted_as(origins_.client);
    const auth::Remembering remembering{loop_.verdicts(), address};
    const auto identity = authenticator->check(presented, unix_now(), &remembering);
    loop_.stats().auth_cache = loop_.verdicts().counts();
    if (!identity) {
        const auto why = static_cast<auth::errc>(identity.error().value());
        ++loop_.stats().auth_refusals.at(static_cast<std::size_t>(why));
        note_refusal(loop_.shared(), loop_.stats(), origins_.client, given, why);
        return input::CredentialRefused{auth::name(why)};
    }
    if (origins_.connect_subject != identity->subject) {
        Entered entered = enter_identity(loop_.shared(), loop_.stats(), identity->subject);
        if (!entered.refused_by.empty()) {
            journal_refused_identity(entered.refused_by);
            return input::CredentialRefused{entered.refused_by};
        }
        places_.identity = std::move(entered.place);
    }
    take_identity_headers(*identity);
    origins_.connect_subject = identity->subject;
    return input::CredentialAccepted{identity_deadline(*identity, *authenticator, loop_.now()),
                                     origins_.connect_subject};
}

Input SessionDriver::renew_credential(std::string_view credential) {
    const auth::Authenticator* const authenticator = loop_.shared().authenticator.get();
    const std::string& subject =
        origins_.connect_subject.empty() ? origins_.subject : origins_.connect_subject;
    if (authenticator == nullptr || subject.empty())
        return input::RenewalRefused{auth::name(auth::errc::no_credential)};
    if (locked_out(loop_.shared(), loop_.stats(), origins_.client, credential))
        return input::RenewalRefused{auth::name(auth::errc::locked_out)};
    const auto identity = authenticator->check_credential(credential, unix_now());
    if (!identity) {
        const auto why = static_cast<auth::errc>(identity.error().value());
        ++loop_.stats().auth_refusals.at(static_cast<std::size_t>(why));
        note_refusal(loop_.shared(), loop_.stats(), origins_.client, credential, why);
        return input::RenewalRefused{auth::name(why)};
    }
    if (identity->subject != subject) {
        ++loop_.stats().sid_mismatches;
        return input::RenewalRefused{"other_principal"};
    }
    take_identity_headers(*identity);
    return input::CredentialRenewed{identity_deadline(*identity, *authenticator, loop_.now())};
}

// What the app is told when the session connects to it again.
void SessionDriver::take_identity_headers(const auth::Identity& identity) {
    if (!connect_) return;
    const auth::Authenticator& authenticator = *loop_.shared().authenticator;
    // Also those that the new credential says nothing about any more.
    for (const auto& [name, claim] : authenticator.options().identity_headers) {
        std::erase_if(connect_->fields,
                      [&](const auto& each) { return wire::http::iequals(each.first, name); });
    }
    for (auto& field : authenticator.identity_headers(identity)) connect_->fields.push_back(std::move(field));
}

// The session's own state cannot be trusted any more: it ends here, the others go on.
void SessionDriver::fail(const char* what, Answers& answers) {
    if (loop_.shared().journal) {
        loop_.shared().journal(
            {Level::error, "internal_error", {{"session", origins_.label}, {"what", what}}});
    }
    constexpr auto side = session::CloseSide::forestay;
    constexpr auto reason = session::CloseReason::internal_error;
    ++loop_.stats().sessions.closes[static_cast<std::size_t>(side)][static_cast<std::size_t>(reason)];
    host_.spans.client.clear();
    host_.spans.upstream.clear();
    gather(host_.spans.client, internal_error_frame);
    close(client_, host_.spans.client);
    close(upstream_, host_.spans.upstream);
    host_.spans.client.clear();
    for (auto& [exchange, done] : exchanges_) answers.emplace_back(std::move(done), HttpAnswer{500, {}});
    exchanges_.clear();
    end_ = action::End{side, reason};
}

}  // namespace forestay::net
