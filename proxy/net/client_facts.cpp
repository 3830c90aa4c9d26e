#include "proxy/net/client_facts.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

namespace forestay::net {
namespace {

using std::string_view;
using wire::http::iequals;

constexpr std::size_t hops_max = 32;

struct Address {
    bool v6 = false;
    std::array<std::uint8_t, 16> bytes{};
};

std::optional<Address> parse_address(string_view text) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.empty() || text.size() >= terminated.size()) return {};
    std::copy(text.begin(), text.end(), terminated.begin());
    Address address;
    if (inet_pton(AF_INET, terminated.data(), address.bytes.data()) == 1) return address;
    address.v6 = true;
    if (inet_pton(AF_INET6, terminated.data(), address.bytes.data()) == 1) return address;
    return {};
}

bool contains(const Network& network, const Address& address) {
    if (network.v6 != address.v6) return false;
    const unsigned prefix = std::min(network.prefix, address.v6 ? 128U : 32U);
    for (unsigned bit = 0; bit < prefix; ++bit) {
        const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
        if ((network.address[bit / 8] & mask) != (address.bytes[bit / 8] & mask)) return false;
    }
    return true;
}

string_view trim(string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// Proxies write ports and brackets, too: "192.0.2.1:80", "[2001:db8::1]:80".
string_view without_port(string_view hop) {
    if (hop.starts_with('[')) return hop.substr(1, std::min(hop.find(']'), hop.size()) - 1);
    const std::size_t colon = hop.find(':');
    return colon == hop.rfind(':') ? hop.substr(0, colon) : hop;
}

// The values of all fields of a name, as one list's items.
std::vector<string_view> items(const wire::http::RequestHead& head, string_view name) {
    std::vector<string_view> found;
    for (const auto& field : head.fields) {
        if (!iequals(field.name, name)) continue;
        for (std::size_t from = 0; from <= field.value.size();) {
            const std::size_t comma = std::min(field.value.find(',', from), field.value.size());
            found.push_back(trim(field.value.substr(from, comma - from)));
            from = comma + 1;
        }
    }
    return found;
}

// What the nearest proxy said: the last item.
string_view last_item(const wire::http::RequestHead& head, string_view name) {
    const auto found = items(head, name);
    return found.empty() ? string_view{} : found.back();
}

}  // namespace

bool is_trusted(string_view address, const std::vector<Network>& trusted) {
    const auto parsed = parse_address(address);
    return parsed && std::any_of(trusted.begin(), trusted.end(),
                                 [&](const Network& network) { return contains(network, *parsed); });
}

ClientFacts client_facts(const wire::http::RequestHead& head, string_view peer, string_view scheme,
                         const std::vector<Network>& trusted) {
    ClientFacts facts{std::string(peer), std::string(peer), std::string(scheme), std::string(head.host)};
    facts.by_trusted_proxy = is_trusted(peer, trusted);
    if (!facts.by_trusted_proxy) return facts;

    // From the right: each trusted proxy vouches for the address before it. Garbage ends the walk.
    const auto hops = items(head, "x-forwarded-for");
    for (std::size_t i = hops.size(), walked = 0; i > 0 && walked < hops_max; --i, ++walked) {
        const string_view hop = without_port(hops[i - 1]);
        if (!parse_address(hop)) break;
        facts.address = hop;
        facts.forwarded_for = std::string(hop) + ", " + facts.forwarded_for;
        if (!is_trusted(hop, trusted)) break;
    }
    const string_view said = last_item(head, "x-forwarded-proto");
    if (iequals(said, "https") || iequals(said, "http"))
        facts.scheme = iequals(said, "https") ? "https" : "http";
    const string_view host = last_item(head, "x-forwarded-host");
    if (wire::http::valid_host(host)) facts.host = host;
    return facts;
}

}  // namespace forestay::net
