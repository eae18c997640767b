"""The texts that chardet is tested with: a folder for each encoding, named after it. A file is read
with that encoding, and its text is what Python's codec says; and it is probed: what a guess reads
must be that text, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import velaria
from suite_cases import DIFFERS, Outcome, passed, refused

# Folders by what their names begin with: Python's codec and the name here, "" where a byte order
# mark tells it.
_ENCODINGS = {
    "Big5": ("big5", "big5"),
    "CP932": ("cp932", "cp932"),
    "CP949": ("cp949", "cp949"),
    "EUC-JP": ("euc_jp", "euc-jp"),
    "EUC-KR": ("euc_kr", "euc-kr"),
    "GB2312": ("gb18030", "gb18030"),
    "IBM855": ("cp855", "cp855"),
    "IBM866": ("cp866", "cp866"),
    "Johab": ("johab", "johab"),
    "KOI8-R": ("koi8_r", "koi8-r"),
    "MacCyrillic": ("mac_cyrillic", "mac-cyrillic"),
    "MacRoman": ("mac_roman", "mac-roman"),
    "SHIFT_JIS": ("shift_jis", "shift-jis"),
    "TIS-620": ("cp874", "cp874"),
    "UTF-16BE": ("utf_16_be", "utf-16be"),
    "UTF-16LE": ("utf_16_le", "utf-16le"),
    "UTF-16": ("utf_16", ""),
    "UTF-32BE": ("utf_32_be", "utf-32be"),
    "UTF-32LE": ("utf_32_le", "utf-32le"),
    "UTF-32": ("utf_32", ""),
    "ascii": ("ascii", "utf-8"),
    "iso-2022-jp": ("iso2022_jp", "iso-2022-jp"),
    "iso-2022-kr": ("iso2022_kr", "iso-2022-kr"),
    "iso-8859-1": ("latin_1", "latin-1"),
    "iso-8859-2": ("iso8859_2", "latin-2"),
    "iso-8859-5": ("iso8859_5", "iso-8859-5"),
    "iso-8859-6": ("iso8859_6", "iso-8859-6"),
    "iso-8859-7": ("iso8859_7", "iso-8859-7"),
    "iso-8859-9": ("iso8859_9", "latin-5"),
    "utf-8-sig": ("utf_8_sig", ""),
    "utf-8": ("utf_8", "utf-8"),
    "windows-1250": ("cp1250", "cp1250"),
    "windows-1251": ("cp1251", "cp1251"),
    "windows-1252": ("cp1252", "cp1252"),
    "windows-1254": ("cp1254", "cp1254"),
    "windows-1255": ("cp1255", "cp1255"),
    "windows-1256": ("cp1256", "cp1256"),
}
# Python has no codec of it.
_WITHOUT_CODEC = {"EUC-TW"}


def _lines(text: str) -> list[str]:
    lines = re.split("\r\n|\n|\r", text.removeprefix("\ufeff"))
    return lines[:-1] if lines[-1] == "" else lines


def _read(session: velaria.Session, path: Path, encoding: str) -> list[str]:
    """Every line as one text: no delimiter and no quotes that a text would have."""
    options = {"encoding": encoding} if encoding else {}
    frame = session.read_csv(
        str(path), header=False, delimiter="\x01", quote="", columns={"line": "utf8"}, **options
    )
    return [text or "" for text in frame.to_arrow()["line"].to_pylist()]


def _compared(case: str, got: list[str], wanted: list[str]) -> Outcome:
    if got == wanted:
        return passed(case)
    if len(got) != len(wanted):
        return Outcome(case, DIFFERS, f"{len(got)} lines, not {len(wanted)}")
    line = next(i for i in range(len(got)) if got[i] != wanted[i])
    at = next((i for i, (a, b) in enumerate(zip(got[line], wanted[line])) if a != b), 0)
    near = slice(max(0, at - 5), at + 5)
    return Outcome(
        case, DIFFERS, f"line {line + 1}: {got[line][near]!r}, not {wanted[line][near]!r}"
    )


def _read_case(session: velaria.Session, path: Path, encoding: str, text: list[str]) -> Outcome:
    case = f"read {path.parent.name}/{path.name}"
    try:
        return _compared(case, _read(session, path, encoding), text)
    except velaria.Error as error:
        return refused(case, error)


def _probe_case(session: velaria.Session, path: Path, text: list[str]) -> Outcome:
    case = f"probe {path.parent.name}/{path.name}"
    try:
        guess = session.probe(str(path))["encoding"]
        return _compared(case, _read(session, path, guess), text)
    except velaria.Error as error:
        return refused(case, error)


def cases(folder: Path) -> Iterator[Outcome]:
    with velaria.Session() as session:
        for path in sorted(folder.glob("*/*")):
            if path.parent.name in _WITHOUT_CODEC:
                continue
            name = max((n for n in _ENCODINGS if path.parent.name.startswith(n)), key=len)
            codec, encoding = _ENCODINGS[name]
            text = _lines(path.read_bytes().decode(codec))
            yield _read_case(session, path, encoding, text)
            yield _probe_case(session, path, text)
