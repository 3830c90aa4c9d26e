#include "config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <set>
#include <sstream>
#include <utility>

#include "config/yaml_text.h"

namespace forestay::config {
namespace {

// Thrown out of the event handler: what was found so far is no tree worth looking at.
struct Stop {};

bool closes_on_its_line(std::string_view rest) {
    const char quote = rest.front();
    for (std::size_t i = 1; i < rest.size(); ++i) {
        if (quote == '"' && rest[i] == '\\') {
            ++i;
        } else if (rest[i] == quote) {
            if (quote == '"' || i + 1 >= rest.size() || rest[i + 1] != quote) return true;
            ++i;
        }
    }
    return false;
}

class TreeBuilder : public YAML::EventHandler {
  public:
    TreeBuilder(Lines& lines, std::shared_ptr<const Source> source, Problems& problems)
        : lines_(lines), source_(std::move(source)), problems_(problems) {
        root_.at = {source_, source_->lines ? 1U : 0U, source_->lines ? 1U : 0U};
    }

    [[nodiscard]] Place place(const YAML::Mark& mark) {
        if (mark.is_null()) return {source_, 0, 0};
        return place(static_cast<std::size_t>(mark.line), static_cast<std::size_t>(mark.column));
    }
    [[nodiscard]] Place place(std::size_t line, std::size_t byte) {
        if (!source_->lines) return {source_, 0, 0};
        return {source_, static_cast<unsigned>(line) + 1, lines_.column(line, byte)};
    }
    [[noreturn]] void stop(const YAML::Mark& mark, std::string message) {
        problems_.error(place(mark), std::move(message));
        throw Stop{};
    }
    [[nodiscard]] Place whole() const { return {source_, 0, 0}; }
    Node take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (documents_++ > 0) {
            stop(mark,
                 "this does not belong to what stands above it: one configuration is one YAML document");
        }
    }
    void OnDocumentEnd() override {}
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        stop(mark, "aliases (*name) are not supported: write the value out, or quote it if it is text");
    }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(leaf(Node::Kind::null, mark, anchor), mark);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        Node node = leaf(Node::Kind::scalar, mark, anchor);
        const std::string_view rest =
            lines_.rest(static_cast<std::size_t>(mark.line), static_cast<std::size_t>(mark.column));
        const char first = rest.empty() ? '\0' : rest.front();
        if ((tag != "?" && tag != "!") || first == '!') refuse_tag(mark);
        // yaml-cpp takes everything up to the end of the file for the text of an unclosed quote, without a
        // word.
        if ((first == '"' || first == '\'') && !closes_on_its_line(rest)) {
            stop(mark, "this quote is not closed on its line (for text of several lines use | or >)");
        }
        node.text = value;
        node.quoted = tag == "!";
        add(std::move(node), mark);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(Node::Kind::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(Node::Kind::map, mark, tag, anchor);
    }
    void OnMapEnd() override { close(); }

  private:
    // A list or map that is not closed yet.
    struct Open {
        Node node;
        bool has_key = false;  // of a map: the next node is the value of `key`
        std::string key;
        Place key_at;
        std::set<std::string, std::less<>> keys;
    };

    [[noreturn]] void refuse_tag(const YAML::Mark& mark) {
        stop(mark, "tags (!name) are not supported: quote the value if it is text");
    }
    Node leaf(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != 0) stop(mark, "anchors (&name) are not supported: quote the value if it is text");
        if (++nodes_ > yaml_nodes_max) {
            stop(mark, "more than " + std::to_string(yaml_nodes_max) + " values");
        }
        Node node;
        node.kind = kind;
        node.at = place(mark);
        return node;
    }
    void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (tag != "?") refuse_tag(mark);
        if (!open_.empty() && open_.back().node.is_map() && !open_.back().has_key) refuse_key(mark);
        if (open_.size() >= yaml_depth_max) {
            stop(mark, "nested deeper than " + std::to_string(yaml_depth_max) + " levels");
        }
        open_.push_back({leaf(kind, mark, anchor), false, {}, {}, {}});
    }
    void close() {
        Node node = std::move(open_.back().node);
        open_.pop_back();
        add(std::move(node), YAML::Mark::null_mark());
    }
    [[noreturn]] void refuse_key(const YAML::Mark& mark) {
        stop(mark, "a key must be a word (placeholders like \"{{id}}\" need quotes)");
    }
    void refuse_duplicate(const Open& map) {
        std::string message = "duplicate key " + quote(map.key);
        for (const Node::Entry& entry : map.node.entries) {
            if (entry.key != map.key || entry.at.line == 0) continue;
            message += ": it stands in line " + std::to_string(entry.at.line) + " already";
        }
        problems_.error(map.key_at, std::move(message));
    }
    void add(Node node, const YAML::Mark& mark) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& top = open_.back();
        if (top.node.is_list()) {
            top.node.items.push_back(std::move(node));
        } else if (!top.has_key) {
            if (!node.is_scalar()) refuse_key(mark);
            top.has_key = true;
            top.key = std::move(node.text);
            top.key_at = std::move(node.at);
        } else {
            top.has_key = false;
            // Nothing stands behind the colon: yaml-cpp's mark is already on the next line.
            if (node.kind == Node::Kind::null) node.at = top.key_at;
            if (top.keys.insert(top.key).second) {
                top.node.entries.push_back({std::move(top.key), std::move(top.key_at), std::move(node)});
            } else {
                refuse_duplicate(top);
            }
        }
    }

    Lines& lines_;
    std::shared_ptr<const Source> source_;
    Problems& problems_;
    Node root_;
    std::vector<Open> open_;
    std::size_t nodes_ = 0;
    int documents_ = 0;
};

std::string what_yaml_says(const YAML::Exception& problem) {
    std::string message = "this is not YAML: " + problem.msg;
    if (problem.msg.find("not found") != std::string::npos) {
        message += " (indentation, a missing colon or bracket, or a bare * or & that needs quotes?)";
    }
    if (problem.msg == YAML::ErrorMsg::EOF_IN_SCALAR) message += " (a quote that is not closed?)";
    return message;
}

}  // namespace

std::optional<Node> read_yaml_value(std::string_view text, std::shared_ptr<const Source> source,
                                    Problems& problems) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    Lines lines(text);
    TreeBuilder builder(lines, std::move(source), problems);
    if (auto problem = find_unreadable(text)) {
        const std::size_t offset = problem->offset.value_or(0);
        const std::size_t line = lines.line_of(offset);
        problems.error(problem->offset ? builder.place(line, lines.byte_of(offset)) : builder.whole(),
                       std::move(problem->message));
        return std::nullopt;
    }
    try {
        std::istringstream in{std::string(text)};
        YAML::Parser parser(in);
        // The second call is there to see that nothing follows. There is no third: a stray comma is never
        // consumed, and the parser would find one more empty document in it for ever.
        if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
    } catch (const Stop&) {
        return std::nullopt;
    } catch (const YAML::Exception& problem) {
        problems.error(builder.place(problem.mark), what_yaml_says(problem));
        return std::nullopt;
    }
    return builder.take();
}

std::optional<Node> read_yaml(std::string_view text, std::shared_ptr<const Source> source,
                              Problems& problems) {
    const Place whole{source, source->lines ? 1U : 0U, source->lines ? 1U : 0U};
    auto root = read_yaml_value(text, std::move(source), problems);
    if (!root) return root;
    if (root->kind == Node::Kind::null) {
        root->kind = Node::Kind::map;
        root->at = whole;
    }
    if (!root->is_map()) {
        problems.error(root->at, "a configuration is a map: listen: ..., upstream: ...");
        return std::nullopt;
    }
    return root;
}

const Node* Node::find(std::string_view key) const {
    for (const Entry& entry : entries) {
        if (entry.key == key) return &entry.value;
    }
    return nullptr;
}

Node* Node::find(std::string_view key) {
    for (Entry& entry : entries) {
        if (entry.key == key) return &entry.value;
    }
    return nullptr;
}

}  // namespace forestay::config
