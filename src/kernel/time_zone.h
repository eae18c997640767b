// Time zones: UTC, fixed offsets, and the names of the IANA database of the system.
//
// Named zones are read once a process from /usr/share/zoneinfo (TZif, RFC 8536) and never change
// afterwards, so a result depends on the version of the database that is installed.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace velaria {

class TimeZone {
 public:
  virtual ~TimeZone() = default;
  // Seconds east of UTC at a moment, in seconds since 1970 UTC.
  virtual int64_t offset_at(int64_t seconds) const = 0;
  // The offset for what clocks there show, counted as if it were UTC. A clock that is shown twice
  // means its second time, one that is skipped is read with the offset before the gap (as in
  // Postgres).
  int64_t offset_at_clock(int64_t clock_seconds) const;
};

using TimeZonePtr = std::shared_ptr<const TimeZone>;

// 'UTC', 'GMT', 'Z', '+02:00', '-0530', '+1' (east is positive, as in ISO 8601), 'Europe/Berlin'.
// Throws SqlSemanticError for anything else. Thread-safe.
TimeZonePtr find_time_zone(std::string_view name);

}  // namespace velaria
