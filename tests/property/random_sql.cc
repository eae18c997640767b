#include "tests/property/random_sql.h"

#include <cmath>
#include <functional>
#include <limits>

#include "src/base/text.h"
#include "src/column/builder.h"

namespace velaria {

uint64_t RandomNumbers::next() {  // splitmix64
  uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

namespace {

using MakeValue = std::function<Value(RandomNumbers*)>;

struct RandomColumn {
  Field field;
  MakeValue make;
};

double random_double(RandomNumbers* random) {
  // Sizes far apart, so that sums depend on every trick of adding them.
  const double mantissa = static_cast<double>(random->below(2000001) - 1000000) / 7;
  return std::ldexp(mantissa, static_cast<int>(random->below(80)) - 40);
}

std::vector<RandomColumn> random_columns() {
  const DataType int64(TypeId::kInt64);
  const DataType uint64(TypeId::kUInt64);
  const DataType int8(TypeId::kInt8);
  const DataType float64(TypeId::kFloat64);
  const DataType text(TypeId::kUtf8);
  const DataType date(TypeId::kDate32);
  const DataType moment = DataType::timestamp(TimeUnit::kMicro);
  const DataType decimal = DataType::decimal(12, 2);
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  return {
      {{"i", int64}, [](RandomNumbers* r) { return Value::int64(r->below(7) - 3); }},
      {{"j", int64}, [](RandomNumbers* r) { return Value::int64(r->below(1000)); }},
      {{"big", int64},
       [](RandomNumbers* r) {
         return Value::int64(r->pick<int64_t>({kMost, -kMost - 1, 0, -1, kMost / 2, 1}));
       }},
      {{"u", uint64},
       [=](RandomNumbers* r) {
         return Value::unsigned_integral(
             uint64, r->pick<uint64_t>({0, 1, 2, std::numeric_limits<uint64_t>::max()}));
       }},
      {{"n", int8}, [=](RandomNumbers* r) { return Value::integral(int8, r->below(256) - 128); }},
      {{"x", float64}, [](RandomNumbers* r) { return Value::float64(random_double(r)); }},
      {{"f", float64},
       [](RandomNumbers* r) {
         constexpr double kInf = std::numeric_limits<double>::infinity();
         return Value::float64(r->pick<double>(
             {std::nan(""), kInf, -kInf, 0.0, -0.0, 1.5, -2.25, 1e308, -1e308, 5e-324}));
       }},
      {{"s", text},
       [](RandomNumbers* r) {
         return Value::utf8(r->pick<std::string>({"", "a", "b", "ab", "é", "😀", "12 bytes max"}));
       }},
      {{"l", text},
       [](RandomNumbers* r) {
         return Value::utf8(concat("a text too long for inline, ", r->below(6),
                                   std::string(static_cast<size_t>(r->below(3) * 40), '.')));
       }},
      {{"b", DataType(TypeId::kBool)},
       [](RandomNumbers* r) { return Value::boolean(r->one_in(2)); }},
      {{"d", date}, [=](RandomNumbers* r) { return Value::integral(date, r->below(4000) - 2000); }},
      {{"t", moment},
       [=](RandomNumbers* r) {
         return Value::integral(moment, (r->below(100000) - 50000) * 1000);
       }},
      {{"c", decimal},
       [=](RandomNumbers* r) { return Value::decimal(decimal, r->below(100000) - 50000); }},
  };
}

}  // namespace

RandomTable random_table(RandomNumbers* random, int64_t rows) {
  RandomTable table;
  const std::vector<RandomColumn> columns = random_columns();
  std::vector<Field> fields;
  for (const RandomColumn& column : columns) fields.push_back(column.field);
  table.schema = Schema(std::move(fields));
  // Chunks of odd sizes, as readers give them.
  while (rows > 0) {
    Chunk chunk;
    chunk.rows = std::min<int64_t>(rows, 1 + random->below(3000));
    chunk.order = table.chunks.size();
    for (const RandomColumn& column : columns) {
      const bool with_nulls = !random->one_in(4);
      auto builder = ColumnBuilder::make(column.field.type);
      for (int64_t i = 0; i < chunk.rows; ++i) {
        if (with_nulls && random->one_in(5)) {
          builder->append_null();
        } else {
          builder->append_value(column.make(random));
        }
      }
      chunk.columns.push_back(builder->finish());
    }
    rows -= chunk.rows;
    table.chunks.push_back(std::move(chunk));
  }
  return table;
}

namespace {

class QueryMaker {
 public:
  explicit QueryMaker(RandomNumbers* random) : random_(*random) {}

  std::string query() {
    switch (random_.below(7)) {
      case 0:
      case 1: return grouped("t", true);
      case 2: return plain("t");
      case 3: return "SELECT DISTINCT " + items(3) + " FROM t" + where() + limit();
      case 4: return nested();
      case 5: return over();
      default: return windowed();
    }
  }

 private:
  std::string number() {
    switch (random_.below(9)) {
      case 0: return concat(random_.below(5) - 2);
      case 1: return "i * 3 - j";
      case 2: return concat("j / ", "i");
      case 3: return "j % (i + 1)";
      case 4: return "x * 0.5";
      case 5: return "coalesce(i, j)";
      case 6: return "CASE WHEN b THEN i WHEN i > 0 THEN j END";
      case 7: return "length(s)";
      default: return random_.pick<std::string>({"i", "j", "big", "u", "n", "x", "f", "c"});
    }
  }
  std::string text() {
    return random_.pick<std::string>({"s", "l", "upper(s)", "s || l", "substr(l, 20, 12)",
                                      "concat(s, i, b)", "CASE WHEN i > 0 THEN s ELSE l END"});
  }
  std::string value() {
    switch (random_.below(4)) {
      case 0:
      case 1: return number();
      case 2: return text();
      default:
        return random_.pick<std::string>({"b", "d", "t", "date_trunc('minute', t)", "year(d)",
                                          "i IS NULL", "f > x", "i IN (1, 2, NULL)", "NOT b"});
    }
  }
  std::string condition(int depth = 0) {
    switch (random_.below(depth > 2 ? 7 : 10)) {
      case 0:
        return number() + random_.pick<std::string>({" < ", " >= ", " = ", " <> "}) + number();
      case 1:
        return random_.pick<std::string>({"f", "x"}) + " > " +
               random_.pick<std::string>({"0", "-1.5", "big", "f"});
      case 2: return "s LIKE '%" + random_.pick<std::string>({"a", "", "_", "b_"}) + "%'";
      case 3: return value() + random_.pick<std::string>({" IS NULL", " IS NOT NULL"});
      case 4: return concat("j BETWEEN ", random_.below(500), " AND ", random_.below(1000));
      case 5: return "i IN (0, 2, -3)";
      case 6: return "b";
      case 7: return "(" + condition(depth + 1) + " AND " + condition(depth + 1) + ")";
      case 8: return "(" + condition(depth + 1) + " OR " + condition(depth + 1) + ")";
      default: return "NOT (" + condition(depth + 1) + ")";
    }
  }
  std::string where() { return random_.one_in(3) ? "" : " WHERE " + condition(); }
  std::string items(int64_t most) {
    std::vector<std::string> out;
    const int64_t count = 1 + random_.below(most);
    for (int64_t i = 0; i < count; ++i) out.push_back(value() + concat(" AS v", i));
    return join_texts(out, ", ");
  }
  std::string limit() {
    if (random_.one_in(2)) return "";
    std::string out = concat(" LIMIT ", random_.below(30));
    return random_.one_in(2) ? out : out + concat(" OFFSET ", random_.below(40));
  }
  static bool may_overflow(const std::string& text) {
    return text.find("sum(big)") != std::string::npos || text.find("sum(u)") != std::string::npos;
  }
  std::string sort_direction() {
    return random_.pick<std::string>({"", " DESC", " NULLS FIRST", " DESC NULLS FIRST"});
  }
  std::string plain(const std::string& table) {
    std::string out = "SELECT " + items(4) + " FROM " + table + where();
    if (!random_.one_in(3)) {
      out += " ORDER BY 1" + sort_direction();
      if (random_.one_in(2)) out += ", " + value() + sort_direction();
    }
    return out + limit();
  }
  std::string aggregate() {
    const std::string filter = random_.one_in(5) ? " FILTER (WHERE " + condition() + ")" : "";
    switch (random_.below(6)) {
      case 0: return "count(*)" + filter;
      case 1: return "count(" + value() + ")" + filter;
      case 2:
        return "sum(" + random_.pick<std::string>({"i", "j", "n", "x", "c", "f", "big", "u"}) +
               ")" + filter;
      case 3: return "avg(" + random_.pick<std::string>({"i", "j", "n", "x", "c"}) + ")" + filter;
      case 4: return "min(" + value() + ")" + filter;
      default: return "max(" + value() + ")" + filter;
    }
  }
  std::string grouped(const std::string& table, bool with_limit) {
    const int64_t keys = random_.below(4);
    std::vector<std::string> out;
    std::vector<std::string> group;
    for (int64_t k = 0; k < keys; ++k) {
      out.push_back(value() + concat(" AS k", k));
      group.push_back(std::to_string(k + 1));
    }
    const int64_t aggregates = 1 + random_.below(3);
    for (int64_t a = 0; a < aggregates; ++a) out.push_back(aggregate() + concat(" AS a", a));
    std::string text = "SELECT " + join_texts(out, ", ") + " FROM " + table + where();
    if (keys > 0) text += " GROUP BY " + join_texts(group, ", ");
    if (random_.one_in(4)) text += " HAVING count(*) > " + std::to_string(random_.below(3));
    if (random_.one_in(3)) {
      text += concat(" ORDER BY ", 1 + random_.below(keys + aggregates), sort_direction());
    }
    // Whether a LIMIT spares the groups behind it is free, so no sum may overflow there.
    return with_limit && !may_overflow(text) ? text + limit() : text;
  }
  // Inside there is no sum that could fail, since an optimizer may leave it out.
  std::string nested() {
    const std::string inner =
        concat("(SELECT i, j, n, x, f, c, s, l, b, d, t, big, u FROM t", where(),
               random_.one_in(2) ? " ORDER BY j" + sort_direction() : "", limit(), ") q");
    return random_.one_in(2) ? grouped(inner, true) : plain(inner);
  }
  std::string windowed() {
    const std::string window =
        random_.pick<std::string>({"EVERY 1000", "EVERY 10000 SLIDE 3000", "EVERY 700 SLIDE 100"});
    if (random_.one_in(3)) {
      return "SELECT w, " + items(2) + " FROM t" + where() + " WINDOW BY t " + window + " AS w" +
             limit();
    }
    const std::string sum = aggregate();
    // A HAVING over keys may spare groups as well.
    const bool having = random_.one_in(2) && !may_overflow(sum);
    return "SELECT w, " + sum + " AS a, count(*) FROM t" + where() + " WINDOW BY t " + window +
           " AS w GROUP BY w" + (having ? " HAVING w > '1970-01-01'" : "") +
           (random_.one_in(2) ? " ORDER BY w" : "");
  }

  // Sums that could fail are left out: a condition may be asked below or above the window.
  std::string window_function() {
    switch (random_.below(8)) {
      case 0:
        return random_.pick<std::string>({"row_number()", "rank()", "dense_rank()",
                                          "percent_rank()", "cume_dist()", "ntile(3)"});
      case 1:
        return random_.pick<std::string>({"lag", "lead"}) + "(" + value() +
               random_.pick<std::string>({")", ", 2)", ", i)", ") IGNORE NULLS"});
      case 2:
        return random_.pick<std::string>({"first_value(", "last_value("}) + value() +
               random_.pick<std::string>({")", ") IGNORE NULLS"});
      case 3: return "nth_value(" + value() + ", 2)";
      case 4: return random_.pick<std::string>({"min(", "max(", "count("}) + value() + ")";
      default: {
        std::string call;
        do {
          call = aggregate();
        } while (may_overflow(call));
        return call;
      }
    }
  }
  std::string window() {
    const std::string partition =
        random_.one_in(3) ? ""
                          : "PARTITION BY " + random_.pick<std::string>({"i", "s", "b, i", "f"});
    if (random_.one_in(5)) return partition;
    const std::string key = random_.pick<std::string>({"i", "j", "x", "f", "n", "c", "u"});
    std::string out = partition + " ORDER BY " + key + sort_direction();
    switch (random_.below(5)) {
      case 0: return out + concat(" ROWS ", random_.below(5), " PRECEDING");
      case 1:
        return out + concat(" ROWS BETWEEN ", random_.below(3), " PRECEDING AND ",
                            random_.below(300), " FOLLOWING");
      case 2:
        return out + concat(" RANGE BETWEEN ", random_.below(3), " PRECEDING AND ",
                            random_.below(5), " FOLLOWING");
      case 3: return out + " GROUPS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING";
      default: return out;
    }
  }
  std::string over() {
    std::string text = "SELECT i, s, j";
    const int64_t count = 1 + random_.below(3);
    for (int64_t f = 0; f < count; ++f) {
      text += ", " + window_function() + " OVER (" + window() + ")" + concat(" AS w", f);
    }
    text += " FROM t" + where();
    switch (random_.below(5)) {
      case 0: return text + " QUALIFY row_number() OVER (PARTITION BY i ORDER BY j) < 3";
      case 1: return "SELECT * FROM (" + text + ") q WHERE i > 0 AND s IS NOT NULL" + limit();
      case 2: return "SELECT w0, count(*) FROM (" + text + ") q GROUP BY 1";
      default: return text + limit();
    }
  }

  RandomNumbers& random_;
};

}  // namespace

std::string random_query(RandomNumbers* random) { return QueryMaker(random).query(); }

}  // namespace velaria
