"""Text files: bytes to characters, and the reader for files without any markup of their own."""

from __future__ import annotations

from ingest.readers.reading import Reading, normalise_newlines
from ingest.readers.signatures import HEAD_BYTES, looks_utf16

# The longer mark first: a UTF-32 mark begins with a UTF-16 one.
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# More is not needed to tell an encoding, and the detection is the slow part: 1 MB takes it seconds.
_SAMPLE_BYTES = 65536


def read(data: bytes, name: str) -> list[Reading]:
    """The file's own text; Markdown reads plain text as it stands."""
    text, warnings = decode(data)
    return [Reading(text, warnings=warnings)]


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    r"""The characters in `data` with "\n" newlines, without byte order mark or NUL; and what to warn about.

    UTF-8 first, then a byte order mark or the look of UTF-16, then detection; never a guess over valid UTF-8.
    """
    text, warnings = _decode(data)
    cleaned = normalise_newlines(text).replace("\x00", "").removeprefix("\ufeff")
    if "\x00" in text:
        warnings = (*warnings, "NUL characters were removed.")
    return cleaned, warnings


def _decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    for mark, codec in _MARKS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(codec, "replace")
            return text, () if codec == "utf-8" else (f"Read as {codec}, as its byte order mark says.",)
    codec_without_mark = looks_utf16(data[:HEAD_BYTES])
    if codec_without_mark:
        return data.decode(codec_without_mark, "replace"), (f"Read as {codec_without_mark}, by the look of it.",)
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        return _decode_legacy(data)


def _decode_legacy(data: bytes) -> tuple[str, tuple[str, ...]]:
    lenient = data.decode("utf-8", "replace")
    broken = lenient.count("\ufffd")
    multibyte = sum(character > "\x7f" for character in lenient) - broken
    if multibyte > broken or (multibyte and broken <= 2):
        return lenient, (f"Read as utf-8 with {broken} broken byte(s), shown as \ufffd.",)
    codec = _guess(data)
    return data.decode(codec, "replace"), (f"Not UTF-8; read as {codec}, a guess.",)


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    high = [at for at, byte in enumerate(data[: 4 * _SAMPLE_BYTES]) if byte > 127] or [0]
    start = max(0, high[0] - _SAMPLE_BYTES // 2)
    best = from_bytes(data[start : start + _SAMPLE_BYTES]).best()
    if best is None:
        return "cp1252"
    # Several Western tables read a few accents alike; the one Windows wrote is by far the likeliest.
    return "cp1252" if "cp1252" in best.could_be_from_charset else best.encoding
