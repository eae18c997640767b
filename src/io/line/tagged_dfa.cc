#include "src/io/line/tagged_dfa.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <optional>
#include <utility>

namespace velaria {

namespace {

constexpr size_t kMostNodes = 4000;  // counted repetitions multiply them
constexpr size_t kMostStates = 2000;
constexpr int kMostGroups = 31;  // two bits of a word each
constexpr size_t kMostWays = 12;
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
  int most = -1;      // -1: any number
  bool lazy = false;  // as few as can be
  int group = -1;     // -1: not counted

  bool may_be_empty() const {
    switch (kind) {
      case Kind::kBytes: return false;
      case Kind::kRepeat: return least == 0 || parts[0].may_be_empty();
      case Kind::kChoice:
        return std::any_of(parts.begin(), parts.end(),
                           [](const Piece& part) { return part.may_be_empty(); });
      case Kind::kSequence:
      case Kind::kGroup: break;
    }
    return std::all_of(parts.begin(), parts.end(),
                       [](const Piece& part) { return part.may_be_empty(); });
  }
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
struct NotUnderstood {};

class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : text_(text) {}

  Piece read() {
    if (!take('^')) throw NotUnderstood();
    Piece out = choice(0);
    if (!ended_ || at_ != text_.size()) throw NotUnderstood();
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
    if (done() || static_cast<unsigned char>(text_[at_]) >= 0x80) throw NotUnderstood();
    return text_[at_++];
  }

  Piece choice(int depth) {
    if (depth > kMostDepth) throw NotUnderstood();
    Piece out;
    out.kind = Piece::Kind::kChoice;
    do {
      // "^a|b$" would anchor each side on one end only.
      if (depth == 0 && !out.parts.empty()) throw NotUnderstood();
      out.parts.push_back(sequence(depth));
    } while (take('|'));
    if (out.parts.size() == 1) return Piece(out.parts[0]);
    return out;
  }

  Piece sequence(int depth) {
    Piece out;
    while (!done() && text_[at_] != '|' && text_[at_] != ')') {
      if (ended_) throw NotUnderstood();
      if (text_[at_] == '$') {
        if (depth > 0) throw NotUnderstood();
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
      case '^': throw NotUnderstood();
      default: out.bytes.set(static_cast<size_t>(c)); return out;
    }
  }

  ByteSet escape() {
    const char c = next();
    if (const auto set = named_set(c)) return *set;
    if (c == 't') return range_of('\t', '\t');
    if (!is_punctuation(c)) throw NotUnderstood();
    return range_of(c, c);
  }

  ByteSet byte_class() {
    const bool negated = take('^');
    ByteSet out;
    bool first = true;
    for (;; first = false) {
      if (take(']') && !first) break;
      if (first && at_ > 0 && text_[at_ - 1] == ']') throw NotUnderstood();
      char c = next();
      if (c == '[' && !done() && text_[at_] == ':') throw NotUnderstood();
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
        if (last == '\\' || last == '[' || last < c) throw NotUnderstood();
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
        if (!take('<')) throw NotUnderstood();
        while (!take('>')) next();
        out.group = ++groups_;
      } else {
        throw NotUnderstood();
      }
    } else {
      out.group = ++groups_;
    }
    out.parts.push_back(choice(depth + 1));
    if (!take(')')) throw NotUnderstood();
    return out;
  }

  int number() {
    int out = 0;
    size_t digits = 0;
    while (!done() && text_[at_] >= '0' && text_[at_] <= '9' && digits++ < 4) {
      out = out * 10 + (text_[at_++] - '0');
    }
    if (digits == 0 || digits > 4) throw NotUnderstood();
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
      if (!take('}') || (out.most >= 0 && out.most < out.least)) throw NotUnderstood();
    } else {
      return piece;
    }
    out.lazy = take('?');
    // Which groups take part in empty repetitions, and in repeated ones, is RE2's to say.
    if (piece.may_be_empty()) throw NotUnderstood();
    if (!done() &&
        (text_[at_] == '*' || text_[at_] == '+' || text_[at_] == '?' || text_[at_] == '{')) {
      throw NotUnderstood();
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

class TaggedDfaCompiler {
 public:
  std::unique_ptr<const TaggedDfa> compile(std::string_view pattern) {
    PatternReader reader(pattern);
    const Piece whole = reader.read();
    if (reader.groups() > kMostGroups) throw NotUnderstood();
    std::unique_ptr<TaggedDfa> out(new TaggedDfa());
    out_ = out.get();
    out_->groups_ = reader.groups();
    out_->moves_.emplace_back();
    nodes_.push_back({});  // the final one
    const size_t start = make(whole, 0);
    make_classes();
    // State 0 is that without a way on.
    add_state({});
    add_state({start});
    for (size_t state = 1; state < ways_.size(); ++state) add_steps(state);
    // From numbers of states to places of their steps.
    for (TaggedDfa::Step& step : out_->steps_) step.next *= static_cast<uint32_t>(out_->classes_);
    return out;
  }

 private:
  size_t add_node(Node node) {
    if (nodes_.size() >= kMostNodes) throw NotUnderstood();
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
          first = split(piece, make(piece.parts[i - 1], next), first);
        }
        return first;
      }
      case Piece::Kind::kRepeat: {
        const Piece& part = piece.parts[0];
        if (piece.most < 0) {
          const size_t loop = split(piece, 0, next);
          const size_t body = make(part, loop);
          (piece.lazy ? nodes_[loop].other : nodes_[loop].next) = body;
          next = loop;
        } else {
          const size_t behind = next;
          for (int i = piece.least; i < piece.most; ++i)
            next = split(piece, make(part, next), behind);
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

  // `next` is preferred, unless the piece is lazy.
  size_t split(const Piece& piece, size_t next, size_t other) {
    Node node;
    node.kind = Node::Kind::kSplit;
    node.next = piece.lazy ? other : next;
    node.other = piece.lazy ? next : other;
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

  // `ways`: the node at which each way through the pattern stands, the preferred one first.
  uint32_t add_state(const std::vector<size_t>& ways) {
    const auto [place, added] = states_.emplace(ways, static_cast<uint32_t>(ways_.size()));
    if (added) {
      if (ways_.size() >= kMostStates || ways.size() > kMostWays) throw NotUnderstood();
      ways_.push_back(ways);
      out_->steps_.resize(ways_.size() * out_->classes_);
      out_->final_moves_.emplace_back();
      out_->is_final_.push_back(false);
    }
    return place->second;
  }

  uint32_t place_of_moves(const std::vector<TaggedDfa::Move>& moves) {
    bool all_as_before = true;
    std::vector<std::pair<uint32_t, uint64_t>> key;
    for (size_t i = 0; i < moves.size(); ++i) {
      all_as_before = all_as_before && moves[i].from == i && moves[i].marks == 0;
      key.emplace_back(moves[i].from, moves[i].marks);
    }
    if (all_as_before) return 0;
    const auto [place, added] =
        places_of_moves_.emplace(std::move(key), static_cast<uint32_t>(out_->moves_.size()));
    if (added) out_->moves_.push_back(moves);
    return place->second;
  }

  // A byte that a way may take next.
  struct Choice {
    size_t node;
    TaggedDfa::Move move;
  };

  // All that the ways of a state may do, the preferred first; a node that two of them reach is the
  // preferred one's, as in RE2.
  void follow(size_t state, size_t node_number, TaggedDfa::Move move,
              std::vector<Choice>* choices) {
    if (seen_[node_number]) return;
    seen_[node_number] = true;
    const Node& node = nodes_[node_number];
    switch (node.kind) {
      case Node::Kind::kSplit:
        follow(state, node.next, move, choices);
        follow(state, node.other, move, choices);
        return;
      case Node::Kind::kMark:
        move.marks |= uint64_t{1} << node.mark;
        follow(state, node.next, move, choices);
        return;
      case Node::Kind::kFinal:
        out_->is_final_[state] = true;
        out_->final_moves_[state] = move;
        return;
      case Node::Kind::kByte: choices->push_back({node_number, move}); return;
    }
  }

  void add_steps(size_t state) {
    seen_.assign(nodes_.size(), false);
    std::vector<Choice> choices;
    const std::vector<size_t> ways = ways_[state];
    for (uint32_t way = 0; way < ways.size(); ++way) follow(state, ways[way], {way, 0}, &choices);
    std::vector<bool> done(out_->classes_, false);
    for (size_t byte = 0; byte < 128; ++byte) {
      const uint8_t byte_class = out_->class_[byte];
      if (done[byte_class]) continue;
      done[byte_class] = true;
      std::vector<size_t> next;
      std::vector<TaggedDfa::Move> moves;
      for (const Choice& choice : choices) {
        const Node& node = nodes_[choice.node];
        if (!node.bytes[byte]) continue;
        if (std::find(next.begin(), next.end(), node.next) != next.end()) continue;
        next.push_back(node.next);
        moves.push_back(choice.move);
      }
      if (next.empty()) continue;
      const uint32_t number = add_state(next);
      out_->steps_[state * out_->classes_ + byte_class] = {number, place_of_moves(moves)};
    }
  }

  TaggedDfa* out_ = nullptr;
  std::vector<Node> nodes_;
  std::vector<std::vector<size_t>> ways_;  // by state
  std::map<std::vector<size_t>, uint32_t> states_;
  std::map<std::vector<std::pair<uint32_t, uint64_t>>, uint32_t> places_of_moves_;
  std::vector<bool> seen_;
};

std::unique_ptr<const TaggedDfa> TaggedDfa::compile(std::string_view pattern) {
  try {
    return TaggedDfaCompiler().compile(pattern);
  } catch (const NotUnderstood&) {
    return nullptr;
  }
}

// The ends of groups that each way has passed, as lists that share what they have in common.
class TaggedDfa::Histories {
 public:
  explicit Histories(size_t ways) : last_(ways, kNone), before_(ways) { passed_.reserve(64); }

  void clear() {
    passed_.clear();
    last_[0] = kNone;
  }
  void go_on(const std::vector<Move>& moves, const char* at) {
    if (moves.size() == 1) {
      last_[0] = pass(last_[moves[0].from], moves[0].marks, at);
      return;
    }
    std::swap(last_, before_);
    for (size_t i = 0; i < moves.size(); ++i) {
      last_[i] = pass(before_[moves[i].from], moves[i].marks, at);
    }
  }
  // Sets places[i] to where the way passed mark i last, or null.
  void find(const Move& move, const char* end, const char** places) {
    uint32_t at = pass(last_[move.from], move.marks, end);
    uint64_t found = 0;
    for (; at != kNone; at = passed_[at].before) {
      uint64_t marks = passed_[at].marks & ~found;
      found |= marks;
      for (; marks != 0; marks &= marks - 1) places[__builtin_ctzll(marks)] = passed_[at].at;
    }
  }

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  struct Passed {
    uint32_t before;
    uint64_t marks;
    const char* at;
  };
  uint32_t pass(uint32_t before, uint64_t marks, const char* at) {
    if (marks == 0) return before;
    passed_.push_back({before, marks, at});
    return static_cast<uint32_t>(passed_.size() - 1);
  }

  std::vector<uint32_t> last_;  // by way: its last mark
  std::vector<uint32_t> before_;
  std::vector<Passed> passed_;
};

TaggedDfa::Verdict TaggedDfa::match(std::string_view line, std::string_view* groups,
                                    int count) const {
  thread_local Histories histories(kMostWays);
  histories.clear();
  const char* at = line.data();
  const char* const end = at + line.size();
  const Step* const steps = steps_.data();
  size_t row = classes_;  // of state 1
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
    if (step.moves != 0) histories.go_on(moves_[step.moves], at);
    row = step.next;
  }
  const size_t state = row / classes_;
  if (!is_final_[state]) return Verdict::kNoMatch;
  const char* places[2 * (kMostGroups + 1)] = {};
  histories.find(final_moves_[state], end, places);
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
