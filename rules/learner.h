// Watches traffic and guesses the rules: which messages are requests, where their ids are, what answers them
// and after what time. A value: no clock, no thread; what several have seen can be added up.
//
// An id is a value that a client says once and the app says again soon after. Which field that is nobody
// tells: each string and number of a client's message is remembered for a while, as a keyed hash, and what
// comes back is counted. Everything is bounded; values themselves are kept only as the samples that were
// asked for.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "rules/gate.h"
#include "rules/message.h"
#include "rules/proposal.h"

namespace forestay::rules {

class Learner {
  public:
    struct Options {
        std::uint64_t seed = 0;  // of the hashes; random
        bool samples = false;    // keep a few short bodies of each name
        std::size_t names = 1'000;
        std::size_t fields = 5'000;                               // of all names; 10 KB each
        std::size_t pending = 100'000;                            // values of clients that may come back
        std::chrono::milliseconds window{std::chrono::hours(1)};  // for so long
    };
    enum class From : std::uint8_t { client, app };

    explicit Learner(const Options& options);
    ~Learner();
    Learner(Learner&&) noexcept;

    // `session` tells the sessions apart. `text` is a whole packet, without the digit of Engine.IO.
    void socketio(From from, std::uint64_t session, std::string_view text, TimePoint now);
    // A message of a JSON websocket; `type` is where its type is.
    void json(From from, std::uint64_t session, std::string_view path, const wire::json::Pointer& type,
              std::string_view text, TimePoint now);

    // What another one has seen is ours, too. Sessions must not be shared.
    void add(Learner other);
    // Closes the books: what is not answered by now is unanswered.
    [[nodiscard]] Proposal proposal();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::rules
