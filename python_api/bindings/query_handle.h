// A StreamingQuery as a Python object owns it.
#pragma once

#include <utility>

#include "stream/streaming_query.h"

namespace velaria::python {

// May be destroyed anywhere, also on a thread of the query itself.
class QueryHandle {
 public:
  explicit QueryHandle(StreamingQueryPtr query) : query_(std::move(query)) {}
  ~QueryHandle();
  QueryHandle(QueryHandle&&) = default;
  QueryHandle& operator=(QueryHandle&&) = delete;

  StreamingQuery* operator->() const { return query_.get(); }

 private:
  StreamingQueryPtr query_;
};

}  // namespace velaria::python
