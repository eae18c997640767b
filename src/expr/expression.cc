#include "src/expr/expression.h"

#include <algorithm>
#include <limits>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"

namespace velaria {

namespace {

// Binding strength, as the parser has it (src/sql/parser_state.h); round trips are tested.
enum Level {
  kAny = 0,
  kOr = 1,
  kAnd,
  kNot,
  kIs,
  kComparison,
  kMembership,
  kOther,
  kAdditive,
  kMultiplicative,
  kTimeZone,
  kUnary,
  kPrimary,
};

struct Binary {
  std::string_view name;
  Level level;
};
constexpr Binary kBinaries[] = {
    {"or", kOr},
    {"and", kAnd},
    {"=", kComparison},
    {"<>", kComparison},
    {"<", kComparison},
    {"<=", kComparison},
    {">", kComparison},
    {">=", kComparison},
    {"||", kOther},
    {"+", kAdditive},
    {"-", kAdditive},
    {"*", kMultiplicative},
    {"/", kMultiplicative},
    {"%", kMultiplicative},
};

struct Postfix {
  std::string_view name;
  std::string_view text;
};
constexpr Postfix kPostfixes[] = {
    {"is_null", " is null"},   {"is_not_null", " is not null"}, {"is_true", " is true"},
    {"is_false", " is false"}, {"is_not_true", " is not true"}, {"is_not_false", " is not false"},
};

const Binary* find_binary(const Expression& node) {
  for (const Binary& known : kBinaries) {
    if (node.name == known.name) return &known;
  }
  return nullptr;
}

bool is_plain_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9') || name[0] == '$') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<uint8_t>(c) >= 0x80;
  });
}

void print_name(std::string_view name, bool quoted, std::string* out) {
  if (!quoted && is_plain_name(name)) {
    *out += name;
    return;
  }
  *out += '"';
  for (char c : name) {
    if (c == '"') *out += '"';
    *out += c;
  }
  *out += '"';
}

// "schema.table."; the qualifier of a column.
void print_qualifier(std::string_view qualifier, std::string* out) {
  while (!qualifier.empty()) {
    const size_t dot = std::min(qualifier.find('.'), qualifier.size());
    print_name(qualifier.substr(0, dot), false, out);
    *out += '.';
    qualifier.remove_prefix(std::min(dot + 1, qualifier.size()));
  }
}

// Not inlined, to keep the frames of the recursive printer small.
[[gnu::noinline]] std::string type_text(const DataType& type) {
  switch (type.id()) {
    case TypeId::kBool: return "boolean";
    case TypeId::kInt8: return "tinyint";
    case TypeId::kInt16: return "smallint";
    case TypeId::kInt32: return "integer";
    case TypeId::kInt64: return "bigint";
    case TypeId::kFloat32: return "float";
    case TypeId::kFloat64: return "double";
    case TypeId::kDecimal128: return concat("decimal(", type.precision(), ", ", type.scale(), ")");
    case TypeId::kUtf8: return "varchar";
    case TypeId::kBinary: return "blob";
    case TypeId::kDate32: return "date";
    case TypeId::kTime64: return "time";
    case TypeId::kTimestamp: {
      if (!type.time_zone().empty() && type.time_zone() != "UTC") return type.to_string();
      std::string out = "timestamp";
      if (type.unit() != TimeUnit::kMicro)
        out += concat("(", static_cast<int>(type.unit()) * 3, ")");
      return type.time_zone().empty() ? out : out + " with time zone";
    }
    case TypeId::kFixedSizeList: return concat("float[", type.list_size(), "]");
    default: return type.to_string();
  }
}

[[gnu::noinline]] std::string literal_text(const Value& value) {
  if (value.is_null()) return "null";
  switch (value.type().id()) {
    case TypeId::kBinary: {
      std::string hex = value.to_string().substr(2);  // behind its "\x"
      return "x'" + hex + "'";
    }
    case TypeId::kDate32: return "date " + quote_sql_string(value.to_string());
    case TypeId::kTime64: return "time " + quote_sql_string(value.to_string());
    case TypeId::kTimestamp:
      return (value.type().time_zone().empty() ? "timestamp " : "timestamptz ") +
             quote_sql_string(value.to_string());
    case TypeId::kInterval: {
      const Interval& interval = value.as_interval();
      const std::optional<Interval> again = parse_interval(value.to_string());
      if (again && *again == interval) return "interval " + quote_sql_string(value.to_string());
      // A day or more of micros has no clock form that reads back.
      return concat("interval '", interval.months, " months ", interval.days, " days ",
                    interval.micros, " microseconds'");
    }
    default: return value.to_sql();
  }
}

class Printer {
 public:
  explicit Printer(std::string* out) : out_(out) {}

  void print(const Expression& node, int level = kAny) {
    const bool wrap = level_of(node) < level;
    if (wrap) *out_ += '(';
    print_bare(node);
    if (wrap) *out_ += ')';
  }

 private:
  // Only a plain call is written as an operator.
  static bool is_operator(const Expression& node, std::string_view name, size_t least,
                          size_t most) {
    return node.kind == ExpressionKind::kCall && !node.quoted && !node.distinct && !node.filter &&
           !node.over && node.order_by.empty() && node.children.size() >= least &&
           node.children.size() <= most && (name.empty() || node.name == name);
  }
  static bool is_like(const Expression& node) {
    return is_operator(node, "like", 2, 3) || is_operator(node, "ilike", 2, 3);
  }
  static bool is_in(const Expression& node) {
    return node.kind == ExpressionKind::kInSubquery ||
           is_operator(node, "in", 2, std::numeric_limits<size_t>::max());
  }
  // NOT of these is written inside: x not in (...).
  static bool is_membership(const Expression& node) { return is_like(node) || is_in(node); }
  static bool is_negated_membership(const Expression& node) {
    return is_operator(node, "not", 1, 1) && is_membership(*node.children[0]);
  }
  static const Postfix* find_postfix(const Expression& node) {
    if (!is_operator(node, "", 1, 1)) return nullptr;
    for (const Postfix& known : kPostfixes) {
      if (node.name == known.name) return &known;
    }
    return nullptr;
  }
  static bool is_distinct_test(const Expression& node) {
    return is_operator(node, "is_distinct_from", 2, 2) ||
           is_operator(node, "is_not_distinct_from", 2, 2);
  }
  static const Binary* binary_of(const Expression& node) {
    if (!is_operator(node, "", 2, std::numeric_limits<size_t>::max())) return nullptr;
    const Binary* found = find_binary(node);
    if (found == nullptr) return nullptr;
    return node.children.size() == 2 || found->level <= kAnd ? found : nullptr;
  }

  static Level level_of(const Expression& node) {
    if (node.kind == ExpressionKind::kInSubquery) return kMembership;
    if (node.kind != ExpressionKind::kCall) return kPrimary;
    if (is_membership(node) || is_negated_membership(node)) return kMembership;
    if (is_operator(node, "not", 1, 1)) return kNot;
    if (is_operator(node, "-", 1, 1)) return kUnary;
    if (find_postfix(node) != nullptr || is_distinct_test(node)) return kIs;
    if (const Binary* binary = binary_of(node)) return binary->level;
    return kPrimary;
  }

  void print_bare(const Expression& node) {
    switch (node.kind) {
      case ExpressionKind::kCall: print_call(node); return;
      case ExpressionKind::kCast: print_cast(node); return;
      case ExpressionKind::kCase: print_case(node); return;
      case ExpressionKind::kInSubquery: print_membership(node, ""); return;
      default: print_leaf(node); return;
    }
  }

  // What has no child to print; apart and not inlined, as are the rarer calls below, because every
  // temporary counts once for each level of a high tree.
  [[gnu::noinline]] void print_leaf(const Expression& node) {
    switch (node.kind) {
      case ExpressionKind::kLiteral: *out_ += literal_text(node.literal); return;
      case ExpressionKind::kColumn:
        print_qualifier(node.qualifier, out_);
        print_name(node.name, node.quoted, out_);
        return;
      case ExpressionKind::kStar:
        print_qualifier(node.qualifier, out_);
        *out_ += '*';
        return;
      case ExpressionKind::kSubquery: *out_ += "(" + node.name + ")"; return;
      case ExpressionKind::kExists: *out_ += "exists (" + node.name + ")"; return;
      default: *out_ += node.name; return;
    }
  }

  [[gnu::noinline]] void print_cast(const Expression& node) {
    *out_ += node.try_cast ? "try_cast(" : "cast(";
    print(*node.children[0]);
    *out_ += " as ";
    *out_ += type_text(node.type);
    *out_ += ')';
  }

  [[gnu::noinline]] void print_call(const Expression& node) {
    if (is_membership(node)) return print_membership(node, "");
    if (is_negated_membership(node)) return print_membership(*node.children[0], "not ");
    if (is_operator(node, "not", 1, 1)) {
      *out_ += "not ";
      return print(*node.children[0], kNot);
    }
    if (is_operator(node, "-", 1, 1)) return print_negative(*node.children[0]);
    if (const Postfix* postfix = find_postfix(node)) {
      print(*node.children[0], kIs);
      *out_ += postfix->text;
      return;
    }
    if (is_distinct_test(node)) {
      print(*node.children[0], kIs);
      *out_ += node.name == "is_distinct_from" ? " is distinct from " : " is not distinct from ";
      return print(*node.children[1], kIs + 1);
    }
    if (const Binary* binary = binary_of(node)) return print_binary(node, *binary);
    print_function(node);
  }

  [[gnu::noinline]] void print_negative(const Expression& operand) {
    *out_ += '-';
    const size_t start = out_->size();
    print(operand, kUnary);
    // "--" would begin a comment.
    if (out_->size() > start && (*out_)[start] == '-') {
      out_->insert(start, "(");
      *out_ += ')';
    }
  }

  [[gnu::noinline]] void print_binary(const Expression& node, const Binary& binary) {
    // The parser rebuilds chains of and/or the same way, wherever their parentheses were.
    const bool associative = binary.level <= kAnd;
    const int left =
        binary.level == kComparison ? binary.level + 1 : static_cast<int>(binary.level);
    const int right = associative ? binary.level : binary.level + 1;
    print(*node.children[0], left);
    for (size_t i = 1; i < node.children.size(); ++i) {
      *out_ += ' ';
      *out_ += binary.name;
      *out_ += ' ';
      print(*node.children[i], right);
    }
  }

  [[gnu::noinline]] void print_membership(const Expression& node, std::string_view negation) {
    print(*node.children[0], kMembership + 1);
    *out_ += ' ';
    *out_ += negation;
    if (node.kind == ExpressionKind::kInSubquery) {
      *out_ += "in (";
      *out_ += node.name;
      *out_ += ')';
    } else if (node.name == "in") {
      *out_ += "in (";
      print_list(node.children, 1);
      *out_ += ')';
    } else {
      *out_ += node.name;
      *out_ += ' ';
      print(*node.children[1], kMembership + 1);
      if (node.children.size() == 3) {
        *out_ += " escape ";
        print(*node.children[2], kMembership + 1);
      }
    }
  }

  void print_list(const std::vector<ExpressionPtr>& list, size_t first = 0) {
    for (size_t i = first; i < list.size(); ++i) {
      if (i > first) *out_ += ", ";
      print(*list[i]);
    }
  }

  [[gnu::noinline]] void print_case(const Expression& node) {
    const size_t pairs = node.children.size() / 2;
    *out_ += "case";
    for (size_t i = 0; i < pairs; ++i) {
      *out_ += " when ";
      print(*node.children[2 * i]);
      *out_ += " then ";
      print(*node.children[2 * i + 1]);
    }
    if (node.has_else) {
      *out_ += " else ";
      print(*node.children.back());
    }
    *out_ += " end";
  }

  [[gnu::noinline]] void print_function(const Expression& node) {
    if (node.quoted) {
      print_name(node.name, true, out_);
    } else {
      print_lower(node.name);
    }
    *out_ += node.distinct ? "(distinct " : "(";
    print_list(node.children);
    if (!node.order_by.empty()) {
      if (!node.children.empty()) *out_ += ' ';
      print_order(node.order_by);
    }
    *out_ += ')';
    if (node.filter) {
      *out_ += " filter (where ";
      print(*node.filter);
      *out_ += ')';
    }
    if (node.ignore_nulls) *out_ += " ignore nulls";
    if (node.over) print_window(*node.over);
  }

  [[gnu::noinline]] void print_lower(const std::string& name) {
    print_name(to_lower_ascii(name), false, out_);
  }

  [[gnu::noinline]] void print_order(const std::vector<SortKey>& keys) {
    *out_ += "order by ";
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i > 0) *out_ += ", ";
      print(*keys[i].expression);
      if (keys[i].descending) *out_ += " desc";
      if (keys[i].nulls_first) *out_ += *keys[i].nulls_first ? " nulls first" : " nulls last";
    }
  }

  [[gnu::noinline]] void print_window(const WindowSpec& spec) {
    *out_ += " over (";
    const size_t start = out_->size();
    const auto separate = [&] {
      if (out_->size() > start) *out_ += ' ';
    };
    if (!spec.base_name.empty()) print_name(spec.base_name, false, out_);
    if (!spec.partition_by.empty()) {
      separate();
      *out_ += "partition by ";
      print_list(spec.partition_by);
    }
    if (!spec.order_by.empty()) {
      separate();
      print_order(spec.order_by);
    }
    if (spec.has_frame) {
      separate();
      constexpr std::string_view kUnits[] = {"rows", "range", "groups"};
      *out_ += kUnits[static_cast<int>(spec.unit)];
      *out_ += " between ";
      print_bound(spec.start);
      *out_ += " and ";
      print_bound(spec.end);
    }
    *out_ += ')';
  }

  [[gnu::noinline]] void print_bound(const FrameBound& bound) {
    if (bound.offset) {
      print(*bound.offset, kAdditive);
      *out_ += ' ';
    }
    constexpr std::string_view kTexts[] = {"unbounded preceding", "preceding", "current row",
                                           "following", "unbounded following"};
    *out_ += kTexts[static_cast<int>(bound.kind)];
  }

  std::string* out_;
};

ExpressionPtr share(std::shared_ptr<Expression> node) {
  node->measure();
  if (node->height > Expression::kMaxHeight || node->node_count > Expression::kMaxNodeCount) {
    throw Error(ErrorKind::kResource,
                concat("expression is nested more than ", Expression::kMaxHeight,
                       " levels deep or too large; compute a part of it as a column first"));
  }
  return node;
}

}  // namespace

void Expression::measure() {
  height = 1;
  node_count = 1;
  const auto add = [&](const ExpressionPtr& part) {
    if (!part) return;
    height = std::max(height, part->height + 1);
    // Saturates: the counts of shared children multiply.
    node_count = std::min(node_count + part->node_count, 2 * kMaxNodeCount);
  };
  const auto add_keys = [&](const std::vector<SortKey>& keys) {
    for (const SortKey& key : keys) add(key.expression);
  };
  for (const ExpressionPtr& child : children) add(child);
  add(filter);
  add_keys(order_by);
  if (over) {
    for (const ExpressionPtr& key : over->partition_by) add(key);
    add_keys(over->order_by);
    add(over->start.offset);
    add(over->end.offset);
  }
}

std::string Expression::to_string() const {
  std::string out;
  Printer(&out).print(*this);
  return out;
}

ExpressionPtr make_literal(Value value, int64_t position) {
  auto node = std::make_shared<Expression>();
  node->kind = ExpressionKind::kLiteral;
  node->position = position;
  node->literal = std::move(value);
  return share(std::move(node));
}

ExpressionPtr make_column(std::string name, int64_t position) {
  auto node = std::make_shared<Expression>();
  node->kind = ExpressionKind::kColumn;
  node->position = position;
  node->name = std::move(name);
  return share(std::move(node));
}

ExpressionPtr make_call(std::string name, std::vector<ExpressionPtr> children, int64_t position) {
  auto node = std::make_shared<Expression>();
  node->kind = ExpressionKind::kCall;
  node->position = position;
  node->name = std::move(name);
  node->children = std::move(children);
  return share(std::move(node));
}

ExpressionPtr make_cast(ExpressionPtr child, DataType type, int64_t position) {
  auto node = std::make_shared<Expression>();
  node->kind = ExpressionKind::kCast;
  node->position = position;
  node->type = std::move(type);
  node->children.push_back(std::move(child));
  return share(std::move(node));
}

}  // namespace velaria
