// Chunks -> JSON lines that our reader reads back equal.
//
// Each row is one object on one line, with every column of the schema as a key, NULL as null.
// Integers and decimals keep every digit; floats are the shortest text that reads back the same and
// always look like floats ("3.0"); dates, times and timestamps are strings of ISO 8601, those with
// a zone end in Z; vectors are arrays of numbers. nan and infinities, which JSON has no numbers
// for, are the strings "nan", "inf" and "-inf"; binary is a string of hexadecimal digits
// ("\\x00ff").
//
// Read back with the types given (`types`); inference alone gives the same for bool, int64, float64
// without nan and inf, date32, timestamp[us], timestamp[us, UTC] and texts that are not all dates,
// in columns that have a value.
// One thread per object.
#pragma once

#include <string>
#include <vector>

#include "src/column/chunk.h"
#include "src/column/schema.h"
#include "src/io/text_writer.h"

namespace velaria {

class JsonWriter : public TextWriter {
 public:
  // Throws InvalidArgumentError for two columns of one name: an object has each key once.
  explicit JsonWriter(Schema schema);

  // Appends the selected rows of a chunk, one line each, ended by LF.
  void write_chunk(const Chunk& chunk, std::string* out) const override;

 private:
  const Schema schema_;
  std::vector<std::string> keys_;  // with what stands before and behind them
};

}  // namespace velaria
