#include "proxy/net/lockout.h"

#include <string>

#include "proxy/net/failed_credentials.h"

namespace forestay::net {
namespace {

// A credential that has been good once, or will be, or was meant for somebody else, is no guess: expired, not
// yet valid, with a key or claims that we do not want (its issuer may have changed them for a whole office).
// A cookie comes unasked, and is not counted at all.
bool is_guess(auth::errc why) {
    switch (why) {
        case auth::errc::bad_signature:
        case auth::errc::bad_algorithm:
        case auth::errc::unknown_token:
        case auth::errc::malformed:
            return true;
        default:
            return false;
    }
}

}  // namespace

std::optional<std::chrono::seconds> locked_out(const Shared& shared, Stats& stats, std::string_view address,
                                               std::string_view credential) {
    if (!shared.options.failed_rate.bounded() || credential.empty()) return std::nullopt;
    const auto wait = shared.failures->locked_out(address, credential, std::chrono::steady_clock::now());
    if (wait) ++stats.auth_refusals.at(static_cast<std::size_t>(auth::errc::locked_out));
    return wait;
}

void note_refusal(const Shared& shared, Stats& stats, std::string_view address, std::string_view credential,
                  auth::errc why) {
    if (why == auth::errc::unknown_key) shared.common->unknown_key.store(true, std::memory_order_relaxed);
    const session::Rate& rate = shared.options.failed_rate;
    if (!rate.bounded() || credential.empty() || !is_guess(why)) return;
    const auto begun = shared.failures->failed(address, credential, rate, std::chrono::steady_clock::now());
    if (!begun) return;
    const bool of_address = begun->of == FailedCredentials::Of::address;
    ++stats.auth_lockouts.at(static_cast<std::size_t>(begun->of));
    if (!shared.journal) return;
    JournalEntry entry{Level::warning,
                       "auth_lockout",
                       {{"of", of_address ? "address" : "credential"},
                        {"reason", std::string(auth::name(why))},
                        {"seconds", std::to_string(begun->lasts.count())}}};
    entry.fields.emplace_back("client", std::string(address));
    shared.journal(entry);
}

}  // namespace forestay::net
