// What surrounds one session: it does what the session asks for, and says what happened.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/session.h"
#include "tests/simulation/client_link.h"
#include "tests/simulation/socket.h"

namespace forestay::simulation {

class UpstreamModel;

class Shell {
  public:
    Shell(World& world, unsigned number, session::Setup setup, ClientLink& link);
    ~Shell();
    void start();

    void input(const session::Input& input);
    void trace(std::string_view what, std::string_view bytes = {}, std::uint64_t number = 0);
    [[nodiscard]] bool over() const noexcept { return over_; }
    [[nodiscard]] unsigned number() const noexcept { return number_; }
    [[nodiscard]] const std::string& secret() const noexcept { return secret_; }
    [[nodiscard]] bool attached() const;
    [[nodiscard]] ClientLink* link() noexcept { return link_; }
    [[nodiscard]] UpstreamModel* life() noexcept { return life_; }
    void joined() { joined_ = true; }  // the upstream has said yes to a CONNECT

    void gate_said(const session::input::GateSaid& said);

    // The upstream's side.
    [[nodiscard]] Socket* upstream_socket() noexcept { return upstream_socket_; }
    void upstream_reads(bool reads);
    void upstream_gone(bool reset);  // its process died
    [[nodiscard]] bool polls() const noexcept { return polling_; }
    void polled(unsigned status, std::string_view body);  // the answer to its GET
    void posted(unsigned status);

    void check_end();

  private:
    void take_actions();
    void move_session();
    void after_input();
    void on(const session::action::SendClient& action);
    void on(const session::action::SendUpstream& action);
    void on(const session::action::AnswerExchange& action);
    void on(const session::action::ConnectUpstream& action);
    void on(const session::action::PollUpstream& action);
    void on(const session::action::PostUpstream& action);
    void on(const session::action::CheckCredential& action);
    void on(const session::action::RenewCredential& action);
    void on(const session::action::FindSession& action);
    void on(const session::action::Report& action);
    void on(const session::action::AskGate& action);
    void on(const session::action::LeaveGate& action);
    void on(const session::action::AliasSid& action);
    void on(const session::action::PauseClient& action);
    void on(const session::action::ResumeClient& action);
    void on(const session::action::PauseUpstream& action);
    void on(const session::action::ResumeUpstream& action);
    void on(const session::action::CloseClient& action);
    void on(const session::action::CloseUpstream& action);
    void on(const session::action::End& action);
    // The client of this fresh session had another one.
    void reunite(const std::string& secret);
    [[nodiscard]] bool give_client_to(Shell& home);
    void connected(bool polling);
    void new_life();
    void open_upstream_socket();
    void upstream_bytes(Socket& socket, std::string_view bytes);
    void outage_over();
    [[nodiscard]] bool outage_too_long() const;
    void tick_when_due();
    void report_upstream_blocked();
    void check_bounds();

    World& world_;
    unsigned number_;
    std::string secret_;
    std::unique_ptr<session::Session> session_;
    ClientLink* link_;
    std::vector<std::unique_ptr<Socket>> sockets_;  // all that ever were: events may still point to them
    Socket* upstream_socket_ = nullptr;
    UpstreamModel* life_ = nullptr;
    bool joined_ = false;
    unsigned lives_ = 0;          // that this session has had
    std::uint64_t attempts_ = 0;  // to connect
    bool connecting_ = false, credential_asked_ = false;
    bool polling_ = false, get_open_ = false, post_open_ = false;
    std::vector<std::string> goodbyes_;  // POSTs behind the last one
    bool upstream_paused_ = false;
    bool over_ = false, taking_ = false;
    std::optional<std::string> wanted_;  // of FindSession
    // Since when the session has no upstream that answers its CONNECTs; never: it has one, or asked for none.
    session::TimePoint outage_since_ = session::never;
    session::TimePoint last_outage_since_{}, outage_over_at_{};
    session::TimePoint tick_at_ = session::never;
    std::uint64_t ticks_ = 0;
    unsigned overdue_ = 0;  // Ticks in a row that changed nothing
};

}  // namespace forestay::simulation
