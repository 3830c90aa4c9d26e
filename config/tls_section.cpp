#include "config/tls_section.h"

#include <chrono>
#include <string>

#include "config/access.h"
#include "proxy/auth/certificate.h"

namespace forestay::config {
namespace {

using ClientCertificates = net::TlsServerOptions::ClientCertificates;

constexpr std::chrono::days expiry_warning{30};

void check_dates(const auth::Certificate& certificate, const Node& file, Problems& problems) {
    const auto now = std::chrono::system_clock::now();
    if (certificate.not_after <= now) {
        problems.error(file.at, "the certificate in " + quote(resolve(file)) + " has expired");
    } else if (certificate.not_before > now) {
        problems.error(file.at, "the certificate in " + quote(resolve(file)) + " is not valid yet");
    } else if (certificate.not_after - now < expiry_warning) {
        const auto days = std::chrono::floor<std::chrono::days>(certificate.not_after - now).count();
        problems.warning(file.at, "the certificate in " + quote(resolve(file)) + " expires in " +
                                      std::to_string(days) + (days == 1 ? " day" : " days"));
    }
}

// False: told why.
bool check_pair(const Node& cert_file, const Node& key_file, const ReadFile& read, Problems& problems) {
    const std::size_t errors = problems.errors();
    const auto pem = read_named(cert_file, read, problems);
    const auto key = read_secret(key_file, read, problems);
    if (!pem || !key) return false;
    std::string problem;
    const auto certificate = auth::read_certificate(pem->text, problem);
    if (!certificate) {
        problems.error(cert_file.at, quote(resolve(cert_file)) + ' ' + problem);
        return false;
    }
    check_dates(*certificate, cert_file, problems);
    problem = auth::check_private_key(pem->text, *key);
    if (!problem.empty()) problems.error(key_file.at, quote(resolve(key_file)) + ' ' + problem);
    return problems.errors() == errors;
}

// The path; empty: told why.
std::string read_authorities(const Node& file, const ReadFile& read, Problems& problems) {
    const auto pem = read_named(file, read, problems);
    if (!pem) return {};
    std::string problem;
    if (auth::read_certificate(pem->text, problem)) return resolve(file);
    problems.error(file.at, quote(resolve(file)) + ' ' + problem);
    return {};
}

void read_pair(const Node& map, const ReadFile& read, net::TlsServerOptions& out, Problems& problems) {
    const Node* cert_file = map.find("cert_file");
    const Node* key_file = map.find("key_file");
    if (!cert_file || !key_file) return;  // told already
    if (check_pair(*cert_file, *key_file, read, problems))
        out.certificates.push_back({resolve(*cert_file), resolve(*key_file)});
}

void read_client_certificates(const Node& tls, const ReadFile& read, net::TlsServerOptions& out,
                              Problems& problems) {
    const Node* wanted = tls.find("client_certificates");
    const Node* file = tls.find("client_ca_file");
    const std::string word = wanted ? wanted->text : file ? "required" : "off";
    if (file) out.client_ca_file = read_authorities(*file, read, problems);
    if (word != "off" && !file) {
        problems.error(wanted->at,
                       "tls.client_certificates without tls.client_ca_file: nobody vouches for one");
    }
    out.client_certificates = word == "required"   ? ClientCertificates::required
                              : word == "optional" ? ClientCertificates::optional
                                                   : ClientCertificates::off;
}

}  // namespace

std::optional<net::TlsServerOptions> read_tls(const Node& root, const ReadFile& read, Problems& problems) {
    const Node* tls = root.find("tls");
    if (!tls || tls->broken) return std::nullopt;
    net::TlsServerOptions out;
    const std::size_t errors = problems.errors();
    read_pair(*tls, read, out, problems);
    for (const Node& each : items(*tls, "certificates")) read_pair(each, read, out, problems);
    out.min_version = text(*tls, "min_version");
    read_client_certificates(*tls, read, out, problems);
    if (problems.errors() > errors || out.certificates.empty()) return std::nullopt;
    return out;
}

net::TlsClientOptions read_upstream_tls(const Node& root, const ReadFile& read, Problems& problems) {
    net::TlsClientOptions out;
    const Node* tls = find_node(root, "upstream.tls");
    if (!tls || tls->broken) return out;
    out.server_name = text(*tls, "server_name");
    out.verify = boolean(*tls, "verify");
    if (!out.verify) {
        problems.warning(tls->find("verify")->at,
                         "upstream.tls.verify: who gets in between reads and changes everything: name the "
                         "app's CA in upstream.tls.ca_file");
    }
    if (const Node* file = tls->find("ca_file")) out.ca_file = read_authorities(*file, read, problems);
    const Node* cert_file = tls->find("cert_file");
    const Node* key_file = tls->find("key_file");
    if ((cert_file == nullptr) != (key_file == nullptr)) {
        problems.error(tls->at, "upstream.tls: cert_file and key_file belong together");
    } else if (cert_file && check_pair(*cert_file, *key_file, read, problems)) {
        out.cert_file = resolve(*cert_file);
        out.key_file = resolve(*key_file);
    }
    return out;
}

}  // namespace forestay::config
