#include "src/session/source_notes.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/file_list_source.h"

namespace velaria {

namespace {

void collect_sources(const LogicalPlan& plan, std::vector<TableSourcePtr>* out) {
  if (const auto* scan = dynamic_cast<const ScanPlan*>(&plan)) {
    if (std::find(out->begin(), out->end(), scan->source()) == out->end()) {
      out->push_back(scan->source());
    }
  }
  for (const PlanPtr& child : plan.children()) collect_sources(*child, out);
}

}  // namespace

std::vector<std::string> warnings_of_plan(const LogicalPlan& plan) {
  std::vector<TableSourcePtr> sources;
  collect_sources(plan, &sources);
  std::vector<std::string> out;
  for (const TableSourcePtr& source : sources) {
    for (std::string& warning : warnings_of(*source)) out.push_back(std::move(warning));
  }
  return out;
}

void add_warnings_of_plan(const LogicalPlan& plan, std::vector<std::string>* warnings) {
  for (std::string& warning : warnings_of_plan(plan)) {
    if (std::find(warnings->begin(), warnings->end(), warning) == warnings->end()) {
      warnings->push_back(std::move(warning));
    }
  }
}

TableSourcePtr rejects_of_plan(const LogicalPlan& plan, const std::string& name) {
  std::vector<TableSourcePtr> sources;
  collect_sources(plan, &sources);
  std::vector<FileListPart> parts;
  for (const TableSourcePtr& source : sources) {
    FileListPart part;
    part.source = rejects_of(*source);
    if (!part.source) continue;
    part.path = source->describe();
    for (size_t i = 0; i < part.source->schema().size(); ++i) part.columns.emplace_back(i);
    parts.push_back(std::move(part));
  }
  if (parts.empty()) {
    throw Error(ErrorKind::kInvalidArgument,
                concat(name.empty() ? "the frame" : concat("'", name, "'"),
                       " leaves no rows out: only what is read with on_error='skip' has rejects"));
  }
  Schema schema = parts[0].source->schema();
  return make_file_list(std::move(schema), std::move(parts), "", "rejects of");
}

}  // namespace velaria
