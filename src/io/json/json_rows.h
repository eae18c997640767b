// The rows of a range of JSON text: windows of it are tokenized and walked, object by object.
//
// A window that has a defect, or an object that spans lines where it must not, is gone through line
// by line, which finds the defect's place and, with `skip_bad_lines`, passes over that line alone.
// Where rows are lines, this gives the same rows as if every line had been looked at by itself.
//
// The sink is that of json_walker.h, with these besides:
//     void start_object(size_t offset);
//     void end_object();
//     void abandon_object();  // what was told since start_object() does not count
//     void reject(TextDefect defect, size_t begin, size_t end);  // the line left out
// One thread per object.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "src/io/json/json_tokens.h"
#include "src/io/json/json_walker.h"
#include "src/io/text_table/text_range.h"

namespace velaria {

struct JsonRowRules {
  bool lines = true;            // every object lies on one line; else the range has row_ends
  bool array = false;           // one array of objects; its own punctuation was checked before
  bool skip_bad_lines = false;  // only with `lines`
  bool strict = true;           // see json_walker.h
};

class JsonRows {
 public:
  explicit JsonRows(const JsonRowRules& rules) : rules_(rules) {}

  void start(TextRange* range) {
    window_open_ = false;
    range_ = range;
    text_ = range->text();
    size_ = range->size_bytes;
    position_ = 0;
    next_row_end_ = 0;
    careful_until_ = 0;
    walker_.start(text_, kNoTokens, 0, true);
  }

  // Gives the sink up to `limit` objects; fewer only at the end of the range. Throws TextDefect.
  template <typename Sink>
  int64_t next(int64_t limit, Sink* sink) {
    int64_t rows = 0;
    while (rows < limit) {
      if (walker_.done()) {
        if (window_open_) position_ = window_end_;
        if (!open_window(sink)) break;
        continue;
      }
      const size_t begin = window_begin_ + walker_.position();
      try {
        const char c = walker_.token();
        if (rules_.array && (c == ',' || c == '[' || c == ']')) {
          walker_.skip_token();
          continue;
        }
        if (c != '{') throw no_object();
        sink->start_object(begin);
        const size_t end = window_begin_ + walker_.object(sink);
        if (rules_.lines && end > line_end(begin)) {
          throw TextDefect{"the object that begins here does not end on its line",
                           "read it with multiline=true", begin - window_begin_};
        }
        sink->end_object();
        ++rows;
      } catch (TextDefect& defect) {
        handle(defect, begin, sink);
      }
    }
    return rows;
  }

  // Of the window that is looked at.
  bool has_escapes(size_t begin, size_t end) const {
    return walker_.has_escapes(begin - window_begin_, end - window_begin_);
  }
  // Sinks get offsets in the window; this is its place in the range.
  size_t window_begin() const { return window_begin_; }

 private:
  static constexpr size_t kWindowBytes = size_t{64} << 10;
  static constexpr uint32_t kNoTokens[3] = {0, 0, 0};

  size_t line_end(size_t begin) {
    if (begin >= line_end_ || begin < line_begin_) {
      const void* end = std::memchr(text_ + begin, '\n', size_ - begin);
      line_begin_ = begin;
      line_end_ =
          end == nullptr ? size_ : static_cast<size_t>(static_cast<const char*>(end) - text_);
    }
    return line_end_;
  }

  void close_window() {
    if (window_open_) text_[window_end_] = byte_behind_;
    window_open_ = false;
  }

  size_t end_of_window() {
    if (!rules_.lines) {
      const auto& ends = range_->row_ends;
      while (next_row_end_ + 1 < ends.size() && ends[next_row_end_] < position_ + kWindowBytes) {
        ++next_row_end_;
      }
      return ends[next_row_end_];
    }
    if (position_ < careful_until_) {
      line_end_ = 0;
      return std::min(line_end(position_) + 1, size_);
    }
    if (size_ - position_ <= kWindowBytes) return size_;
    if (const void* last = memrchr(text_ + position_, '\n', kWindowBytes)) {
      return static_cast<size_t>(static_cast<const char*>(last) - text_) + 1;
    }
    line_end_ = 0;
    return std::min(line_end(position_) + 1, size_);
  }

  template <typename Sink>
  bool open_window(Sink* sink) {
    close_window();
    if (position_ >= size_) return false;
    window_begin_ = position_;
    window_end_ = end_of_window();
    line_end_ = 0;
    // What follows must not be taken for a token of this window.
    byte_behind_ = text_[window_end_];
    text_[window_end_] = '\0';
    window_open_ = true;
    if (tokens_.index(text_ + window_begin_, window_end_ - window_begin_)) {
      walker_.start(text_ + window_begin_, tokens_.positions(), tokens_.count(), rules_.strict);
      return true;
    }
    walker_.start(text_, kNoTokens, 0, true);
    const std::string_view window(text_ + window_begin_, window_end_ - window_begin_);
    TextDefect defect = locate_defect(window, rules_.lines ? "line" : "file");
    handle(defect, position_, sink);
    return true;
  }

  bool is_careful() const { return !rules_.lines || position_ < careful_until_; }

  // A defect (offset in the window) of the row that begins at `begin`.
  template <typename Sink>
  void handle(TextDefect& defect, size_t begin, Sink* sink) {
    const bool careful = is_careful();
    const size_t window_end = window_end_;
    const size_t offset = window_begin_ + defect.offset;
    walker_.start(text_, kNoTokens, 0, true);
    close_window();
    sink->abandon_object();
    if (!careful) {
      // Once more from this row on, line by line.
      position_ = begin;
      careful_until_ = window_end;
      return;
    }
    defect.offset = offset;
    if (!rules_.skip_bad_lines) throw TextDefect(defect);
    sink->reject(defect, begin, window_end);
    position_ = window_end;
  }

  TextDefect no_object() const {
    if (walker_.token() == '[' && window_begin_ == 0 && range_->file_offset <= 3 &&
        walker_.position() == 0) {
      return {"the text begins with '[', not with an object", "read it with format='json_array'",
              0};
    }
    return walker_.unexpected(walker_.position(), "an object, which is a row,");
  }

  const JsonRowRules rules_;
  JsonTokens tokens_;
  JsonWalker walker_;
  TextRange* range_ = nullptr;
  char* text_ = nullptr;
  size_t size_ = 0;
  size_t position_ = 0;  // where the next window begins
  size_t next_row_end_ = 0;
  size_t window_begin_ = 0;
  size_t window_end_ = 0;
  bool window_open_ = false;
  char byte_behind_ = '\0';
  size_t careful_until_ = 0;
  size_t line_begin_ = 0;
  size_t line_end_ = 0;
};

}  // namespace velaria
