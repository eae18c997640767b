#include "src/io/noted_source.h"

#include <algorithm>
#include <utility>

#include "src/base/error.h"

namespace velaria {

namespace {

class NotedSource : public FileSource {
 public:
  NotedSource(TableSourcePtr source, std::vector<std::string> warnings)
      : source_(std::move(source)),
        file_(dynamic_cast<const FileSource*>(source_.get())),
        warnings_(std::move(warnings)) {
    VELARIA_CHECK(file_ != nullptr);
  }

  const Schema& schema() const override { return source_->schema(); }
  std::string describe() const override { return source_->describe(); }
  std::optional<int64_t> known_rows() const override { return source_->known_rows(); }
  std::optional<int64_t> estimated_distinct(size_t column) const override {
    return source_->estimated_distinct(column);
  }
  std::unique_ptr<TableScan> scan_filtered(const ScanRequest& request,
                                           ScanFilterPtr filter) const override {
    return file_->scan_filtered(request, std::move(filter));
  }
  uint64_t order_bound(int64_t chunk_rows) const override { return file_->order_bound(chunk_rows); }
  std::vector<std::string> warnings() const override {
    std::vector<std::string> out = warnings_;
    for (std::string& warning : file_->warnings()) {
      if (std::find(out.begin(), out.end(), warning) == out.end()) {
        out.push_back(std::move(warning));
      }
    }
    return out;
  }
  TableSourcePtr rejects() const override { return file_->rejects(); }
  int64_t rejected_rows() const override { return file_->rejected_rows(); }

 private:
  const TableSourcePtr source_;
  const FileSource* const file_;  // the same
  const std::vector<std::string> warnings_;
};

}  // namespace

TableSourcePtr with_warnings(TableSourcePtr source, std::vector<std::string> warnings) {
  if (warnings.empty()) return source;
  return std::make_shared<NotedSource>(std::move(source), std::move(warnings));
}

}  // namespace velaria
