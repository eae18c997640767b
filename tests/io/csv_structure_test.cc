// The structure finders of all levels and the careful tokenizer find the same rows.
#include "src/io/csv/csv_structure.h"

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/io/csv/csv_range.h"
#include "src/io/csv/csv_rows.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

std::string random_text(std::mt19937_64* random, std::string_view alphabet, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += alphabet[(*random)() % alphabet.size()];
  return text;
}

struct Found {
  std::vector<uint32_t> separators;
  std::vector<uint32_t> row_ends;
  bool irregular = false;
  bool inside = false;
};

Found find(const StructureFinder& finder, const std::string& text, size_t window) {
  const std::string padded = text + std::string(kCsvPaddingBytes, '\0');
  StructureState state;
  StructureIndex index;
  for (size_t begin = 0; begin < text.size(); begin += window) {
    index.make_room(window < text.size() ? window : text.size());
    finder.index({',', '"', true}, padded.data(), begin, std::min(text.size(), begin + window),
                 &state, &index);
  }
  Found out;
  out.separators.assign(index.separators.begin(),
                        index.separators.begin() + static_cast<int64_t>(index.separator_count));
  out.row_ends.assign(index.row_ends.begin(),
                      index.row_ends.begin() + static_cast<int64_t>(index.row_end_count));
  out.irregular = state.irregular;
  out.inside = state.inside_quotes;
  return out;
}

// Rows as RangeRows sees them, or the defect.
std::string rows_text(const std::string& text, SimdLevel level, bool careful, RaggedPolicy ragged,
                      int64_t batch) {
  const std::string padded = text + std::string(kCsvPaddingBytes, '\0');
  RangeRows rows(CsvDialect(), {"NA"}, 3, ragged, level, careful);
  std::string out;
  std::vector<FieldSpan> spans(static_cast<size_t>(batch));
  try {
    rows.start(padded.data(), text.size());
    while (const int64_t count = rows.next(batch)) {
      std::vector<std::string> lines(static_cast<size_t>(count));
      for (int64_t row = 0; row < count; ++row) {
        lines[static_cast<size_t>(row)] = concat(rows.row_offset(row));
      }
      for (size_t column = 0; column < 3; ++column) {
        bool any_null = false;
        const bool has_nulls = rows.spans_of(column, spans.data());
        for (int64_t row = 0; row < count; ++row) {
          const FieldSpan span = spans[static_cast<size_t>(row)];
          any_null = any_null || span.is_null();
          lines[static_cast<size_t>(row)] +=
              span.is_null() ? "|<null>" : "|" + text_of(CsvDialect(), padded.data(), span);
        }
        EXPECT_EQ(any_null, has_nulls);
      }
      for (const std::string& line : lines) out += line + "\n";
    }
  } catch (const CsvDefect& defect) {
    // Rows before the defect depend on the batches, the defect does not.
    return concat("defect at ", defect.offset, ": ", defect.what);
  }
  return out;
}

TEST(CsvStructure, AllLevelsAgreeOnRandomText) {
  std::mt19937_64 random(test_seed());
  SCOPED_TRACE(concat("seed ", test_seed()));
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random_text(&random, "ab,,\"\"\n\r", random() % 300);
    const Found expected = find(kPortableStructureFinder, text, 1 << 20);
    for (SimdLevel level : available_simd_levels()) {
      for (size_t window : {size_t{64}, size_t{128}, size_t{1} << 20}) {
        const Found found = find(structure_finder(level), text, window);
        ASSERT_EQ(found.irregular, expected.irregular) << excerpt(text, 400);
        ASSERT_EQ(found.inside, expected.inside) << excerpt(text, 400);
        ASSERT_EQ(found.separators, expected.separators) << excerpt(text, 400);
        ASSERT_EQ(found.row_ends, expected.row_ends) << excerpt(text, 400);
      }
    }
  }
}

TEST(CsvStructure, FastAndCarefulPathsGiveTheSameRows) {
  std::mt19937_64 random(test_seed() + 1);
  SCOPED_TRACE(concat("seed ", test_seed()));
  const std::vector<std::string> fields = {
      "",        "a",        "NA",       "\"NA\"",     "\"\"",     "12345",
      "\"a,b\"", "\"x\ny\"", "\"\"\"\"", "\"q\"\"r\"", "5\" pipe", "a long field of text"};
  const std::vector<std::string> ends = {"\n", "\r\n", "\r", "\n\n", "\r\n\r\n"};
  int defects = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const bool regular = round % 2 == 0;
    for (size_t row = random() % 30 + 1; row > 0; --row) {
      const size_t width = random() % 60 == 0 ? 2 : 3;
      for (size_t i = 0; i < width; ++i) {
        std::string field = fields[random() % fields.size()];
        if (regular && field == "5\" pipe") field = "plain";
        text += (i > 0 ? "," : "") + field;
      }
      text += random() % 100 == 0 && !regular ? "\"oops\n" : ends[random() % ends.size()];
    }
    if (text.back() != '\n' && text.back() != '\r') text += '\n';
    for (RaggedPolicy ragged : {RaggedPolicy::kError, RaggedPolicy::kPad}) {
      const std::string expected = rows_text(text, SimdLevel::kPortable, true, ragged, 1000);
      defects += expected.rfind("defect", 0) == 0 ? 1 : 0;
      for (SimdLevel level : available_simd_levels()) {
        for (int64_t batch : {int64_t{1}, int64_t{7}, int64_t{1000}}) {
          ASSERT_EQ(rows_text(text, level, false, ragged, batch), expected) << excerpt(text, 2000);
        }
      }
    }
  }
  EXPECT_GT(defects, 0);
}

TEST(CsvStructure, CarriesQuotesOverBlocks) {
  const std::string text =
      "\"" + std::string(200, ',') + "\"\"" + std::string(61, '\n') + "\",b\n1,2\n";
  for (SimdLevel level : available_simd_levels()) {
    const Found found = find(structure_finder(level), text, 64);
    EXPECT_FALSE(found.irregular);
    EXPECT_EQ(found.separators.size(), 4u);
    EXPECT_EQ(found.row_ends, (std::vector<uint32_t>{1, 3}));
  }
}

// A file in memory.
class TextStream : public ByteStream {
 public:
  explicit TextStream(std::string text) : text_(std::move(text)) {}
  size_t read(char* out, size_t size_bytes) override {
    const size_t size = std::min(size_bytes, text_.size() - position_);
    text_.copy(out, size, position_);
    position_ += size;
    return size;
  }

 private:
  std::string text_;
  size_t position_ = 0;
};

TEST(CsvRange, CutsAreRowsWhateverTheRangeSize) {
  std::mt19937_64 random(test_seed() + 2);
  SCOPED_TRACE(concat("seed ", test_seed()));
  for (int round = 0; round < 400; ++round) {
    const std::string text = random_text(&random, "ab,\"\n\r", 1 + random() % 200);
    CsvDialect dialect;
    std::vector<size_t> row_starts;
    CarefulTokenizer all(dialect, text);
    while (all.skip_row()) row_starts.push_back(all.row_begin());
    for (int64_t range_bytes : {1, 2, 3, 7, 16, 64, 1000}) {
      RangeCutter cutter(std::make_unique<TextStream>(text), 0, dialect, range_bytes, 1 << 20,
                         available_simd_levels().back(), nullptr);
      CsvRange range;
      std::string joined;
      uint64_t index = 0;
      while (cutter.next(&range)) {
        ASSERT_EQ(range.index, index++);
        ASSERT_EQ(range.file_offset, joined.size());
        ASSERT_TRUE(std::binary_search(row_starts.begin(), row_starts.end(), joined.size()))
            << "cut at " << joined.size() << " of " << excerpt(text, 400);
        joined.append(range.text(), range.size_bytes);
      }
      if (joined.size() > text.size()) joined.pop_back();  // the line end that was missing
      ASSERT_EQ(joined, text);
    }
  }
}

TEST(CsvRange, RefusesEndlessRows) {
  RangeCutter cutter(std::make_unique<TextStream>("a,b\n\"" + std::string(5000, 'x')), 0,
                     CsvDialect(), 16, 1000, SimdLevel::kPortable, nullptr);
  CsvRange range;
  ASSERT_TRUE(cutter.next(&range));
  try {
    cutter.next(&range);
    FAIL();
  } catch (const CsvDefect& defect) {
    EXPECT_EQ(defect.offset, 4u);
    EXPECT_NE(defect.advice.find("max_row_bytes"), std::string::npos);
  }
}

}  // namespace
}  // namespace velaria
