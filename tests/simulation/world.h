// One session between a client and an upstream, with everything around it that a shell does: sockets, HTTP
// exchanges, the timer. All from one seed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/session.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/pipe.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/schedule.h"

namespace forestay::simulation {

class ClientModel;
class UpstreamModel;

// A websocket connection of the session: one pipe each way.
struct Socket {
    std::unique_ptr<Pipe> to_session, to_peer;
    bool open = true;          // for the session
    bool blocked = false;      // the session was told so
    std::size_t reported = 0;  // how much was said to wait
};

struct Result {
    std::uint64_t trace = 0;    // of all inputs and actions
    std::uint64_t outcome = 0;  // of what the models saw
    std::uint64_t steps = 0;
    std::string violation;  // empty: all invariants held
    std::vector<std::string> log;
};

enum class Detail { none, operations, everything };
// Whether the session is written down and restored into a fresh object now and then.
enum class Moving { never, at_random };

class World {
  public:
    World(const Scenario& scenario, std::uint64_t cutting, session::Workspace& workspace, Detail detail,
          Moving moving);
    ~World();
    Result run();

    // For the models.
    [[nodiscard]] const Scenario& scenario() const noexcept { return scenario_; }
    [[nodiscard]] Schedule& schedule() noexcept { return schedule_; }
    [[nodiscard]] Ledger& ledger() noexcept { return ledger_; }
    [[nodiscard]] UpstreamModel& upstream() noexcept { return *upstream_; }
    [[nodiscard]] ClientModel& client() noexcept { return *client_; }
    [[nodiscard]] bool over() const noexcept { return over_; }
    [[nodiscard]] bool at_rest() const noexcept { return resting_; }
    void note(std::string what);

    // The client's side.
    Socket& open_client_socket();
    session::ExchangeId get();
    session::ExchangeId post(std::string body, std::vector<std::function<void()>> read);
    // A GET of the client goes away before it is answered.
    void lose(session::ExchangeId exchange);
    void reset(Socket& socket);  // without a goodbye
    void client_reads(bool reads);
    void upstream_reads(bool reads);
    void shut_down();
    [[nodiscard]] Socket* client_socket() noexcept { return client_socket_; }
    [[nodiscard]] Socket* upstream_socket() noexcept { return upstream_socket_; }

  private:
    void input(const session::Input& input);
    void bytes_from(bool client, Socket& socket, std::string_view bytes);
    void take_actions();
    void move_session();
    void on(const session::action::SendClient& action);
    void on(const session::action::SendUpstream& action);
    void on(const session::action::AnswerExchange& action);
    void on(const session::action::ConnectUpstream& action);
    void on(const session::action::CheckCredential& action);
    void on(const session::action::PollUpstream& action);
    void on(const session::action::PostUpstream& action);
    void on(const session::action::FindSession& action);
    void on(const session::action::AliasSid& action);
    void on(const session::action::Report& action);
    void on(const session::action::PauseClient& action);
    void on(const session::action::ResumeClient& action);
    void on(const session::action::PauseUpstream& action);
    void on(const session::action::ResumeUpstream& action);
    void on(const session::action::CloseClient& action);
    void on(const session::action::CloseUpstream& action);
    void on(const session::action::End& action);
    void tick_when_due();
    void report_blocked(bool client);
    void check_bounds();
    Socket& new_socket(bool client);
    void open_upstream_socket();
    void run_until(TimePoint when);
    void live();
    void trace(std::string_view what, std::string_view bytes = {}, std::uint64_t number = 0);

    const Scenario& scenario_;
    Schedule schedule_;
    Random shell_random_, network_random_, cut_random_;
    std::optional<Random> move_random_;
    session::Stats stats_;
    Ledger ledger_;
    session::Workspace& workspace_;
    Detail detail_;
    std::unique_ptr<session::Session> session_;
    std::unique_ptr<ClientModel> client_;
    std::unique_ptr<UpstreamModel> upstream_;
    std::vector<std::unique_ptr<Socket>> sockets_;  // all that ever were: events may still point to them
    Socket* client_socket_ = nullptr;
    Socket* upstream_socket_ = nullptr;
    std::set<session::ExchangeId> exchanges_;  // open for the session
    session::ExchangeId next_exchange_ = 0;
    bool connect_asked_ = false, credential_asked_ = false;
    bool client_paused_ = false, upstream_paused_ = false;
    bool resting_ = false, over_ = false, taking_ = false;
    TimePoint tick_at_ = session::never;
    std::uint64_t ticks_ = 0;
    Result result_;
};

}  // namespace forestay::simulation
