#include "proxy/net/reply.h"

#include <algorithm>

namespace forestay::net {

std::string_view status_text(unsigned status) noexcept {
    switch (status) {
        case 200:
            return "OK";
        case 204:
            return "No Content";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 411:
            return "Length Required";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 426:
            return "Upgrade Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        case 507:
            return "Insufficient Storage";
        default:
            return "";
    }
}

Reply error_reply(unsigned status, std::string_view reason) {
    std::string error(status_text(status));
    std::transform(error.begin(), error.end(), error.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    Reply reply;
    reply.status = status;
    reply.body = "{\"error\":\"" + error + "\",\"reason\":\"" + std::string(reason) + "\"}";
    reply.reason = reason;
    if (status == 405) reply.fields.emplace_back("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    if (status == 426) {
        reply.fields.emplace_back("Upgrade", "websocket");
        reply.fields.emplace_back("Sec-WebSocket-Version", "13");
    }
    if (status == 503) reply.fields.emplace_back("Retry-After", "1");
    return reply;
}

Reply retry_later(unsigned status, std::string_view reason, std::chrono::seconds after) {
    Reply reply = error_reply(status, reason);
    std::erase_if(reply.fields, [](const auto& field) { return field.first == "Retry-After"; });
    reply.fields.emplace_back("Retry-After", std::to_string(after.count()));
    return reply;
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
}

std::string head_of(const Reply& reply, bool keep_alive) {
    std::string head = "HTTP/1.1 " + std::to_string(reply.status) + ' ';
    head.append(status_text(reply.status)).append("\r\n");
    for (const auto& [name, value] : reply.fields) append_field(head, name, value);
    if (reply.status != 204) {
        if (!reply.content_type.empty()) append_field(head, "Content-Type", reply.content_type);
        append_field(head, "Content-Length", std::to_string(reply.body.size()));
    }
    if (!keep_alive) append_field(head, "Connection", "close");
    return head += "\r\n";
}

}  // namespace forestay::net
