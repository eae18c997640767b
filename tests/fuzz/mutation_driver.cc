// Runs a fuzz target over its seeds and over mutations of them, without libFuzzer.
//
//   json_fuzz_test [FILE...]      the files, instead of the seeds and mutations
//
// VELARIA_TEST_SEED chooses other mutations, VELARIA_FUZZ_ROUNDS how many.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/fuzz/fuzz_target.h"

namespace {

using Random = std::mt19937_64;

uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::string mutated(const std::vector<std::string>& seeds, Random* random) {
  const auto pick = [&](size_t below) { return below == 0 ? 0 : (*random)() % below; };
  std::string text = seeds[pick(seeds.size())];
  for (size_t steps = 1 + pick(6); steps > 0; --steps) {
    const size_t at = pick(text.size() + 1);
    switch (pick(8)) {
      case 0:
        if (!text.empty()) text[pick(text.size())] = static_cast<char>((*random)());
        break;
      case 1: text.erase(at, 1 + pick(8)); break;
      case 2: text.insert(at, 1, static_cast<char>((*random)())); break;
      case 3: {
        static const char* const pieces[] = {"\"",
                                             "\\",
                                             "\n",
                                             "\r",
                                             "{",
                                             "}",
                                             "[",
                                             "]",
                                             ",",
                                             ":",
                                             "\\u",
                                             "\\ud800",
                                             "null",
                                             "0",
                                             "-",
                                             "1e999",
                                             "\xFF",
                                             "\xEF\xBB\xBF",
                                             "99999999999999999999",
                                             " ",
                                             "\t",
                                             "\"\"",
                                             "\r\n",
                                             ";",
                                             "#",
                                             "'",
                                             "::",
                                             "2013-01-01",
                                             "true",
                                             "[1 2]",
                                             "\x1F\x8B",
                                             "\xFF\xFE",
                                             "\xC3\xA9",
                                             "(",
                                             ")",
                                             "--",
                                             "/*"};
        text.insert(at, pieces[pick(std::size(pieces))]);
        break;
      }
      case 4: text.insert(at, text.substr(pick(text.size() + 1), 1 + pick(40))); break;
      case 5: text.resize(at); break;
      case 6: {
        const std::string& other = seeds[pick(seeds.size())];
        text.insert(at, other.substr(pick(other.size() + 1)));
        break;
      }
      default:
        if (text.size() > 1) std::swap(text[pick(text.size())], text[pick(text.size())]);
    }
    if (text.size() > 4096) text.resize(4096);
  }
  return text;
}

int run(const std::string& text) {
  return LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

}  // namespace

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    std::ifstream file(arguments[i], std::ios::binary);
    run({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
  }
  if (count > 1) return 0;
  const std::vector<std::string> seeds = fuzz_seeds();
  for (const std::string& seed : seeds) run(seed);
  const uint64_t seed = number_from("VELARIA_TEST_SEED", 20261123);
  const uint64_t rounds = number_from("VELARIA_FUZZ_ROUNDS", 4000);
  std::printf("seed %llu, %llu mutations of %zu seeds\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(rounds), seeds.size());
  Random random(seed);
  for (uint64_t i = 0; i < rounds; ++i) run(mutated(seeds, &random));
  return 0;
}
