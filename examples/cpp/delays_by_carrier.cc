// Velaria inside a C++ program: a CSV file, a query in SQL, the same query by verbs, rows out.
//
//   bazel run //examples/cpp:delays_by_carrier -- /path/to/flights.csv
//
// Without an argument it makes a small file of its own.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "velaria/velaria.h"

namespace {

std::string make_small_file() {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(folder != nullptr ? folder : "/tmp") + "/small_flights.csv";
  std::ofstream(path) << "carrier,arr_delay,distance\n"
                         "AA,10,1089\nAA,-4,733\nUA,25,1400\nUA,,1416\nB6,3,1576\n";
  return path;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string path = argc > 1 ? argv[1] : make_small_file();
    velaria::DataflowSession session;
    session.create_temp_view("flights", session.read(path));

    const velaria::DataFrame by_sql = session.sql(
        "SELECT carrier, count(*) AS flights, avg(arr_delay) AS delay FROM flights "
        "WHERE arr_delay IS NOT NULL GROUP BY carrier ORDER BY delay DESC, carrier");
    std::cout << by_sql.to_text();

    const velaria::DataFrame by_verbs = session.table("flights")
                                            .filter("arr_delay IS NOT NULL")
                                            .group_by({"carrier"})
                                            .agg({"count(*) AS flights", "avg(arr_delay) AS delay"})
                                            .order_by({"delay DESC", "carrier"});
    const velaria::QueryResult rows = by_verbs.collect();
    for (const velaria::Chunk& chunk : rows.chunks) {
      for (int64_t row = 0; row < chunk.rows; ++row) {
        std::cout << chunk.columns[0]->value(row).to_string() << " is late by "
                  << chunk.columns[2]->value(row).to_string() << " minutes\n";
      }
    }
    return by_sql.to_text() == by_verbs.to_text() ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const velaria::Error& error) {
    std::cerr << error.what() << "\n";
    return EXIT_FAILURE;
  }
}
