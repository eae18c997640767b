// The judges of the probe: each looks at the first bytes of a file and scores its formats.
//
// `sample` is whole lines (unless the file is one long line) without byte order mark; `whole_file`
// says that nothing comes behind it; kCsvPaddingBytes readable bytes follow it. Judges are pure
// functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/io/probe/probe.h"

namespace velaria {

struct ProbeSample {
  std::string_view text;
  bool whole_file = true;
  // Of a file that is not looked at whole: text of its middle and end, from a line start, which may
  // lie inside quotes. For judges that count what agrees.
  std::vector<std::string_view> later = {};
};

struct CsvCandidate {
  ProbeCandidate candidate;
  std::string delimiter;
  char quote = '"';
  char escape = '\0';
  std::string comment;
  bool header = true;
  bool header_is_sure = false;
  int64_t skip_lines = 0;  // of a title above the table
  std::vector<std::string> warnings;
  // What the score was made of, for saying why a candidate lost.
  double share = 0;  // of rows that agree
  size_t width = 0;
  bool broken = false;  // quotes do not fit
  bool doubtful =
      false;  // something was left out that may have been rows: never of high confidence
};

// "; lost: ..." for a candidate behind the best.
std::string why_lost(const CsvCandidate& candidate, const CsvCandidate& best);

// One for each delimiter that splits anything, best first, and only the best with its header
// judged; one of a single column if none does. `named_table`: the file's name says that it is one,
// so rows of different lengths are still rows. `wants_more` (may be null) says that the sample ends
// inside of quotes before there were rows enough.
std::vector<CsvCandidate> judge_csv(const ProbeSample& sample, bool named_table = false,
                                    bool* wants_more = nullptr);

// How another file begins whose rows are told apart as those of `like` are.
struct CsvBeginning {
  std::vector<std::string> first_row;  // behind like.skip_lines lines
  bool header = false;
  bool header_is_sure = false;
  // A line among the first like.skip_lines that has as many fields as `like`: no title.
  std::string row_in_title;
};
CsvBeginning judge_beginning(const ProbeSample& sample, const CsvCandidate& like);

struct JsonCandidate {
  ProbeCandidate candidate;
  JsonOptions options;
};
// {"key": or [{"key": or an empty one of them: a table of another kind hardly ever begins so. What
// is no JSON then is a defect of the file.
bool begins_like_json(std::string_view text);
std::vector<JsonCandidate> judge_json(const ProbeSample& sample);

// True when `text` is one well-formed JSON value, without or with white space around it. The value
// may be cut off at the end if `may_be_cut`.
bool is_json(std::string_view text, bool may_be_cut);

struct LineCandidate {
  ProbeCandidate candidate;
  LineOptions options;
  std::string preset;
  bool whole_lines = false;  // each line is one text: nothing better was found
  bool has_header = false;   // split: the first line names what the others hold
};
std::vector<LineCandidate> judge_lines(const ProbeSample& sample);

// Lines of `text` without their ends, at most `limit`.
std::vector<std::string_view> lines_of(std::string_view text, size_t limit);

}  // namespace velaria
