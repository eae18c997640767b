#include "src/io/line/line_presets.h"

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

// host ident user [time] "request" status bytes
#define VELARIA_COMMON_LOG                                                              \
  R"re(^(?P<host>\S+) (?P<ident>\S+) (?P<user>\S+) \[(?P<time>[^\]]+)\] )re"            \
  R"re("(?P<method>(?:[^" \\]|\\.)*)(?: (?P<path>(?:[^" \\]|\\.)*)(?: (?P<protocol>)re" \
  R"re((?:[^"\\]|\\.)*))?)?" (?P<status>\d{3}) (?P<bytes>\d+|-))re"

}  // namespace

const std::vector<LinePreset>& line_presets() {
  static const std::vector<LinePreset> all = {
      {"apache_combined", "the combined access log of Apache and nginx",
       VELARIA_COMMON_LOG
       R"re( "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<user_agent>(?:[^"\\]|\\.)*)"(?: (?P<rest>.*))?$)re",
       "status int64, bytes int64", "-"},
      {"apache_common", "the common access log of Apache and nginx", VELARIA_COMMON_LOG "$",
       "status int64, bytes int64", "-"},
      {"apache_error", "the error log of Apache",
       R"re(^\[(?P<time>[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4})\] )re"
       R"re(\[(?:(?P<module>[^:\]]*):)?(?P<level>[a-z0-9]+)\] )re"
       R"re((?:\[pid (?P<pid>\d+)(?::tid (?P<tid>\d+))?\] )?(?:\[client (?P<client>[^\]]+)\] )?)re"
       R"re((?P<message>.*)$)re",
       "pid int64, tid int64", ""},
      {"nginx_error", "the error log of nginx",
       R"re(^(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(?P<level>[a-z]+)\] )re"
       R"re((?P<pid>\d+)#(?P<tid>\d+): (?:\*(?P<connection>\d+) )?(?P<message>.*)$)re",
       "pid int64, tid int64, connection int64", ""},
      {"syslog_rfc5424", "syslog of RFC 5424",
       R"re(^<(?P<priority>\d{1,3})>(?P<version>\d{1,2}) (?P<time>\S+) (?P<host>\S+) (?P<program>\S+) )re"
       R"re((?P<pid>\S+) (?P<message_id>\S+) (?P<data>-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: (?P<message>.*))?$)re",
       "priority int64, version int64", "-"},
      {"syslog", "syslog of RFC 3164",
       R"re(^(?:<(?P<priority>\d{1,3})>)?(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) )re"
       R"re((?P<host>\S+) (?P<program>[^:\[\s]+)(?:\[(?P<pid>\d+)\])?: ?(?P<message>.*)$)re",
       "priority int64, pid int64", ""},
      {"stamped", "lines of a date and time, a level and a message",
       R"re(^\[?(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,9}))?)re"
       R"re((?P<zone> ?Z| ?[+-]\d\d:?\d\d)?\]?)re"
       R"re((?:[ \t:|-]+[\[(<]?(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE|)re"
       R"re(trace|debug|info|notice|warn|warning|error|critical|fatal)[\])>]?)?)re"
       R"re([ \t:|-]+(?P<message>.*)$)re",
       "fraction utf8", ""},
  };
  return all;
}

const LinePreset& line_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const LinePreset& preset : line_presets()) {
    if (name == preset.name) return preset;
    names.emplace_back(preset.name);
  }
  throw Error(ErrorKind::kInvalidArgument,
              concat("there is no line preset '", excerpt(name), "'", did_you_mean(name, names),
                     "; there are ", join_texts(names, ", ")));
}

LineOptions LinePreset::options() const {
  LineOptions out;
  out.mode = LineMode::kRegex;
  out.regex_pattern = pattern;
  out.group_types = OptionText{"line", "types", types}.types();
  if (*null_text != '\0') out.null_texts.emplace_back(null_text);
  return out;
}

}  // namespace velaria
