#include "stream/stream_table_source.h"

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

StreamTableSource::StreamTableSource(StreamSourcePtr source) : source_(std::move(source)) {
  VELARIA_CHECK(source_ != nullptr);
}

std::unique_ptr<TableScan> StreamTableSource::scan(const ScanRequest&) const {
  throw Error(ErrorKind::kTableKind,
              concat(describe(),
                     " cannot be read like a table; run it as a streaming query "
                     "(write_stream, start_stream_sql)"));
}

}  // namespace velaria
