// Plans as bytes, for another process of the same program: scans, filters, projections, time
// windows and aggregates over one leaf. Functions go by their addresses (function_address.h).
#pragma once

#include <optional>
#include <string>

#include "src/plan/logical_plan.h"
#include "stream/checkpoint/column_codec.h"

namespace velaria {

// Why a plan cannot be written down, by name; nothing: it can.
std::optional<std::string> why_not_writable(const LogicalPlan& plan);

// `plan` is writable; all its scans are taken to read one source.
void write_plan(const LogicalPlan& plan, ByteWriter* out);
// The same plan over `leaf`. Throws CheckpointError for bytes that end too early, StreamError as
// find_function().
PlanPtr read_plan(ByteReader* in, const TableSourcePtr& leaf);

void write_expression(const BoundExpressionPtr& expression, ByteWriter* out);
BoundExpressionPtr read_expression(ByteReader* in);

void write_fields(const Schema& schema, ByteWriter* out);
Schema read_fields(ByteReader* in);

}  // namespace velaria
