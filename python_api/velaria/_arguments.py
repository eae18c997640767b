"""From Python's arguments to the texts and paths that the kernel takes."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import index
from typing import Any, Union

from ._shown import ProgressEvent
from ._velaria import InvalidArgumentError, type_name

PathLike = Union[str, "os.PathLike[str]"]
Paths = Union[PathLike, Iterable[PathLike]]

_FLOAT32_MAX = 3.4028234663852886e38
# Element types of NumPy that the kernel reads out of a buffer.
_BUFFER_NUMBERS = frozenset("fdbBhHiIlLqQ?")
_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgt", start=1):
    _UNITS[_letter] = _UNITS[_letter + "b"] = 1000**_power
    _UNITS[_letter + "ib"] = 1024**_power


def path_bytes(path: PathLike) -> bytes:
    """A path in the bytes of the file system: names that are no text pass unharmed."""
    try:
        return os.fsencode(path)
    except TypeError:
        message = f"a path is a str or an os.PathLike, not {type(path).__name__}"
        raise InvalidArgumentError(message) from None


def paths_bytes(paths: Any) -> list[bytes]:
    """One path or several, each in the bytes of the file system."""
    if isinstance(paths, (str, os.PathLike)):
        return [path_bytes(paths)]
    if isinstance(paths, bytes) or not isinstance(paths, Iterable):
        message = (
            f"a path is a str or an os.PathLike, or a list of them, not {type(paths).__name__}"
        )
        raise InvalidArgumentError(message)
    return [path_bytes(path) for path in paths]


def memory_bytes(limit: int | str | None) -> int:
    """``"2GB"`` (powers of 1000), ``"512MiB"`` (powers of 1024), or bytes; None is 0: no limit."""
    if limit is None:
        return 0
    if isinstance(limit, int) and not isinstance(limit, bool):
        if limit > 0:
            return limit
    elif isinstance(limit, str):
        text = limit.strip().lower()
        digits = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
        unit = text[len(digits) :].strip()
        try:
            value = float(digits)
        except ValueError:
            value = -1.0
        if unit in _UNITS and 0 < value < float("inf"):
            return max(1, int(value * _UNITS[unit]))
    message = f"memory_limit={limit!r} is no size; give bytes, or a text such as '2GB' or '512MiB'"
    raise InvalidArgumentError(message)


def option_text(value: Any) -> str:
    """One option as the kernel's options are written in SQL."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def stream_option_texts(options: Mapping[str, Any]) -> dict[str, str]:
    """Keyword options of a streaming query."""
    return {name: option_text(value) for name, value in options.items()}


def progress_hook(
    on_progress: Any,
) -> Callable[[dict[str, Any], list[dict[str, Any]]], object] | None:
    """The kernel's listener for a function that takes a ProgressEvent."""
    if on_progress is None:
        return None
    if not callable(on_progress):
        message = f"on_progress={on_progress!r} must be a function that takes a ProgressEvent"
        raise InvalidArgumentError(message)
    return lambda progress, batches: on_progress(ProgressEvent(progress, batches))


def _check_column(option: str, name: Any) -> None:
    if not isinstance(name, str):
        message = f"{option}: the column {name!r} is {a_kind_of(name)}; names of columns are texts"
        if isinstance(name, int):
            message += f", so give {str(name)!r} for a column of that name"
        raise InvalidArgumentError(message)


def _quoted_name(name: str) -> str:
    if '"' in name:
        message = f'column name {name!r} has a ", which read() cannot take; use read_csv()'
        raise InvalidArgumentError(message)
    return f'"{name}"'


def _field_list(option: str, columns: Any) -> str:
    if not isinstance(columns, Iterable):
        message = f"{option}={columns!r} is {a_kind_of(columns)}; give {{column: type}}"
        raise InvalidArgumentError(message + (" or names" if option == "columns" else ""))
    fields = []
    for item in columns.items() if isinstance(columns, Mapping) else columns:
        pair = item if isinstance(item, tuple) else (item, None)
        if len(pair) != 2:
            raise InvalidArgumentError(f"{option}: {item!r} is no name and no (name, type) pair")
        _check_column(option, pair[0])
        fields.append(pair)
    return ", ".join(
        _quoted_name(name) + ("" if kind is None else f" {type_name(kind)}")
        for name, kind in fields
    )


def _word_list_text(option: str, words: Any) -> str:
    """A word, or a list of words, as the kernel's text of a list: in quotes nothing parts them."""
    if not isinstance(words, (list, tuple)):
        words = [word for word in [option_text(words)] if word]
    for word in words:
        if not isinstance(word, str):
            message = f"{option}: {word!r} is {a_kind_of(word)}; give a word as a str"
            raise InvalidArgumentError(message)
    return ",".join("'" + word.replace("'", "''") + "'" for word in words)


def writer_option_texts(options: Mapping[str, Any]) -> dict[str, str]:
    """Options of what writes CSV, all as texts: NULL is written as one text, taken whole."""
    rest = dict(options)
    null_text = rest.pop("null_text", None)
    texts = file_option_texts(rest)
    if isinstance(null_text, (list, tuple)):
        if len(null_text) != 1:
            message = f"null_text={null_text!r} has {len(null_text)} words; NULL is written as one"
            raise InvalidArgumentError(message)
        null_text = null_text[0]
    if null_text is not None:
        texts["null_text"] = option_text(null_text)
    return texts


def file_option_texts(options: Mapping[str, Any]) -> dict[str, str]:
    """Options of read(), all as texts."""
    texts = {}
    for name, value in options.items():
        if name in ("types", "columns") and value is not None and not isinstance(value, str):
            fields = value
            if hasattr(value, "__arrow_c_schema__"):
                fields = [(field.name, field.type) for field in value]
            texts[name] = _field_list(name, fields)
        elif name == "mappings" and value is not None and not isinstance(value, str):
            pairs = mapping_pairs(value)
            texts[name] = ", ".join(f"{_quoted_name(column)} {place}" for column, place in pairs)
        elif name in ("null_text", "null_words") and value is not None:
            texts[name] = _word_list_text(name, value)
        elif value is not None or name == "quote":
            texts[name] = option_text(value)
    return texts


def types_by_name(types: Any) -> Mapping[str, Any]:
    """{column: type} as it is given; None is empty."""
    if types is None:
        return {}
    if not isinstance(types, Mapping):
        message = f"types={types!r} is no {{column: type}} dict"
        raise InvalidArgumentError(message)
    for name in types:
        _check_column("types", name)
    return types


def column_pairs(columns: Any) -> list[tuple[str, Any]] | None:
    """(name, type) of columns given as names, pairs, {name: type} or a pyarrow.Schema.

    The type of a name alone is None.
    """
    if columns is None:
        return None
    if hasattr(columns, "__arrow_c_schema__"):
        return [(field.name, field.type) for field in columns]
    if isinstance(columns, (str, bytes)) or not isinstance(columns, Iterable):
        message = f"columns={columns!r} is no list of names or (name, type) pairs; give one"
        raise InvalidArgumentError(message)
    pairs = []
    for item in columns.items() if isinstance(columns, Mapping) else columns:
        if not isinstance(item, str) and not (isinstance(item, (tuple, list)) and len(item) == 2):
            message = f"columns: {item!r} is no name and no (name, type) pair"
            raise InvalidArgumentError(message)
        name, kind = (item, None) if isinstance(item, str) else item
        if not isinstance(name, str):
            message = f"columns: {name!r} is no name of a column"
            raise InvalidArgumentError(message)
        pairs.append((name, kind))
    return pairs


def mapping_pairs(mappings: Any) -> list[tuple[str, str]]:
    """(column, place) of {column: place} or pairs; places are numbers, or names of groups."""
    if mappings is None:
        return []
    if isinstance(mappings, (str, bytes)) or not isinstance(mappings, Iterable):
        message = f"mappings={mappings!r} is no dict and no list of (column, place) pairs; give one"
        raise InvalidArgumentError(message)
    pairs = mappings.items() if isinstance(mappings, Mapping) else mappings
    out = []
    for item in pairs:
        if not isinstance(item, tuple) or len(item) != 2 or not isinstance(item[0], str):
            message = f"mappings: {item!r} is no (column, place) pair"
            raise InvalidArgumentError(message)
        name, place = item
        if isinstance(place, bool) or not isinstance(place, (int, str)):
            message = f"mappings: the place of {name!r} is {place!r}; give a number or a name"
            raise InvalidArgumentError(message)
        out.append((name, str(place)))
    return out


class CsvArguments:
    """Options of a CSV reader: those that the kernel reads as texts, and the structured ones."""

    def __init__(self, delimiter: str, options: Mapping[str, Any]) -> None:
        rest = dict(options)
        self.columns: Any = rest.pop("columns", None)
        types = rest.pop("types", None)
        null_text = rest.pop("null_text", None)
        self.null_texts: list[str] | None
        self.null_texts = [null_text] if isinstance(null_text, str) else null_text
        if isinstance(self.columns, str):
            rest["columns"] = self.columns
            self.columns = None
        if isinstance(types, str):
            rest["types"] = types
            types = None
        self.types: Mapping[str, Any] = types_by_name(types)
        self.texts = {"delimiter": delimiter, **file_option_texts(rest)}


class JsonArguments:
    """Options of a JSON reader: those that the kernel reads as texts, and the structured ones."""

    def __init__(self, columns: Any, format: str, types: Any, options: Mapping[str, Any]) -> None:
        self.texts = {"format": format, **file_option_texts(options)}
        if isinstance(columns, str):
            self.texts["columns"] = columns
            columns = None
        if isinstance(types, str):
            self.texts["types"] = types
            types = None
        self.columns = column_pairs(columns)
        self.types = dict(types_by_name(types))


class LineArguments:
    """Options of a line reader: those that the kernel reads as texts, and the structured ones."""

    def __init__(self, mappings: Any, types: Any, options: Mapping[str, Any]) -> None:
        rest = dict(options)
        null_text = rest.pop("null_text", None)
        self.null_texts: list[str] | None
        self.null_texts = [null_text] if isinstance(null_text, str) else null_text
        pattern = rest.pop("regex_pattern", "")
        mode = rest.pop("mode", "split")
        delimiter = rest.pop("split_delimiter", ",")
        self.texts = file_option_texts(rest)
        if self.texts.get("preset"):
            if delimiter != "," or mode not in ("split", "regex"):
                message = (
                    f"preset={self.texts['preset']!r} is a pattern of its own: it goes neither "
                    f"with split_delimiter nor with another mode; give one of them"
                )
                raise InvalidArgumentError(message)
        else:
            if mode == "regex" and delimiter not in (",", ""):
                message = (
                    f"split_delimiter={delimiter!r} is for mode='split', and mode is {mode!r}; "
                    f"leave out one of them"
                )
                raise InvalidArgumentError(message)
            self.texts.pop("preset", None)
            self.texts["mode"] = mode
            if mode == "split":
                self.texts["split_delimiter"] = delimiter
        if pattern:
            self.texts["regex_pattern"] = pattern
        self.mappings = [] if isinstance(mappings, str) else mapping_pairs(mappings)
        self.types = {} if isinstance(types, str) else dict(types_by_name(types))
        for name, value in (("mappings", mappings), ("types", types)):
            if isinstance(value, str):
                self.texts[name] = value


def verb_texts(verb: str, texts: Sequence[Any]) -> list[str]:
    """The texts of a frame verb, given one by one or as one list."""
    if len(texts) == 1 and isinstance(texts[0], (list, tuple)):
        texts = texts[0]
    for text in texts:
        if not isinstance(text, str):
            message = f"{verb}() takes SQL texts, not {type(text).__name__} ({text!r})"
            raise InvalidArgumentError(message)
    return list(texts)


def row_count(verb: str, rows: Any) -> int:
    """A number of rows: an int, or what may stand for one."""
    try:
        return index(rows)
    except TypeError:
        message = f"{verb}() takes numbers of rows, not {type(rows).__name__} ({rows!r})"
        raise InvalidArgumentError(message) from None


def sql_text(method: str, text: Any) -> str:
    """The SQL that a method is given."""
    return _text(method, "SQL", text)


def name_text(method: str, name: Any) -> str:
    """The name of a table or column that a method is given."""
    return _text(method, "a name", name)


def _text(method: str, what: str, text: Any) -> str:
    if isinstance(text, str):
        return text
    message = f"{method}() takes {what} as a str, not {type_of(text)} ({text!r})"
    raise InvalidArgumentError(message)


def milliseconds(method: str, argument: str, value: Any) -> int:
    """A time in whole milliseconds: a float is refused, as it may have been meant as seconds."""
    try:
        return index(value)
    except TypeError:
        message = (
            f"{argument}={value!r} of {method}() is {type_of(value)}; give a whole number of "
            f"milliseconds, such as 1000 for a second"
        )
        raise InvalidArgumentError(message) from None


def window_arguments(
    time_column: Any, window_ms: Any, output_column: Any, slide_ms: Any
) -> tuple[str, int, str, int]:
    """What window() of frames and of streams gives to the kernel, checked."""
    return (
        sql_text("window", time_column),
        milliseconds("window", "window_ms", window_ms),
        name_text("window", output_column),
        milliseconds("window", "slide_ms", window_ms if slide_ms is None else slide_ms),
    )


def text_pairs(method: str, texts: Any, shape: str) -> list[tuple[str, str]]:
    """The pairs of a mapping from text to text; ``shape`` shows one."""
    if not isinstance(texts, Mapping):
        message = f"{method}() takes a dict such as {shape}, not {type_of(texts)} ({texts!r})"
        raise InvalidArgumentError(message)
    for pair in texts.items():
        for text in pair:
            if not isinstance(text, str):
                message = f"{method}() takes a dict such as {shape}; {text!r} is {type_of(text)}"
                raise InvalidArgumentError(message)
    return list(texts.items())


def with_article(name: str) -> str:
    """The name of a type as a sentence has it: "a list", "an int"."""
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}"


def a_kind_of(thing: object) -> str:
    """How an error names what it was given."""
    return with_article(type(thing).__name__)


def type_of(thing: object) -> str:
    """The name of a type, with its module: there are several classes DataFrame."""
    kind = type(thing)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def vector_numbers(vector: Any) -> list[float]:
    """A one-dimensional list, NumPy array, pyarrow array or other sequence of float32 numbers."""
    if getattr(vector, "ndim", 1) != 1:
        message = f"the vector has {vector.ndim} dimensions; give one row of numbers"
        raise InvalidArgumentError(message)
    for convert in ("to_pylist", "tolist"):
        if hasattr(vector, convert):
            vector = getattr(vector, convert)()
            break
    numbers = _numbers(_sequence(vector, "the vector"), "the vector")
    for place, number in enumerate(numbers):
        if _FLOAT32_MAX < abs(number) < float("inf"):
            message = f"element {place} of the vector, {number!r}, is beyond float32"
            raise InvalidArgumentError(message)
    return list(numbers)


def query_numbers(vector: Any) -> Any:
    """One query, or a query in each row, as a buffer of one or two dimensions.

    NumPy arrays of native numbers are buffers already; lists, pyarrow arrays and other sequences
    of numbers, or of such sequences of one length, become one.
    """
    if type(vector).__name__ == "ndarray":
        kind = vector.dtype
        if kind.char in _BUFFER_NUMBERS and kind.isnative:
            return vector
    for convert in ("to_pylist", "tolist", "to_list"):
        if hasattr(vector, convert):
            vector = getattr(vector, convert)()
            break
    rows = _sequence(vector, "the query vector")
    if not rows or not _is_sequence(rows[0]):
        return _numbers(rows, "the query vector")
    matrix = array("d")
    dimension = -1
    for place, row in enumerate(rows):
        where = f"query {place}"
        numbers = _numbers(_sequence(row, where), where)
        if dimension not in (-1, len(numbers)):
            message = f"{where} has {len(numbers)} numbers and the ones before {dimension}"
            raise InvalidArgumentError(message)
        dimension = len(numbers)
        matrix.extend(numbers)
    if dimension == 0:
        raise InvalidArgumentError("the query vectors have 0 dimensions; give rows of numbers")
    return memoryview(matrix).cast("B").cast("d", (len(rows), dimension))


def _is_sequence(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes, bytearray))


def _sequence(value: Any, name: str) -> list[Any]:
    if isinstance(value, (str, bytes, bytearray)) or not isinstance(value, Iterable):
        message = f"{name} is {a_kind_of(value)}; give a sequence of numbers"
        raise InvalidArgumentError(message)
    return list(value)


def _numbers(values: list[Any], name: str) -> array[float]:
    try:
        return array("d", values)
    except (TypeError, OverflowError) as error:
        message = f"{name} must hold numbers only: {error}"
        raise InvalidArgumentError(message) from None


def column_names(columns: Any) -> list[str]:
    """The ``columns`` of a vector search."""
    if columns is None:
        return []
    is_list = isinstance(columns, Iterable) and not isinstance(columns, str)
    columns = list(columns) if is_list else columns
    if not is_list or not all(isinstance(name, str) for name in columns):
        message = f"columns={columns!r} must be a list of column names"
        raise InvalidArgumentError(message)
    return list(columns)
