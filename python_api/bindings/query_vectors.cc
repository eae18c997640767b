#include "python_api/bindings/query_vectors.h"

#include <cmath>
#include <cstring>
#include <string>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria::python {

namespace py = pybind11;

namespace {

class BufferView {
 public:
  explicit BufferView(py::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_STRIDED_RO | PyBUF_FORMAT) != 0) {
      throw py::error_already_set();
    }
  }
  ~BufferView() { PyBuffer_Release(&view_); }
  BufferView(const BufferView&) = delete;
  BufferView& operator=(const BufferView&) = delete;
  const Py_buffer& get() const { return view_; }

 private:
  Py_buffer view_{};
};

template <typename T>
double number_at(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return static_cast<double>(value);
}

using ReadNumber = double (*)(const char*);

// Of the letters of Python's struct module that the project's NumPy arrays come with.
ReadNumber reader_of(char letter) {
  switch (letter) {
    case 'f': return number_at<float>;
    case 'd': return number_at<double>;
    case '?': return number_at<bool>;
    case 'b': return number_at<signed char>;
    case 'B': return number_at<unsigned char>;
    case 'h': return number_at<short>;
    case 'H': return number_at<unsigned short>;
    case 'i': return number_at<int>;
    case 'I': return number_at<unsigned int>;
    case 'l': return number_at<long>;
    case 'L': return number_at<unsigned long>;
    case 'q': return number_at<long long>;
    case 'Q': return number_at<unsigned long long>;
    default: return nullptr;
  }
}

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorKind::kInvalidArgument, message);
}

}  // namespace

QueryVectors read_query_vectors(py::handle buffer) {
  const BufferView held(buffer);
  const Py_buffer& view = held.get();
  if (view.ndim != 1 && view.ndim != 2) {
    fail(concat("the query vector has ", view.ndim,
                " dimensions; give one row of numbers, or a matrix with a query in each row"));
  }
  std::string_view format = view.format == nullptr ? "B" : view.format;
  if (!format.empty() && (format[0] == '@' || format[0] == '=' || format[0] == '<')) {
    format.remove_prefix(1);
  }
  const ReadNumber read = format.size() == 1 ? reader_of(format[0]) : nullptr;
  if (read == nullptr) {
    fail(concat("the query vector must hold numbers only, not elements of format '",
                excerpt(view.format == nullptr ? "" : view.format), "'"));
  }
  QueryVectors out;
  out.matrix = view.ndim == 2;
  out.count = out.matrix ? view.shape[0] : 1;
  const Py_ssize_t dimension = view.shape[view.ndim - 1];
  const Py_ssize_t row_stride = out.matrix ? view.strides[0] : 0;
  const Py_ssize_t stride = view.strides[view.ndim - 1];
  out.values.resize(static_cast<size_t>(out.count * dimension));
  const char* data = static_cast<const char*>(view.buf);
  float* to = out.values.data();
  for (int64_t row = 0; row < out.count; ++row, to += dimension) {
    const char* from = data + row * row_stride;
    if (format[0] == 'f' && stride == static_cast<Py_ssize_t>(sizeof(float))) {
      if (dimension > 0) std::memcpy(to, from, static_cast<size_t>(dimension) * sizeof(float));
      continue;
    }
    for (Py_ssize_t i = 0; i < dimension; ++i) {
      const double number = read(from + i * stride);
      to[i] = static_cast<float>(number);
      if (std::isinf(to[i]) && std::isfinite(number)) {
        fail(concat("element ", i, " of ", out.matrix ? concat("query ", row) : "the query vector",
                    ", ", format_double(number), ", is beyond float32"));
      }
    }
  }
  return out;
}

}  // namespace velaria::python
