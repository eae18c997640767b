// Whether worker processes are worth their cost, from what batches took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace velaria {

// One batch in this process.
struct BatchSample {
  int64_t rows = 0;
  int64_t wall_ns = 0;
  int64_t cpu_ns = 0;           // of all its threads
  int64_t handing_over_ns = 0;  // dividing it and writing it down for workers, measured beside it
};

struct WorkerForecast {
  double speedup = 0;                    // below 1: workers would be slower
  double compute_to_overhead_ratio = 0;  // processor time of a batch to the cost of handing it over
  double batch_ms = 0;                   // here
  double worker_batch_ms = 0;            // with workers
  double handing_over_ms = 0;            // of these
  double threads = 0;                    // busy here
};

// Medians, of at least one sample with rows; the first one warms up and does not count when there
// are others. Workers share the cores; a batch goes to all of them at once and is waited for.
WorkerForecast forecast_workers(const std::vector<BatchSample>& samples, size_t workers,
                                size_t cores);

// The median time of a row; 0 without rows.
double median_ns_per_row(const std::vector<BatchSample>& samples);

}  // namespace velaria
