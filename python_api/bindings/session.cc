// velaria::DataflowSession.
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "python_api/bindings/arrow_capsules.h"
#include "python_api/bindings/bind.h"
#include "python_api/bindings/callback_sink.h"
#include "python_api/bindings/callback_source.h"
#include "python_api/bindings/gil.h"
#include "python_api/bindings/probe_result.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/query_vectors.h"
#include "python_api/bindings/rows_from_python.h"
#include "python_api/bindings/stream_progress.h"
#include "src/column/arrow/import.h"
#include "src/session/dataflow_session.h"
#include "stream/connectors/arrow_stream_source.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/connectors/rate_source.h"

namespace velaria::python {

namespace {

using Session = DataflowSession;
using TextMap = std::map<std::string, std::string>;

// format_writer(format, options, stream, write), where write takes bytes.
FormatWriter python_format_writer(const py::object& function) {
  // The session's last part may die on a kernel thread, also while the interpreter goes.
  const auto held = std::make_shared<const PythonReference>(function);
  return [held](const std::string& format, const TextMap& options, ArrowArrayStream* rows,
                const std::function<void(std::string_view)>& write) {
    const py::gil_scoped_acquire locked;
    const py::object stream = stream_capsule(*rows);
    const auto write_bytes = py::cpp_function([&write](const py::bytes& bytes) {
      const auto view = static_cast<std::string_view>(bytes);
      const py::gil_scoped_release unlocked;
      write(view);
    });
    held->get()(format, options, stream, write_bytes);
  };
}

std::unique_ptr<Session> make_session(size_t threads, uint64_t memory_limit_bytes,
                                      std::string temp_dir,
                                      std::optional<std::vector<std::string>> allowed_paths,
                                      int64_t chunk_rows, const py::object& format_writer,
                                      const py::object& console_writer) {
  SessionOptions options;
  options.threads = threads;
  options.memory_limit_bytes = memory_limit_bytes;
  options.temp_dir = std::move(temp_dir);
  options.allowed_paths = std::move(allowed_paths);
  options.chunk_rows = chunk_rows;
  options.interrupt_check = check_signals;
  if (!format_writer.is_none()) options.format_writer = python_format_writer(format_writer);
  if (!console_writer.is_none()) options.console_writer = python_console_writer(console_writer);
  return std::make_unique<Session>(std::move(options));
}

// What the text form of the options cannot say.
using NullTexts = std::optional<std::vector<std::string>>;

void set_types(std::map<std::string, DataType>* out, const py::dict& types) {
  for (const auto& [name, type] : types) {
    (*out)[py::cast<std::string>(name)] = type_from_python(type);
  }
}

CsvOptions csv_options(const TextMap& texts, const py::object& columns, const py::dict& types,
                       NullTexts null_texts) {
  CsvOptions options = csv_options_from_text(texts);
  if (!columns.is_none()) options.columns = schema_from_python(columns, false).fields();
  set_types(&options.types, types);
  if (null_texts) options.null_texts = std::move(*null_texts);
  return options;
}

JsonOptions json_options(const TextMap& texts, const py::object& columns, const py::dict& types) {
  JsonOptions options = json_options_from_text(texts);
  if (!columns.is_none()) {
    for (const py::handle& column : columns) {
      const auto pair = py::reinterpret_borrow<py::tuple>(column);
      options.columns.push_back({py::cast<std::string>(pair[0]), std::nullopt});
      if (!pair[1].is_none()) options.columns.back().type = type_from_python(pair[1]);
    }
  }
  set_types(&options.types, types);
  return options;
}

LineOptions line_options(const TextMap& texts,
                         const std::vector<std::pair<std::string, std::string>>& mappings,
                         const py::dict& types, NullTexts null_texts) {
  LineOptions options = line_options_from_text(texts);
  if (!mappings.empty()) options.mappings.clear();
  for (const auto& [name, from] : mappings) options.mappings.push_back({name, from});
  set_types(&options.types, types);
  if (null_texts) options.null_texts = std::move(*null_texts);
  return options;
}

void bind_files(py::class_<Session>* session) {
  const py::call_guard<py::gil_scoped_release> unlocked;
  session
      ->def("probe",
            [](const Session& self, const std::vector<std::string>& paths,
               const std::string& encoding) {
              InputOptions input;
              input.encoding = encoding;
              return probe_to_dict(without_gil([&] { return self.probe(paths, input); }));
            })
      .def(
          "read",
          [](const Session& self, const std::vector<std::string>& paths, const TextMap& options) {
            return self.read(paths, options);
          },
          unlocked)
      .def("read_csv",
           [](const Session& self, const std::vector<std::string>& paths, const TextMap& texts,
              const py::object& columns, const py::dict& types, NullTexts null_texts) {
             const CsvOptions options = csv_options(texts, columns, types, std::move(null_texts));
             return without_gil([&] { return self.read_csv(paths, options); });
           })
      // Rows behind others that have a header and whose columns were inferred: what would lose a
      // digit of theirs is an error.
      .def("read_further_csv",
           [](const Session& self, const std::vector<std::string>& paths, const TextMap& texts,
              const py::object& columns, NullTexts null_texts) {
             CsvOptions options = csv_options(texts, columns, py::dict(), std::move(null_texts));
             options.input.inferred_columns = std::exchange(options.columns, {});
             options.header = false;
             return without_gil([&] { return self.read_csv(paths, options); });
           })
      .def("read_json",
           [](const Session& self, const std::vector<std::string>& paths, const TextMap& texts,
              const py::object& columns, const py::dict& types) {
             const JsonOptions options = json_options(texts, columns, types);
             return without_gil([&] { return self.read_json(paths, options); });
           })
      .def("read_line_file",
           [](const Session& self, const std::vector<std::string>& paths, const TextMap& texts,
              const std::vector<std::pair<std::string, std::string>>& mappings,
              const py::dict& types, NullTexts null_texts) {
             const LineOptions options =
                 line_options(texts, mappings, types, std::move(null_texts));
             return without_gil([&] { return self.read_line_file(paths, options); });
           })
      .def("read_stream_dir",
           [](const Session& self, const std::string& path, const StreamFileFormat& format,
              bool follow, const std::string& order, std::string pattern, int64_t settle_ms) {
             FileDirectoryOptions options;
             options.bounded = !follow;
             options.order = file_order_from_name(order);
             options.pattern = std::move(pattern);
             options.settle_ms = settle_ms;
             return without_gil([&] { return self.read_stream_dir(path, format, options); });
           })
      .def("read_stream_tail",
           [](const Session& self, const std::string& path, const StreamFileFormat& format,
              bool follow) {
             FileTailOptions options;
             options.bounded = !follow;
             return without_gil([&] { return self.read_stream_tail(path, format, options); });
           })
      .def("read_stream_plugin", &Session::read_stream_plugin, unlocked)
      .def("plugin_sink", &Session::create_plugin_sink, unlocked)
      .def(
          "csv_file_sink",
          [](const Session& self, const std::string& path, bool append, const TextMap& options) {
            return self.create_csv_file_sink(path,
                                             append ? CsvFileMode::kAppend : CsvFileMode::kReplace,
                                             csv_writer_options_from_text(options));
          },
          unlocked)
      .def(
          "json_file_sink",
          [](const Session& self, const std::string& path, bool append) {
            return self.create_json_file_sink(
                path, append ? CsvFileMode::kAppend : CsvFileMode::kReplace);
          },
          unlocked);
}

// (type, value); the type is None for NULL.
Value parameter_value(py::handle parameter) {
  const auto pair = py::reinterpret_borrow<py::tuple>(parameter);
  if (pair[0].is_none()) return Value();
  const Schema schema({{"parameter", type_from_python(pair[0])}});
  py::list rows;
  rows.append(py::make_tuple(pair[1]));
  return rows_from_python(schema, rows).columns.at(0)->value(0);
}

void bind_tables(py::class_<Session>* session) {
  const py::call_guard<py::gil_scoped_release> unlocked;
  session
      ->def("sql",
            [](Session& self, const std::string& text, const py::object& positional,
               const py::object& named) {
              sql::Parameters parameters;
              for (const py::handle& parameter : positional) {
                parameters.positional.push_back(parameter_value(parameter));
              }
              for (const py::handle& parameter : named) {
                const auto pair = py::reinterpret_borrow<py::tuple>(parameter);
                parameters.named[py::cast<std::string>(pair[0])] = parameter_value(pair[1]);
              }
              return without_gil([&] { return self.sql(text, parameters); });
            })
      .def("explain",
           [](Session& self, const std::string& text, bool analyze) {
             return to_shown_text(without_gil([&] { return self.explain(text, analyze); }));
           })
      .def(
          "create_temp_view",
          [](Session& self, const std::string& name, const DataFrame& frame) {
            self.create_temp_view(name, frame);
          },
          unlocked)
      .def(
          "create_temp_view",
          [](Session& self, const std::string& name, const StreamingDataFrame& frame) {
            self.create_temp_view(name, frame);
          },
          unlocked)
      .def("table", &Session::table, unlocked)
      .def("tables",
           [](const Session& self) {
             py::list out;
             for (const std::string& name : without_gil([&] { return self.tables(); })) {
               out.append(to_python_text(name));
             }
             return out;
           })
      .def("create_dataframe_from_arrow",
           [](const Session& self, py::handle data) {
             ArrowArrayStream stream = take_arrow_stream(data);
             return without_gil([&] { return self.create_dataframe_from_arrow(&stream); });
           })
      .def("vector_search",
           [](const Session& self, const std::string& table, const std::string& column,
              py::handle vector, int64_t top_k, std::string metric, std::string where,
              std::optional<double> score_threshold, std::vector<std::string> columns) {
             const QueryVectors queries = read_query_vectors(vector);
             const VectorSearchOptions options{top_k, std::move(metric), std::move(where),
                                               score_threshold, std::move(columns)};
             return without_gil([&] {
               return queries.matrix ? self.vector_search_many(table, column, queries.values,
                                                               queries.count, options)
                                     : self.vector_search(table, column, queries.values, options);
             });
           })
      .def("explain_vector_search",
           [](const Session& self, const std::string& table, const std::string& column,
              py::handle vector, int64_t top_k, std::string metric, std::string where,
              std::optional<double> score_threshold, std::vector<std::string> columns) {
             const QueryVectors queries = read_query_vectors(vector);
             const VectorSearchOptions options{top_k, std::move(metric), std::move(where),
                                               score_threshold, std::move(columns)};
             return without_gil([&] {
               return self.explain_vector_search(table, column, queries.values, queries.count,
                                                 options);
             });
           });
}

void bind_streams(py::class_<Session>* session) {
  const py::call_guard<py::gil_scoped_release> unlocked;
  session
      ->def("create_stream_from_arrow",
            [](const Session& self, py::handle data, bool lazily) {
              ArrowArrayStream stream = take_arrow_stream(data);
              return without_gil([&] {
                StreamSourcePtr source =
                    lazily ? make_arrow_reader_stream(std::make_unique<ArrowStreamReader>(&stream))
                           : make_arrow_table_stream(import_stream(&stream));
                return self.read_stream(std::move(source));
              });
            })
      .def(
          "read_realtime_stream_source",
          [](const Session& self, std::shared_ptr<RealtimeStreamSource> source) {
            return self.read_stream(std::move(source));
          },
          unlocked)
      .def("read_stream_rate",
           [](const Session& self, const TextMap& options) {
             return self.read_stream(make_rate_stream(rate_options_from_text(options)));
           })
      .def(
          "read_python_source",
          [](const Session& self, std::shared_ptr<PythonSource> source) {
            return self.read_stream(std::move(source));
          },
          unlocked)
      .def("stream_sql", &Session::streamSql, unlocked)
      .def("explain_stream_sql",
           [](const Session& self, const std::string& text, const TextMap& options) {
             return to_shown_text(without_gil(
                 [&] { return self.explainStreamSql(text, stream_options_from_text(options)); }));
           })
      .def("start_stream_sql",
           [](const Session& self, const std::string& text, const TextMap& texts,
              const py::object& on_progress) {
             const StreamOptions options = stream_options_to_cpp(texts, on_progress);
             return without_gil([&] { return self.startStreamSql(text, options); });
           })
      .def("register_stream_sink", &Session::register_stream_sink, unlocked);
}

}  // namespace

void bind_session(py::module_& module) {
  py::class_<StreamFileFormat>(module, "StreamFileFormat")
      .def_static(
          "csv",
          [](const TextMap& texts, const py::object& columns, const py::dict& types,
             NullTexts null_texts) {
            return csv_stream_format(csv_options(texts, columns, types, std::move(null_texts)));
          })
      .def_static("json",
                  [](const TextMap& texts, const py::object& columns, const py::dict& types) {
                    return json_stream_format(json_options(texts, columns, types));
                  })
      .def_static("line", [](const TextMap& texts,
                             const std::vector<std::pair<std::string, std::string>>& mappings,
                             const py::dict& types, NullTexts null_texts) {
        return line_stream_format(line_options(texts, mappings, types, std::move(null_texts)));
      });
  py::class_<Session> session(module, "Session", py::release_gil_before_calling_cpp_dtor());
  session
      .def(py::init(&make_session), py::kw_only(), py::arg("threads"),
           py::arg("memory_limit_bytes"), py::arg("temp_dir"), py::arg("allowed_paths"),
           py::arg("chunk_rows"), py::arg("format_writer"), py::arg("console_writer"))
      .def("close", &Session::close, py::call_guard<py::gil_scoped_release>());
  bind_files(&session);
  bind_tables(&session);
  bind_streams(&session);
}

}  // namespace velaria::python
