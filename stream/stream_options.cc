#include "stream/stream_options.h"

#include <charconv>
#include <cstdlib>
#include <functional>
#include <sstream>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

constexpr int64_t kMostMilliseconds = int64_t{1000} * 60 * 60 * 24 * 365;
constexpr int64_t kMostQueuedBatches = 1 << 20;

void require_range(const char* name, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return;
  throw Error(ErrorKind::kInvalidArgument,
              concat(name, "=", value, " is out of range; it must be from ", least, " to ", most));
}

int64_t parse_integer(const std::string& name, const std::string& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("stream option ", name, "='", excerpt(text), "' is not a whole number"));
  }
  return value;
}

bool parse_bool(const std::string& name, const std::string& text) {
  const std::string lower = to_lower_ascii(text);
  if (lower == "true" || lower == "1") return true;
  if (lower == "false" || lower == "0") return false;
  throw Error(ErrorKind::kInvalidArgument,
              concat("stream option ", name, "='", excerpt(text), "' is neither true nor false"));
}

bool is_none(const std::string& text) { return text.empty() || equals_ignore_case(text, "none"); }

[[noreturn]] void refuse_choice(const std::string& name, const std::string& text,
                                const std::vector<std::string>& choices) {
  throw Error(ErrorKind::kInvalidArgument,
              concat("stream option ", name, "='", excerpt(text), "' is unknown; it is one of ",
                     join_texts(choices, ", "), did_you_mean(text, choices)));
}

DeliveryMode parse_delivery_mode(const std::string& name, const std::string& text) {
  for (const DeliveryMode mode : {DeliveryMode::kAtLeastOnce, DeliveryMode::kBestEffort}) {
    if (text == delivery_mode_name(mode)) return mode;
  }
  refuse_choice(name, text, {"at-least-once", "best-effort"});
}

ExecutionMode parse_execution_mode(const std::string& name, const std::string& text) {
  for (const ExecutionMode mode : {ExecutionMode::kSingleProcess, ExecutionMode::kLocalWorkers}) {
    if (text == execution_mode_name(mode)) return mode;
  }
  refuse_choice(name, text, {"single-process", "local-workers"});
}

WorkerChoice parse_worker_choice(const std::string& name, const std::string& text) {
  for (const WorkerChoice choice : {WorkerChoice::kMeasured, WorkerChoice::kAlways}) {
    if (text == worker_choice_name(choice)) return choice;
  }
  refuse_choice(name, text, {"measured", "always"});
}

using Setter =
    std::function<void(StreamOptions&, const std::string& name, const std::string& text)>;

Setter integer(int64_t StreamOptions::* field) {
  return [field](StreamOptions& options, const std::string& name, const std::string& text) {
    options.*field = parse_integer(name, text);
  };
}

Setter optional_integer(std::optional<int64_t> StreamOptions::* field) {
  return [field](StreamOptions& options, const std::string& name, const std::string& text) {
    if (is_none(text)) {
      options.*field = std::nullopt;
    } else {
      options.*field = parse_integer(name, text);
    }
  };
}

struct OptionEntry {
  const char* name;
  Setter set;
};

const std::vector<OptionEntry>& entries() {
  static const std::vector<OptionEntry> all = {
      {"trigger_interval_ms", integer(&StreamOptions::trigger_interval_ms)},
      {"checkpoint_path", [](StreamOptions& options, const std::string&,
                             const std::string& text) { options.checkpoint_path = text; }},
      {"checkpoint_interval_ms", integer(&StreamOptions::checkpoint_interval_ms)},
      {"checkpoint_async",
       [](StreamOptions& options, const std::string& name, const std::string& text) {
         options.checkpoint_async = std::nullopt;
         if (!is_none(text)) options.checkpoint_async = parse_bool(name, text);
       }},
      {"checkpoint_delivery_mode",
       [](StreamOptions& options, const std::string& name, const std::string& text) {
         options.checkpoint_delivery_mode = parse_delivery_mode(name, text);
       }},
      {"execution_mode",
       [](StreamOptions& options, const std::string& name, const std::string& text) {
         options.execution_mode = parse_execution_mode(name, text);
       }},
      {"local_workers", integer(&StreamOptions::local_workers)},
      {"worker_choice",
       [](StreamOptions& options, const std::string& name, const std::string& text) {
         options.worker_choice = parse_worker_choice(name, text);
       }},
      {"max_inflight_batches", integer(&StreamOptions::max_inflight_batches)},
      {"max_inflight_partitions", integer(&StreamOptions::max_inflight_partitions)},
      {"backpressure_high_watermark",
       optional_integer(&StreamOptions::backpressure_high_watermark)},
      {"backpressure_low_watermark", optional_integer(&StreamOptions::backpressure_low_watermark)},
      {"max_retained_windows", optional_integer(&StreamOptions::max_retained_windows)},
      {"window_retention_ms", optional_integer(&StreamOptions::window_retention_ms)},
      {"max_batches",
       [](StreamOptions& options, const std::string& name, const std::string& text) {
         if (is_none(text)) {
           options.max_batches = std::nullopt;
           return;
         }
         const int64_t value = parse_integer(name, text);
         require_range("max_batches", value, 1, INT64_MAX);
         options.max_batches = static_cast<uint64_t>(value);
       }},
      {"shared_memory_transport",
       [](StreamOptions& options, const std::string& name, const std::string& text) {
         options.shared_memory_transport = parse_bool(name, text);
       }},
      {"shared_memory_min_payload_bytes", integer(&StreamOptions::shared_memory_min_payload_bytes)},
      {"idle_wait_ms", integer(&StreamOptions::idle_wait_ms)},
      {"query_id", [](StreamOptions& options, const std::string&,
                      const std::string& text) { options.query_id = text; }},
  };
  return all;
}

void set_option(const std::string& name, const std::string& text, StreamOptions* options) {
  for (const OptionEntry& entry : entries()) {
    if (name == entry.name) {
      entry.set(*options, name, text);
      return;
    }
  }
  throw Error(ErrorKind::kInvalidArgument, concat("there is no stream option '", excerpt(name), "'",
                                                  did_you_mean(name, stream_option_names())));
}

}  // namespace

const char* delivery_mode_name(DeliveryMode mode) {
  return mode == DeliveryMode::kAtLeastOnce ? "at-least-once" : "best-effort";
}

const char* execution_mode_name(ExecutionMode mode) {
  return mode == ExecutionMode::kSingleProcess ? "single-process" : "local-workers";
}

const char* worker_choice_name(WorkerChoice choice) {
  return choice == WorkerChoice::kMeasured ? "measured" : "always";
}

void check_stream_options(const StreamOptions& options) {
  require_range("trigger_interval_ms", options.trigger_interval_ms, 0, kMostMilliseconds);
  require_range("checkpoint_interval_ms", options.checkpoint_interval_ms, 0, kMostMilliseconds);
  require_range("idle_wait_ms", options.idle_wait_ms, 0, kMostMilliseconds);
  require_range("local_workers", options.local_workers, 1, 64);
  require_range("max_inflight_batches", options.max_inflight_batches, 1, kMostQueuedBatches);
  require_range("max_inflight_partitions", options.max_inflight_partitions, 1, INT64_MAX);
  require_range("shared_memory_min_payload_bytes", options.shared_memory_min_payload_bytes, 0,
                INT64_MAX);
  require_range("backpressure_high_watermark", options.high_watermark(), 1,
                options.max_inflight_batches);
  require_range("backpressure_low_watermark", options.low_watermark(), 0,
                options.high_watermark() - 1);
  if (options.max_retained_windows) {
    require_range("max_retained_windows", *options.max_retained_windows, 1, INT64_MAX);
  }
  if (options.window_retention_ms) {
    require_range("window_retention_ms", *options.window_retention_ms, 0, INT64_MAX);
  }
  if (options.max_batches && *options.max_batches == 0) {
    throw Error(ErrorKind::kInvalidArgument,
                "max_batches=0 would process nothing; leave it out for no limit");
  }
}

StreamOptions stream_options_from_text(const std::map<std::string, std::string>& texts) {
  StreamOptions options;
  for (const auto& [name, text] : texts) set_option(name, text, &options);
  check_stream_options(options);
  return options;
}

void apply_environment_options(StreamOptions* options) {
  constexpr const char* kVariable = "VELARIA_STREAM_OPTIONS";
  const char* value = std::getenv(kVariable);
  if (value == nullptr) return;
  try {
    std::istringstream parts{std::string(value)};
    for (std::string part; std::getline(parts, part, ',');) {
      const size_t equals = part.find('=');
      if (equals == std::string::npos) {
        throw Error(ErrorKind::kInvalidArgument, concat("'", excerpt(part), "' is not name=value"));
      }
      set_option(part.substr(0, equals), part.substr(equals + 1), options);
    }
    check_stream_options(*options);
  } catch (const Error& error) {
    throw Error(error.kind(),
                concat("in the environment variable ", kVariable, ": ", error.message()));
  }
}

const std::vector<std::string>& stream_option_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const OptionEntry& entry : entries()) out.emplace_back(entry.name);
    return out;
  }();
  return names;
}

}  // namespace velaria
