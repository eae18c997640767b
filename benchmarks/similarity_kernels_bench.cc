// Claim: one exact vector search costs little more than reading the vectors from memory once.
//
// ReadAll is the yardstick: the same bytes, only summed. Kernel/* are the first-pass kernels per
// SIMD level, Search/* whole searches (k = 10 unless named), on the calling thread (threads:1) or a
// pool of two. The peers are in vector_search_bench.py.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "benchmark/benchmark.h"
#include "src/base/cpu_features.h"
#include "src/similarity/exact_search.h"
#include "src/similarity/kernels/distance_kernels.h"
#include "src/similarity/kernels/product_kernels.h"
#include "src/similarity/parallel_tasks.h"

namespace velaria {
namespace {

struct Data {
  ColumnPtr column;
  std::vector<float> query;
  const float* rows() const { return column->vector_at(0); }
};

// Uniform in [-1, 1), from integers: fast to make.
const Data& data_for(int64_t rows, int32_t dimension) {
  static std::map<std::pair<int64_t, int32_t>, Data> made;
  Data& data = made[{rows, dimension}];
  if (data.column) return data;
  std::mt19937 random(42);
  const auto next = [&random] { return static_cast<float>(random()) * 0x1p-31f - 1.0f; };
  const int64_t count = rows * dimension;
  auto buffer = Buffer::allocate(static_cast<size_t>(count) * sizeof(float));
  float* values = reinterpret_cast<float*>(buffer->mutable_data());
  for (int64_t i = 0; i < count; ++i) values[i] = next();
  for (int32_t i = 0; i < dimension; ++i) data.query.push_back(next());
  data.column = Column::vectors(
      DataType::vector(dimension), rows,
      Column::flat(DataType(TypeId::kFloat32), count, buffer, 0, Validity()), Validity());
  return data;
}

void set_bytes(benchmark::State* state, int64_t rows, int32_t dimension) {
  state->SetBytesProcessed(state->iterations() * rows * dimension *
                           static_cast<int64_t>(sizeof(float)));
}

// Sums 64-bit words in eight chains: as fast as a core reads.
uint64_t sum_words(const uint8_t* data, int64_t bytes) {
  uint64_t sums[8] = {};
  for (int64_t i = 0; i + 64 <= bytes; i += 64) {
    uint64_t words[8];
    std::memcpy(words, data + i, 64);
    for (int w = 0; w < 8; ++w) sums[w] += words[w];
  }
  uint64_t total = 0;
  for (uint64_t sum : sums) total += sum;
  return total;
}

void read_all(benchmark::State& state, int64_t rows, int32_t dimension, size_t threads) {
  const Data& data = data_for(rows, dimension);
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(data.rows());
  const int64_t size = rows * dimension * static_cast<int64_t>(sizeof(float));
  ThreadPool pool(threads);
  constexpr int64_t kPart = 1 << 20;
  for (auto _ : state) {
    std::atomic<int64_t> next{0};
    run_tasks(threads == 1 ? nullptr : &pool, threads, [&](size_t) {
      for (int64_t at = next.fetch_add(kPart); at < size; at = next.fetch_add(kPart)) {
        benchmark::DoNotOptimize(sum_words(bytes + at, std::min(kPart, size - at)));
      }
    });
  }
  set_bytes(&state, rows, dimension);
}

void kernel(benchmark::State& state, SimdLevel level, const std::string& which, int64_t rows,
            int32_t dimension) {
  const Data& data = data_for(rows, dimension);
  const DistanceKernels& kernels = kernels_for(level);
  std::vector<float> first(static_cast<size_t>(rows));
  std::vector<float> second(static_cast<size_t>(rows));
  for (auto _ : state) {
    if (which == "dot") {
      kernels.dot(data.query.data(), data.rows(), rows, dimension, first.data());
    } else if (which == "dot_and_square") {
      kernels.dot_and_square(data.query.data(), data.rows(), rows, dimension, first.data(),
                             second.data());
    } else {
      kernels.squared_l2(data.query.data(), data.rows(), rows, dimension, first.data());
    }
    benchmark::ClobberMemory();
  }
  set_bytes(&state, rows, dimension);
}

void search_table(benchmark::State& state, Metric metric, int64_t top_k, int64_t rows,
                  int32_t dimension, size_t threads) {
  const Data& data = data_for(rows, dimension);
  ThreadPool pool(threads);
  VectorTable table(dimension);
  table.append(data.column);
  int64_t rescored = 0;
  for (auto _ : state) {
    const VectorSearchResult result =
        search(table, {metric, data.query, top_k}, {threads == 1 ? nullptr : &pool});
    rescored = result.rescored_rows;
    benchmark::DoNotOptimize(result.matches.data());
  }
  state.counters["rescored_rows"] = static_cast<double>(rescored);
  set_bytes(&state, rows, dimension);
}

void search_many_queries(benchmark::State& state, Metric metric, int64_t count, int64_t rows,
                         int32_t dimension, std::string_view backend) {
  const Data& data = data_for(rows, dimension);
  ThreadPool pool(2);
  VectorTable table(dimension);
  table.append(data.column);
  std::mt19937 random(7);
  ManySearchRequest request;
  request.metric = metric;
  request.count = count;
  for (int64_t i = 0; i < count * dimension; ++i) {
    request.queries.push_back(static_cast<float>(random()) * 0x1p-31f - 1.0f);
  }
  setenv("VELARIA_SIMD_BACKEND", std::string(backend).c_str(), 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(search_many(table, request, {&pool}).data());
  }
  unsetenv("VELARIA_SIMD_BACKEND");
  state.counters["gigaflops"] =
      benchmark::Counter(2e-9 * static_cast<double>(rows * dimension * count),
                         benchmark::Counter::kIsIterationInvariantRate);
}

bool register_all() {
  const auto add = [](const std::string& name, auto body) {
    benchmark::RegisterBenchmark(name.c_str(), body)->UseRealTime()->Unit(benchmark::kMillisecond);
  };
  // In the second-level cache: what the arithmetic alone costs.
  for (SimdLevel level : available_simd_levels()) {
    for (const char* which : {"dot", "dot_and_square", "squared_l2"}) {
      add("Kernel/" + std::string(simd_level_name(level)) + "/" + which + "/200x768",
          [=](benchmark::State& state) { kernel(state, level, which, 200, 768); });
    }
  }
  const std::pair<int64_t, int32_t> shapes[] = {{100000, 128}, {200000, 768}};
  for (const auto& [rows, dimension] : shapes) {
    const int64_t n = rows;
    const int32_t d = dimension;
    const std::string shape = std::to_string(n) + "x" + std::to_string(d);
    for (SimdLevel level : available_simd_levels()) {
      for (const char* which : {"dot", "dot_and_square", "squared_l2"}) {
        add("Kernel/" + std::string(simd_level_name(level)) + "/" + which + "/" + shape,
            [=](benchmark::State& state) { kernel(state, level, which, n, d); });
      }
    }
    for (size_t threads : {1, 2}) {
      const std::string end = shape + "/threads:" + std::to_string(threads);
      add("ReadAll/" + end, [=](benchmark::State& state) { read_all(state, n, d, threads); });
      for (Metric metric : {Metric::kCosine, Metric::kDot, Metric::kL2}) {
        add("Search/" + std::string(metric_name(metric)) + "/" + end,
            [=](benchmark::State& state) { search_table(state, metric, 10, n, d, threads); });
      }
      add("Search/cosine/k:1000/" + end, [=](benchmark::State& state) {
        search_table(state, Metric::kCosine, 1000, n, d, threads);
      });
    }
    for (const ProductKernels* kernels : available_product_kernels()) {
      for (int64_t count : {32, 256}) {
        add("SearchMany/" + std::string(kernels->name) + "/" + shape +
                "/queries:" + std::to_string(count),
            [=](benchmark::State& state) {
              search_many_queries(state, Metric::kL2, count, n, d, kernels->name);
            });
      }
    }
  }
  return true;
}

[[maybe_unused]] const bool registered = register_all();

}  // namespace
}  // namespace velaria
