#include "src/session/table_functions.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/function_registry.h"
#include "src/io/memory/memory_table_source.h"
#include "src/io/memory/series_source.h"
#include "src/kernel/cast.h"
#include "src/session/engine.h"
#include "src/session/file_readers.h"
#include "src/session/source_notes.h"

namespace velaria {

namespace {

using NamedValues = std::vector<std::pair<std::string, Value>>;

struct Call {
  const Engine& engine;
  std::string name;
  const std::vector<Value>& arguments;
  const NamedValues& named;
};

[[noreturn]] void refuse(const Call& call, const char* usage) {
  throw Error(ErrorKind::kSqlSemantic, concat(call.name, "() is called as ", usage));
}

PlanPtr scan_of(TableSourcePtr source, const Call& call) {
  return ScanPlan::all_columns(std::move(source), call.name);
}

// The texts that a function is given; false when an argument is something else.
bool texts_of(const Call& call, std::vector<std::string>* texts) {
  for (const Value& argument : call.arguments) {
    if (argument.is_null() || argument.type().id() != TypeId::kUtf8) return false;
    texts->push_back(argument.as_text());
  }
  return !texts->empty();
}

// read_csv('path', 'other path', option => value, ...) and its like.
PlanPtr read_files(const Call& call, const char* reader, const char* usage) {
  std::vector<std::string> paths;
  if (!texts_of(call, &paths)) refuse(call, usage);
  OptionTexts options;
  for (const auto& [name, value] : call.named) options[name] = value.to_string();
  return scan_of(*reader == '\0' ? open_by_probe(call.engine, paths, options, {})
                                 : open_with_reader(call.engine, reader, paths, options, {}, ""),
                 call);
}

PlanPtr rejects_of_table(const Call& call) {
  std::vector<std::string> names;
  if (!texts_of(call, &names) || names.size() != 1 || !call.named.empty()) {
    refuse(call, "rejects('table'): the rows that on_error = 'skip' left out of it");
  }
  return scan_of(rejects_of_plan(*call.engine.resolve_table(names[0]), names[0]), call);
}

// The common type of start and stop: whole numbers, days or instants.
DataType series_type(const Call& call) {
  const DataType& start = call.arguments[0].type();
  const DataType& stop = call.arguments[1].type();
  const auto fits = [](const DataType& type) {
    return type.is_null() || type.is_integer() || type.id() == TypeId::kDate32 ||
           type.id() == TypeId::kTimestamp;
  };
  const auto common = common_type(start, stop);
  if (!fits(start) || !fits(stop) || !common || (common->is_null() || !fits(*common))) {
    throw Error(ErrorKind::kTypeMismatch,
                concat(call.name, "() counts integers, dates or timestamps, not from ",
                       start.to_string(), " to ", stop.to_string()));
  }
  if (common->is_integer()) return DataType(TypeId::kInt64);
  // Steps are in microseconds; coarser instants could not be reached by them.
  const bool coarse = common->id() == TypeId::kTimestamp &&
                      units_per_second(common->unit()) < units_per_second(TimeUnit::kMicro);
  return coarse ? DataType::timestamp(TimeUnit::kMicro, common->time_zone()) : *common;
}

void set_step(const Call& call, Series* series) {
  const bool numbers = series->type.is_integer();
  if (call.arguments.size() < 3) {
    if (series->type.id() == TypeId::kTimestamp) {
      throw Error(ErrorKind::kSqlSemantic,
                  concat(call.name, "() of timestamps needs a step, such as INTERVAL '1 hour'"));
    }
    series->interval_step.days = 1;
    return;
  }
  const Value& step = call.arguments[2];
  if (numbers ? !step.type().is_integer() : step.type().id() != TypeId::kInterval) {
    throw Error(ErrorKind::kTypeMismatch,
                concat(call.name, "() of ", series->type.to_string(), " needs a step of ",
                       numbers ? "a whole number" : "an interval, such as INTERVAL '1 day'",
                       ", not ", step.type().to_string()));
  }
  if (numbers) {
    series->step = cast_value(step, series->type).as_int64();
    return;
  }
  series->interval_step = step.as_interval();
  if (series->type.id() == TypeId::kDate32 && series->interval_step.micros != 0) {
    // Days with a time of day are instants.
    series->type = DataType::timestamp(TimeUnit::kMicro);
  }
}

PlanPtr make_series_scan(const Call& written, bool inclusive) {
  std::vector<Value> arguments = written.arguments;
  if (arguments.size() == 1) arguments.insert(arguments.begin(), Value::int64(0));
  const Call call{written.engine, written.name, arguments, written.named};
  if (call.arguments.size() < 2 || call.arguments.size() > 3 || !call.named.empty()) {
    refuse(call, inclusive ? "generate_series([start,] stop [, step]), both ends included"
                           : "range([start,] stop [, step]), without stop itself");
  }
  Series series;
  series.name = call.name;
  bool has_null = false;
  for (const Value& value : call.arguments) has_null = has_null || value.is_null();
  if (has_null) {
    // As in Postgres: no rows.
    series.type = DataType(TypeId::kInt64);
    for (size_t i = 0; i < 2; ++i) {
      const DataType& type = call.arguments[i].type();
      if (type.is_temporal() && type.id() != TypeId::kTime64) series.type = type;
    }
    return scan_of(make_series(std::move(series)), call);
  }
  series.type = series_type(call);
  set_step(call, &series);
  series.start = cast_value(call.arguments[0], series.type).as_int64();
  series.rows =
      count_series(series, cast_value(call.arguments[1], series.type).as_int64(), inclusive);
  return scan_of(make_series(std::move(series)), call);
}

}  // namespace

PlanPtr make_table_function(const Engine& engine, const std::string& name,
                            const std::vector<Value>& arguments,
                            const NamedValues& named_arguments) {
  const Call call{engine, to_lower_ascii(name), arguments, named_arguments};
  if (call.name == "read") {
    return read_files(
        call, "",
        "read('path' [, 'path', ...] [, option => value, ...]), with options of the reader");
  }
  if (call.name == "read_csv") {
    return read_files(call, "csv",
                      "read_csv('path' [, 'path', ...] [, delimiter => ';', header => true, ...])");
  }
  if (call.name == "read_json") {
    return read_files(call, "json",
                      "read_json('path' [, 'path', ...] [, format => 'json_array', ...])");
  }
  if (call.name == "read_line_file") {
    return read_files(call, "line",
                      "read_line_file('path' [, 'path', ...] [, split_delimiter => ' ', mappings "
                      "=> 'id 0', ...])");
  }
  if (call.name == "rejects") return rejects_of_table(call);
  if (call.name == "generate_series") return make_series_scan(call, true);
  if (call.name == "range") return make_series_scan(call, false);
  const std::vector<std::string> known = {
      "read", "read_csv", "read_json", "read_line_file", "rejects", "generate_series", "range"};
  throw Error(ErrorKind::kSqlSemantic,
              concat("there is no table function ", excerpt(name), "()",
                     did_you_mean(call.name, known), "; there are ", join_texts(known, ", ")));
}

}  // namespace velaria
