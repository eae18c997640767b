#include "src/session/query_profile.h"

#include <algorithm>
#include <cstdio>

#include "src/base/display_width.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/exec/execution_profile.h"
#include "src/exec/physical_plan.h"

namespace velaria {

namespace {

double to_ms(int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

class ProfileMaker {
 public:
  ProfileMaker(const PhysicalPlan& plan, const ExecutionProfile& execution)
      : plan_(plan), operators_(plan.operators().size()) {
    for (size_t i = 0; i < plan.pipelines().size(); ++i) {
      add_pipeline(plan.pipelines()[i], execution.pipelines[i]);
    }
  }

  OperatorProfile tree() {
    OperatorProfile root = result_;
    root.name = "Result";
    root.children.push_back(subtree(0));
    return root;
  }

 private:
  OperatorProfile& owner(size_t plan_operator) {
    return plan_operator == kNoPlanOperator ? result_ : operators_[plan_operator];
  }

  static void add_work(const StageProfile& stage, size_t tasks, OperatorProfile* out) {
    out->time_ms += to_ms(stage.time_ns);
    out->tasks = std::max(out->tasks, tasks);
  }

  static void add_output(const StageProfile& stage, OperatorProfile* out) {
    out->rows += stage.rows;
    out->chunks += stage.chunks;
    out->bytes += stage.bytes;
  }

  void add_pipeline(const Pipeline& pipeline, const PipelineProfile& profile) {
    OperatorProfile& sink = owner(pipeline.sink_owner);
    sink.time_ms += to_ms(profile.finish_ns);
    sink.peak_memory_bytes += profile.peak_bytes;
    sink.spilled_bytes += profile.spilled_bytes;
    for (size_t k = 0; k < pipeline.inputs.size(); ++k) {
      const std::vector<size_t>& owners = pipeline.inputs[k].owners;
      const PipelineInputProfile& input = profile.inputs[k];
      if (input.stages.empty()) continue;
      for (size_t t = 0; t < input.spilled_bytes.size(); ++t) {
        owner(owners[t + 1]).spilled_bytes += input.spilled_bytes[t];
      }
      VELARIA_CHECK(input.stages.size() == owners.size() + 1);
      for (size_t stage = 0; stage < owners.size(); ++stage) {
        OperatorProfile& out = owner(owners[stage]);
        add_work(input.stages[stage], input.tasks, &out);
        // What a node hands to itself is not what it gives out.
        const bool last = stage + 1 == owners.size();
        if (owners[stage] != (last ? pipeline.sink_owner : owners[stage + 1])) {
          add_output(input.stages[stage], &out);
        }
      }
      add_work(input.stages.back(), input.tasks, &sink);
      if (pipeline.sink_owner == kNoPlanOperator) add_output(input.stages.back(), &sink);
    }
  }

  OperatorProfile subtree(size_t at) {
    const PlanOperator& place = plan_.operators()[at];
    OperatorProfile out = operators_[at];
    out.name = place.node->describe();
    // Children in the order of the plan, not in that of the pipelines.
    std::vector<size_t> left = place.children;
    for (const PlanPtr& child : place.node->children()) {
      const auto found = std::find_if(left.begin(), left.end(), [&](size_t i) {
        return plan_.operators()[i].node == child.get();
      });
      if (found == left.end()) continue;
      out.children.push_back(subtree(*found));
      left.erase(found);
    }
    // A union has no stage of its own: its rows are those of its children.
    if (out.tasks == 0 && place.node->kind() == PlanKind::kUnionAll) {
      for (const OperatorProfile& child : out.children) {
        out.rows += child.rows;
        out.chunks += child.chunks;
        out.bytes += child.bytes;
        out.tasks = std::max(out.tasks, child.tasks);
      }
    }
    return out;
  }

  const PhysicalPlan& plan_;
  std::vector<OperatorProfile> operators_;
  OperatorProfile result_;
};

// ---- text

std::string format_ms(double ms) {
  char text[32];
  if (ms < 1) {
    std::snprintf(text, sizeof(text), "%.0f µs", ms * 1000);
  } else {
    std::snprintf(text, sizeof(text), "%.*f ms", ms < 100 ? 1 : 0, ms);
  }
  return text;
}

// 1234567 -> "1,234,567"
std::string format_count(int64_t count) {
  std::string digits = std::to_string(count);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string repeat(const char* text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

// A bar of eight cells, in eighths.
std::string bar(double share) {
  constexpr size_t kCells = 8;
  const char* const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto filled = static_cast<size_t>(std::clamp(share, 0.0, 1.0) * kCells * 8 + 0.5);
  return repeat("█", filled / 8) + eighths[filled % 8];
}

class ProfileText {
 public:
  explicit ProfileText(const QueryProfile& profile) : total_ms_(own_times(profile.root)) {
    lines_.push_back(
        {"operator", "rows", "chunks", "bytes", "memory", "spilled", "tasks", "time", "share", ""});
    add(profile.root, "", "");
    if (!spilled(profile.root)) {
      for (auto& line : lines_) line.erase(line.begin() + kSpilledColumn);
    }
  }

  std::string to_text() const {
    std::vector<size_t> widths(lines_[0].size(), 0);
    for (const auto& line : lines_) {
      for (size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], width(line[c]));
    }
    std::string out;
    for (size_t r = 0; r < lines_.size(); ++r) {
      std::string text;
      for (size_t c = 0; c < widths.size(); ++c) {
        const std::string& cell = lines_[r][c];
        const std::string blanks(widths[c] - width(cell), ' ');
        const bool left = c == 0 || c + 1 == widths.size();
        text += (c == 0 ? "" : "  ") + (left ? cell + blanks : blanks + cell);
      }
      out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
      if (r > 0) continue;
      size_t whole = 2 * (widths.size() - 2);
      for (size_t c = 0; c + 1 < widths.size(); ++c) whole += widths[c];
      out += repeat("─", whole) + "\n";
    }
    return out;
  }

 private:
  static constexpr size_t kWidestName = 64;
  static constexpr std::ptrdiff_t kSpilledColumn = 5;  // shown only when somebody wrote to disk

  static bool spilled(const OperatorProfile& node) {
    return node.spilled_bytes > 0 ||
           std::any_of(node.children.begin(), node.children.end(), spilled);
  }

  static size_t width(const std::string& text) { return display_width(text); }

  static double own_times(const OperatorProfile& node) {
    double out = node.time_ms;
    for (const OperatorProfile& child : node.children) out += own_times(child);
    return out;
  }

  void add(const OperatorProfile& node, const std::string& before, const std::string& below) {
    const double share = total_ms_ > 0 ? node.time_ms / total_ms_ : 0;
    const bool ran = node.tasks > 0;
    const auto shown = [&](const std::string& text) { return ran ? text : std::string("-"); };
    lines_.push_back({before + excerpt(node.name, kWidestName), shown(format_count(node.rows)),
                      shown(format_count(node.chunks)),
                      shown(format_bytes(static_cast<uint64_t>(node.bytes))),
                      node.peak_memory_bytes == 0 ? "" : format_bytes(node.peak_memory_bytes),
                      node.spilled_bytes == 0 ? "" : format_bytes(node.spilled_bytes),
                      shown(std::to_string(node.tasks)), shown(format_ms(node.time_ms)),
                      shown(concat(static_cast<int>(share * 100 + 0.5), "%")), bar(share)});
    for (size_t i = 0; i < node.children.size(); ++i) {
      const bool last = i + 1 == node.children.size();
      add(node.children[i], below + (last ? "└─ " : "├─ "), below + (last ? "   " : "│  "));
    }
  }

  const double total_ms_;
  std::vector<std::vector<std::string>> lines_;
};

}  // namespace

QueryProfile make_query_profile(const PhysicalPlan& plan, const ExecutionProfile& execution) {
  QueryProfile out;
  out.root = ProfileMaker(plan, execution).tree();
  out.rows = out.root.rows;
  for (size_t i = 0; i < plan.pipelines().size(); ++i) {
    const PipelineProfile& profile = execution.pipelines[i];
    PipelineTiming timing;
    timing.description = plan.pipelines()[i].description;
    timing.wall_ms = to_ms(profile.wall_ns);
    for (const PipelineInputProfile& input : profile.inputs) {
      timing.tasks = std::max(timing.tasks, input.tasks);
    }
    out.pipelines.push_back(std::move(timing));
  }
  return out;
}

std::string QueryProfile::to_text() const {
  std::string out = ProfileText(*this).to_text();
  out += "\n";
  for (size_t i = 0; i < pipelines.size(); ++i) {
    const PipelineTiming& pipeline = pipelines[i];
    out += concat("pipeline ", i, ": ", format_ms(pipeline.wall_ms), ", ", pipeline.tasks,
                  pipeline.tasks == 1 ? " task: " : " tasks: ", excerpt(pipeline.description, 120),
                  "\n");
  }
  out += concat("\n", format_count(rows), rows == 1 ? " row in " : " rows in ",
                format_ms(execution_ms), " (planning ", format_ms(planning_ms), "), ", threads,
                threads == 1 ? " thread" : " threads", ", peak memory ",
                format_bytes(peak_memory_bytes), "\n");
  return out;
}

}  // namespace velaria
