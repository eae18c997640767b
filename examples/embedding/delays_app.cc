// How late each carrier is, of a file that is named on the command line.
#include <iostream>

#include "velaria/velaria.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: delays_app FILE\n";
    return 2;
  }
  try {
    velaria::DataflowSession session;
    session.create_temp_view("flights", session.read(argv[1]));
    std::cout << session
                     .sql(
                         "SELECT carrier, avg(arr_delay) AS mean_delay_min FROM flights "
                         "GROUP BY carrier ORDER BY mean_delay_min DESC")
                     .to_text();
  } catch (const velaria::Error& error) {
    std::cerr << velaria::error_kind_name(error.kind()) << ": " << error.what() << "\n";
    return 1;
  }
  return 0;
}
