#include "stream/workers/worker_forecast.h"

#include <algorithm>

namespace velaria {

namespace {

// Messages to and from the workers, and waking them up, as measured over sockets of one machine.
constexpr double kRoundTripNs = 60'000;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

template <typename Measure>
double median_of(const std::vector<BatchSample>& samples, const Measure& measure) {
  std::vector<double> values;
  for (size_t i = samples.size() > 1 ? 1 : 0; i < samples.size(); ++i) {
    if (samples[i].rows > 0) values.push_back(measure(samples[i]));
  }
  return median(std::move(values));
}

}  // namespace

double median_ns_per_row(const std::vector<BatchSample>& samples) {
  return median_of(samples, [](const BatchSample& sample) {
    return static_cast<double>(sample.wall_ns) / static_cast<double>(sample.rows);
  });
}

WorkerForecast forecast_workers(const std::vector<BatchSample>& samples, size_t workers,
                                size_t cores) {
  const double wall_ns =
      median_of(samples, [](const BatchSample& s) { return static_cast<double>(s.wall_ns); });
  const double cpu_ns =
      median_of(samples, [](const BatchSample& s) { return static_cast<double>(s.cpu_ns); });
  const double handing_over_ns = kRoundTripNs + median_of(samples, [](const BatchSample& s) {
                                   return static_cast<double>(s.handing_over_ns);
                                 });
  const auto side_by_side = static_cast<double>(std::max<size_t>(std::min(workers, cores), 1));
  const double worker_ns = cpu_ns / side_by_side + handing_over_ns;
  WorkerForecast out;
  out.speedup = worker_ns > 0 ? wall_ns / worker_ns : 0;
  out.compute_to_overhead_ratio = cpu_ns / handing_over_ns;
  out.batch_ms = wall_ns / 1e6;
  out.worker_batch_ms = worker_ns / 1e6;
  out.handing_over_ms = handing_over_ns / 1e6;
  out.threads = wall_ns > 0 ? cpu_ns / wall_ns : 0;
  return out;
}

}  // namespace velaria
