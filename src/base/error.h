// Errors of the kernel: one exception type with a kind.
//
// Anything in the kernel may throw velaria::Error; the first one thrown inside a query cancels that
// query and reaches the caller. The text says what went wrong, where, the value seen and what to
// do.
//
//   throw Error(ErrorKind::kCatalog, "table 'flight' does not exist; did you mean 'flights'?");
//
// Thread rule: errors are plain values and may be stored with std::exception_ptr across threads.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace velaria {

enum class ErrorKind {
  kSqlSyntax,        // the text is not SQL
  kSqlSemantic,      // SQL, but it names or combines things that do not fit
  kSqlUnsupported,   // SQL that people know, refused by name
  kCatalog,          // no such table, view or sink
  kTableKind,        // the table exists but cannot be used that way
  kFileAccess,       // missing, unreadable, unwritable
  kFileFormat,       // readable, but not what it should contain
  kTypeMismatch,     // value or column of the wrong type, overflow, failed cast
  kInvalidArgument,  // a bad argument of an API call
  kResource,         // memory, threads, limits
  kCheckpoint,       // torn, foreign or unwritable checkpoint
  kStream,           // a running stream failed
  kCancelled,        // the caller asked to stop
  kInternal,         // a defect in Velaria
};

// "SqlSyntaxError", "CatalogError", ...: the name that Python and the texts use.
std::string_view error_kind_name(ErrorKind kind);

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorKind kind_;
  std::string message_;
};

// Message of whatever exception `failure` holds; never throws.
std::string describe_exception(const std::exception_ptr& failure) noexcept;

// "; did you mean 'flights'?" for the candidate closest to `name`, or "" when none is close.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace velaria

// For what cannot fail unless Velaria itself is wrong; stays on in release builds.
#define VELARIA_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::velaria::check_failed(#condition, __FILE__, __LINE__))
