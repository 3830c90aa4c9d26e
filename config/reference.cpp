#include "config/reference.h"

#include <string_view>

#include "config/schema.h"

namespace forestay::config {
namespace {

constexpr std::string_view preface = R"(# Configuration

One YAML file. Two keys are a configuration; everything else has a default:

```yaml
listen: 0.0.0.0:8080
upstream: http://127.0.0.1:5000
```

    forestay check  -c forestay.yaml     every problem at once, file:line:column; warnings for risky settings
    forestay config -c forestay.yaml     what is in force, secrets masked
    forestay config --defaults           every default
    forestay config --schema             JSON Schema, for completion in editors
    forestay config --reference          this page

This page is made from the table in `keys.cpp`, from which the checks and the defaults come too.

## How values are written

- **Durations and sizes have a unit**: `500ms`, `30s`, `5m`, `24h`, `31d`; `512B`, `64KiB`, `1MiB`, `2GiB`. Whole numbers,
  one unit. **Rates** are `100/s`, `30/m`, `10/h`; **shares** are `50%`.
- **Numbers** are decimal without a leading zero; **yes and no** are `true` and `false`.
- Where a **list** is expected, a single value alone will do.
- **`${NAME}`** inside a value is taken from the environment, and **`${NAME:-default}`** when the variable is not set or is
  empty. A variable without a default must be set. What it holds is text: it cannot add keys. A plain `${` is written `$${`.
- **Secrets** are best kept in files: every key that holds one has a twin that ends in `_file`. A newline at the file's end
  is not part of it. `forestay check` warns about files that every user of the machine can read.
- **Paths** of files begin, when they are relative, at the directory of the file that names them.
- **Flags**: `--set heartbeat.ping_interval=20s` sets any key, `--set requests.0.timeout=5s` one of a list's first element
  (the value is YAML); `--listen` and `--upstream` set these two. Flags go over the file.
- An address that begins with a bracket needs quotes: `"[::1]:8080"`. So does a lone star, and a placeholder: `"{{id}}"`.
- YAML that hides mistakes is refused: duplicate keys, anchors and aliases, tags, directives, a second document, quoted text over more
  than one line, more than 32 levels, 50,000 values or 1 MiB.

A key that is not known is an error, and so is one that is marked *not supported yet*: no setting is ever ignored.

## Keys

)";

std::string in_code(std::string_view text) {
    return '`' + std::string(text) + '`';
}

std::string words(std::string_view text) {
    std::string out;
    for (const auto word : split_words(text)) out += (out.empty() ? "" : ", ") + in_code(word);
    return out;
}

std::string type_cell(const Key& key) {
    const bool a_list = key.is(traits::list);
    std::string out;
    switch (key.type) {
        case Type::section:
            out = a_list ? "list of maps" : "map";
            return out;
        case Type::choice:
            out = words(key.bounds);
            break;
        case Type::boolean:
            out = "boolean";
            break;
        case Type::integer:
            out = "integer";
            break;
        case Type::duration:
            out = "duration";
            break;
        case Type::size:
            out = "size";
            break;
        case Type::rate:
            out = "rate";
            break;
        case Type::percent:
            out = "share";
            break;
        case Type::text:
            out = key.is(traits::secret) ? "secret" : "text";
            break;
        case Type::file:
            out = "file";
            break;
        case Type::address:
            out = "address";
            break;
        case Type::url:
            out = "URL";
            break;
        case Type::network:
            out = "network";
            break;
        case Type::path:
            out = "path";
            break;
        case Type::header:
            out = "header name";
            break;
        case Type::json:
            out = "any";
            break;
        case Type::json_scalar:
            out = "scalar";
            break;
    }
    if (key.bounds.find("..") != std::string_view::npos) out += ", " + std::string(key.bounds);
    return a_list ? "list: " + out : out;
}

std::string default_cell(const Key& key) {
    if (key.is(traits::required)) return "required";
    return key.initial.empty() ? "" : in_code(key.initial);
}

std::string description_cell(const Key& key) {
    std::string out;
    if (key.is(traits::later)) out = "*Not supported yet.* ";
    out += key.description;
    if (!key.now.empty()) out += " *Only " + words(key.now) + " for now.*";
    return out;
}

// The part of a path that is shown below its section's heading.
std::string_view below_heading(std::string_view path) {
    const auto dot = path.find('.');
    return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

}  // namespace

std::string reference_markdown() {
    std::string out(preface);
    bool in_table = false;
    for (const Key& key : keys()) {
        const bool top = key.path.find('.') == std::string_view::npos;
        if (top) {
            out += (in_table ? "\n" : "") + std::string("### ") + std::string(key.path) + "\n\n";
            out += description_cell(key) + '\n';
            in_table = false;
            if (key.type == Type::section) {
                if (key.is(traits::required)) out += "Required.\n";
            } else {
                const std::string initial = default_cell(key);
                out += '\n' + type_cell(key) + "; " +
                       (initial.empty() ? "no default" : "default: " + initial) + '\n';
            }
            out += '\n';
            continue;
        }
        if (!in_table) out += "| key | type | default | |\n|---|---|---|---|\n";
        in_table = true;
        out += "| `" + std::string(below_heading(key.path)) + "` | " + type_cell(key) + " | " +
               default_cell(key) + " | " + description_cell(key) + " |\n";
    }
    return out;
}

}  // namespace forestay::config
