#include "src/io/line/one_pass_pattern.h"

#include <bitset>
#include <map>
#include <optional>

namespace velaria {

namespace {

constexpr size_t kMostNodes = 4000;  // counted repetitions multiply them
constexpr size_t kMostStates = 2000;
constexpr int kMostGroups = 31;  // two bits of a word each
constexpr int kMostDepth = 200;

using ByteSet = std::bitset<128>;

// The pattern as instructions: what a state may do next, without looking at a byte or by taking
// one.
struct Node {
  enum class Kind { kByte, kSplit, kMark, kFinal } kind = Kind::kFinal;
  ByteSet bytes;
  int mark = 0;
  size_t next = 0;
  size_t other = 0;  // kSplit
};

// A piece of the pattern that has been read. Pieces are made into nodes from the last one on.
struct Piece {
  enum class Kind { kBytes, kSequence, kChoice, kRepeat, kGroup } kind = Kind::kSequence;
  ByteSet bytes;
  std::vector<Piece> parts;
  int least = 0;
  int most = -1;   // -1: any number
  int group = -1;  // -1: not counted
};

ByteSet range_of(int first, int last) {
  ByteSet out;
  for (int i = first; i <= last; ++i) out.set(static_cast<size_t>(i));
  return out;
}

std::optional<ByteSet> named_set(char letter) {
  ByteSet out;
  switch (letter | 0x20) {
    case 'd': out = range_of('0', '9'); break;
    case 'w':
      out = range_of('0', '9') | range_of('a', 'z') | range_of('A', 'Z') | range_of('_', '_');
      break;
    case 's':
      for (const char c : {' ', '\t', '\n', '\f', '\r'}) out.set(static_cast<size_t>(c));
      break;
    default: return std::nullopt;
  }
  return (letter & 0x20) != 0 ? out : ~out;
}

bool is_punctuation(char c) {
  return c > ' ' && c < 0x7F && !(c >= '0' && c <= '9') &&
         !((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

// Thrown for what is not understood; RE2 decides about it.
struct NotOnePass {};

class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : text_(text) {}

  Piece read() {
    if (!take('^')) throw NotOnePass();
    Piece out = choice(0);
    if (!ended_ || at_ != text_.size()) throw NotOnePass();
    return out;
  }
  int groups() const { return groups_; }

 private:
  bool done() const { return at_ >= text_.size(); }
  bool take(char c) {
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  char next() {
    if (done() || static_cast<unsigned char>(text_[at_]) >= 0x80) throw NotOnePass();
    return text_[at_++];
  }

  Piece choice(int depth) {
    if (depth > kMostDepth) throw NotOnePass();
    Piece out;
    out.kind = Piece::Kind::kChoice;
    do {
      // "^a|b$" would anchor each side on one end only.
      if (depth == 0 && !out.parts.empty()) throw NotOnePass();
      out.parts.push_back(sequence(depth));
    } while (take('|'));
    if (out.parts.size() == 1) return Piece(out.parts[0]);
    return out;
  }

  Piece sequence(int depth) {
    Piece out;
    while (!done() && text_[at_] != '|' && text_[at_] != ')') {
      if (ended_) throw NotOnePass();
      if (text_[at_] == '$') {
        if (depth > 0) throw NotOnePass();
        ++at_;
        ended_ = true;
        continue;
      }
      out.parts.push_back(repeated(one(depth)));
    }
    return out;
  }

  Piece one(int depth) {
    const char c = next();
    Piece out;
    out.kind = Piece::Kind::kBytes;
    switch (c) {
      case '(': return group(depth);
      case '[': out.bytes = byte_class(); return out;
      case '.': out.bytes = ~range_of('\n', '\n'); return out;
      case '\\': out.bytes = escape(); return out;
      case '*':
      case '+':
      case '?':
      case '{':
      case '^': throw NotOnePass();
      default: out.bytes.set(static_cast<size_t>(c)); return out;
    }
  }

  ByteSet escape() {
    const char c = next();
    if (const auto set = named_set(c)) return *set;
    if (c == 't') return range_of('\t', '\t');
    if (!is_punctuation(c)) throw NotOnePass();
    return range_of(c, c);
  }

  ByteSet byte_class() {
    const bool negated = take('^');
    ByteSet out;
    bool first = true;
    for (;; first = false) {
      if (take(']') && !first) break;
      if (first && at_ > 0 && text_[at_ - 1] == ']') throw NotOnePass();
      char c = next();
      if (c == '[' && !done() && text_[at_] == ':') throw NotOnePass();
      if (c == '\\') {
        const size_t begin = at_;
        const ByteSet set = escape();
        if (set.count() != 1) {
          out |= set;
          continue;
        }
        c = text_[begin] == 't' ? '\t' : text_[begin];
      }
      int last = c;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        last = next();
        if (last == '\\' || last == '[' || last < c) throw NotOnePass();
      }
      out |= range_of(c, last);
    }
    return negated ? ~out : out;
  }

  Piece group(int depth) {
    Piece out;
    out.kind = Piece::Kind::kGroup;
    if (take('?')) {
      if (take(':')) {
        out.group = -1;
      } else if (take('P') || text_.substr(at_, 1) == "<") {
        if (!take('<')) throw NotOnePass();
        while (!take('>')) next();
        out.group = ++groups_;
      } else {
        throw NotOnePass();
      }
    } else {
      out.group = ++groups_;
    }
    out.parts.push_back(choice(depth + 1));
    if (!take(')')) throw NotOnePass();
    return out;
  }

  int number() {
    int out = 0;
    size_t digits = 0;
    while (!done() && text_[at_] >= '0' && text_[at_] <= '9' && digits++ < 4) {
      out = out * 10 + (text_[at_++] - '0');
    }
    if (digits == 0 || digits > 4) throw NotOnePass();
    return out;
  }

  Piece repeated(Piece piece) {
    Piece out;
    out.kind = Piece::Kind::kRepeat;
    if (take('*')) {
      out.least = 0;
    } else if (take('+')) {
      out.least = 1;
    } else if (take('?')) {
      out.most = 1;
    } else if (take('{')) {
      out.least = out.most = number();
      if (take(',')) out.most = !done() && text_[at_] != '}' ? number() : -1;
      if (!take('}') || (out.most >= 0 && out.most < out.least)) throw NotOnePass();
    } else {
      return piece;
    }
    // Whether as many or as few as can be: there is one way on, so it is the same. Repeated again,
    // RE2 may see it otherwise.
    take('?');
    if (!done() &&
        (text_[at_] == '*' || text_[at_] == '+' || text_[at_] == '?' || text_[at_] == '{')) {
      throw NotOnePass();
    }
    out.parts.push_back(std::move(piece));
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
  int groups_ = 0;
  bool ended_ = false;
};

}  // namespace

class OnePassCompiler {
 public:
  std::unique_ptr<const OnePassPattern> compile(std::string_view pattern) {
    PatternReader reader(pattern);
    const Piece whole = reader.read();
    if (reader.groups() > kMostGroups) throw NotOnePass();
    std::unique_ptr<OnePassPattern> out(new OnePassPattern());
    out_ = out.get();
    out_->groups_ = reader.groups();
    out_->marks_.push_back(0);
    nodes_.push_back({});  // the final one
    const size_t start = make(whole, 0);
    make_classes();
    // State 0 is that without a way on.
    add_state(SIZE_MAX);
    add_state(start);
    for (size_t state = 1; state < starts_.size(); ++state) {
      seen_.assign(nodes_.size(), false);
      follow(state, starts_[state], 0);
    }
    // From numbers of states to places of their steps.
    for (OnePassPattern::Step& step : out_->steps_) {
      step.next *= static_cast<uint32_t>(out_->classes_);
    }
    return out;
  }

 private:
  size_t add_node(Node node) {
    if (nodes_.size() >= kMostNodes) throw NotOnePass();
    nodes_.push_back(node);
    return nodes_.size() - 1;
  }

  // Nodes for a piece that is followed by the node `next`; gives the first of them.
  size_t make(const Piece& piece, size_t next) {
    Node node;
    node.next = next;
    switch (piece.kind) {
      case Piece::Kind::kBytes:
        node.kind = Node::Kind::kByte;
        node.bytes = piece.bytes;
        return add_node(node);
      case Piece::Kind::kSequence:
        for (size_t i = piece.parts.size(); i > 0; --i) next = make(piece.parts[i - 1], next);
        return next;
      case Piece::Kind::kChoice: {
        size_t first = make(piece.parts.back(), next);
        for (size_t i = piece.parts.size() - 1; i > 0; --i) {
          first = split(make(piece.parts[i - 1], next), first);
        }
        return first;
      }
      case Piece::Kind::kRepeat: {
        const Piece& part = piece.parts[0];
        if (piece.most < 0) {
          const size_t loop = split(0, next);
          const size_t body = make(part, loop);
          nodes_[loop].next = body;
          next = loop;
        } else {
          const size_t behind = next;
          for (int i = piece.least; i < piece.most; ++i) next = split(make(part, next), behind);
        }
        for (int i = 0; i < piece.least; ++i) next = make(part, next);
        return next;
      }
      case Piece::Kind::kGroup: {
        if (piece.group < 0) return make(piece.parts[0], next);
        node.kind = Node::Kind::kMark;
        node.mark = 2 * piece.group + 1;
        Node begin = node;
        begin.mark = 2 * piece.group;
        begin.next = make(piece.parts[0], add_node(node));
        return add_node(begin);
      }
    }
    return next;
  }

  size_t split(size_t next, size_t other) {
    Node node;
    node.kind = Node::Kind::kSplit;
    node.next = next;
    node.other = other;
    return add_node(node);
  }

  void make_classes() {
    // Bytes are alike when all sets have both or none of them.
    std::map<std::vector<bool>, uint8_t> known;
    out_->classes_ = 1;
    for (size_t byte = 0; byte < 128; ++byte) {
      std::vector<bool> in;
      for (const Node& node : nodes_) {
        if (node.kind == Node::Kind::kByte) in.push_back(node.bytes[byte]);
      }
      const auto [place, added] = known.emplace(in, static_cast<uint8_t>(out_->classes_));
      if (added) ++out_->classes_;
      out_->class_[byte] = place->second;
    }
  }

  uint32_t add_state(size_t start) {
    const auto [place, added] = states_.emplace(start, static_cast<uint32_t>(starts_.size()));
    if (added) {
      if (starts_.size() >= kMostStates) throw NotOnePass();
      starts_.push_back(start);
      out_->steps_.resize(starts_.size() * out_->classes_);
      out_->final_marks_.push_back(0);
      out_->is_final_.push_back(false);
    }
    return place->second;
  }

  uint32_t place_of_marks(uint64_t marks) {
    for (size_t i = 0; i < out_->marks_.size(); ++i) {
      if (out_->marks_[i] == marks) return static_cast<uint32_t>(i);
    }
    out_->marks_.push_back(marks);
    return static_cast<uint32_t>(out_->marks_.size() - 1);
  }

  // All that `state` may do from `node` on; each node is reached in one way only.
  void follow(size_t state, size_t node_number, uint64_t marks) {
    if (seen_[node_number]) throw NotOnePass();
    seen_[node_number] = true;
    const Node node = nodes_[node_number];
    switch (node.kind) {
      case Node::Kind::kSplit:
        follow(state, node.next, marks);
        follow(state, node.other, marks);
        return;
      case Node::Kind::kMark: follow(state, node.next, marks | uint64_t{1} << node.mark); return;
      case Node::Kind::kFinal:
        out_->is_final_[state] = true;
        out_->final_marks_[state] = marks;
        return;
      case Node::Kind::kByte: break;
    }
    const uint32_t next = add_state(node.next);
    const uint32_t place = place_of_marks(marks);
    std::vector<bool> set(out_->classes_, false);
    for (size_t byte = 0; byte < 128; ++byte) {
      const uint8_t byte_class = out_->class_[byte];
      if (!node.bytes[byte] || set[byte_class]) continue;
      set[byte_class] = true;
      OnePassPattern::Step& step = out_->steps_[state * out_->classes_ + byte_class];
      if (step.next != 0) throw NotOnePass();
      step = {next, place};
    }
  }

  OnePassPattern* out_ = nullptr;
  std::vector<Node> nodes_;
  std::vector<size_t> starts_;  // by state: its node
  std::map<size_t, uint32_t> states_;
  std::vector<bool> seen_;
};

std::unique_ptr<const OnePassPattern> OnePassPattern::compile(std::string_view pattern) {
  try {
    return OnePassCompiler().compile(pattern);
  } catch (const NotOnePass&) {
    return nullptr;
  }
}

OnePassPattern::Verdict OnePassPattern::match(std::string_view line, std::string_view* groups,
                                              int count) const {
  const char* places[2 * (kMostGroups + 1)] = {};
  const char* at = line.data();
  const char* const end = at + line.size();
  const Step* const steps = steps_.data();
  size_t row = classes_;  // of state 1
  const auto set = [&](uint64_t marks) {
    while (marks != 0) {
      places[__builtin_ctzll(marks)] = at;
      marks &= marks - 1;
    }
  };
  for (; at < end; ++at) {
    const uint8_t byte_class = class_[static_cast<unsigned char>(*at)];
    const Step step = steps[row + byte_class];
    if (step.next == 0) {
      // A line is ASCII as a whole, or not for this matcher.
      for (; at < end; ++at) {
        if (class_[static_cast<unsigned char>(*at)] == 0) return Verdict::kNotAscii;
      }
      return Verdict::kNoMatch;
    }
    if (step.marks != 0) set(marks_[step.marks]);
    row = step.next;
  }
  const size_t state = row / classes_;
  if (!is_final_[state]) return Verdict::kNoMatch;
  set(final_marks_[state]);
  if (count > 0) groups[0] = line;
  for (int i = 1; i < count; ++i) {
    const char* begin = places[2 * i];
    const char* behind = places[2 * i + 1];
    groups[i] = behind == nullptr ? std::string_view()
                                  : std::string_view(begin, static_cast<size_t>(behind - begin));
  }
  return Verdict::kMatch;
}

}  // namespace velaria
