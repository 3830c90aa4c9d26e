#include "tests/simulation/pipe.h"

#include <algorithm>
#include <utility>

namespace forestay::simulation {

Pipe::Pipe(Schedule& schedule, std::chrono::microseconds latency, Random* cuts, Bytes bytes, Ended ended)
    : schedule_(schedule),
      latency_(latency),
      cuts_(cuts),
      bytes_(std::move(bytes)),
      ended_(std::move(ended)) {}

void Pipe::write(std::string_view bytes, std::function<void()> read) {
    if (cut_) return;
    waiting_ += bytes.size();
    pieces_.push_back({schedule_.now() + latency_, std::string(bytes), 0, false, std::move(read)});
    schedule_.after(latency_, [this] { pump(); });
}

void Pipe::finish() {
    if (cut_) return;
    pieces_.push_back({schedule_.now() + latency_, {}, 0, true, {}});
    schedule_.after(latency_, [this] { pump(); });
}

void Pipe::cut() {
    cut_ = true;
    waiting_ = 0;
}

void Pipe::hold(bool on) {
    held_ = on;
    if (!on) schedule_.after(std::chrono::microseconds(1), [this] { pump(); });
}

void Pipe::freeze(std::size_t bytes, std::chrono::microseconds duration) {
    allowance_ = bytes;
    const std::uint64_t mine = ++freezes_;
    schedule_.after(duration, [this, mine] {
        if (mine != freezes_) return;
        allowance_.reset();
        pump();
    });
}

void Pipe::take_some(Piece& piece) {
    const std::size_t left = piece.bytes.size() - piece.taken;
    std::size_t size = left;
    if (cuts_ != nullptr && cuts_->chance(50)) size = 1 + cuts_->below(std::min<std::size_t>(left, 40));
    if (allowance_) size = std::min(size, *allowance_);
    size = std::min(size, left);
    if (allowance_) *allowance_ -= size;
    waiting_ -= size;
    const std::string_view bytes = std::string_view(piece.bytes).substr(piece.taken, size);
    piece.taken += size;
    if (piece.taken == piece.bytes.size() && piece.read) piece.read();
    bytes_(bytes);
}

void Pipe::pump() {
    if (pumping_) return;  // the receiver's reaction came back here: the loop below goes on
    pumping_ = true;
    while (!pieces_.empty() && !stopped() && pieces_.front().arrival <= schedule_.now()) {
        Piece& piece = pieces_.front();
        if (piece.taken < piece.bytes.size()) take_some(piece);
        if (piece.taken < piece.bytes.size()) continue;
        const bool last = piece.last;
        pieces_.pop_front();
        if (last && !cut_) {
            cut_ = true;
            ended_();
        }
    }
    pumping_ = false;
}

}  // namespace forestay::simulation
