// Which encoding bytes that are not UTF-8 are in, by evidence.
#pragma once

#include <string>
#include <string_view>

namespace velaria {

struct EncodingGuess {
  std::string encoding;    // canonical (text_encoding.h); empty: nothing fits
  double score = 0;        // 0 to 1: how much of the text looks like everyday text in it
  std::string confidence;  // high, medium, low
  std::string reason;      // "98 of 100 characters are common in gb18030; next is big5 with 61"
};

// `sample`: some bytes of the text, beginning at a character; the last one may be cut off. The same
// sample gives the same guess.
EncodingGuess guess_encoding(std::string_view sample);

// "the text looks like gb18030 (confidence high): read with encoding='gb18030'", or advice to
// convert the file when nothing fits.
std::string encoding_advice(const EncodingGuess& guess);

}  // namespace velaria
