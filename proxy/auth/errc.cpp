#include "proxy/auth/errc.h"

#include <string>

namespace forestay::auth {

std::string_view name(errc e) noexcept {
    switch (e) {
        case errc::no_credential:
            return "no_credential";
        case errc::ambiguous:
            return "ambiguous";
        case errc::malformed:
            return "malformed";
        case errc::bad_signature:
            return "bad_signature";
        case errc::expired:
            return "expired";
        case errc::not_yet_valid:
            return "not_yet_valid";
        case errc::bad_algorithm:
            return "bad_algorithm";
        case errc::unknown_key:
            return "unknown_key";
        case errc::bad_claims:
            return "bad_claims";
        case errc::bad_identity:
            return "bad_identity";
        case errc::unknown_token:
            return "unknown_token";
        case errc::denied:
            return "denied";
        case errc::locked_out:
            return "locked_out";
        case errc::no_keys:
            return "no_keys";
    }
    return "unknown";
}

namespace {

class Category final : public boost::system::error_category {
  public:
    const char* name() const noexcept override { return "forestay.auth"; }
    std::string message(int value) const override {
        return std::string(auth::name(static_cast<errc>(value)));
    }
};

}  // namespace

const boost::system::error_category& error_category() noexcept {
    static const Category category;
    return category;
}

}  // namespace forestay::auth
