"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import io
import zipfile

HEAD_BYTES = 8192

# Signatures of what no reader takes, with the words for a person.
_FOREIGN = (
    (b"\x89PNG\r\n", "an image (PNG)"),
    (b"\xff\xd8\xff", "an image (JPEG)"),
    (b"GIF8", "an image (GIF)"),
    (b"II*\x00", "an image (TIFF)"),
    (b"MM\x00*", "an image (TIFF)"),
    (b"\x1f\x8b", "an archive (gzip)"),
    (b"BZh", "an archive (bzip2)"),
    (b"\xfd7zXZ", "an archive (xz)"),
    (b"7z\xbc\xaf", "an archive (7-Zip)"),
    (b"Rar!", "an archive (RAR)"),
    (b"PK\x03\x04", "an archive (zip)"),
    (b"PK\x05\x06", "an empty archive (zip)"),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Office file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "a rich text file (RTF)"),
    (b"OggS", "audio or video"),
    (b"ID3", "audio"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
)
# Everything but control characters; tab to carriage return and escape (coloured terminal output) are text.
_TEXT_BYTES = bytes([9, 10, 11, 12, 13, 27, *range(32, 256)])
_MEMBERS = (("word/document.xml", "docx"), ("xl/workbook.xml", "xlsx"))
_UNICODE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")


def family_of(data: bytes) -> str | None:
    """The format in our table that `data` is beyond doubt, whatever its name: pdf, docx or xlsx."""
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _office_family(data)
    return None


def foreign_kind(data: bytes) -> str | None:
    """What `data` is when it is nothing that can be read as text, in words; None for text."""
    for signature, kind in _FOREIGN:
        if data.startswith(signature):
            return kind
    if is_binary(data[:HEAD_BYTES]):
        return "binary data"
    return None


def is_binary(head: bytes) -> bool:
    """Whether `head` is text in no encoding: many NUL or control bytes without the look of UTF-16 or -32."""
    if not head or head.startswith(_UNICODE_MARKS) or looks_utf16(head):
        return False
    odd = len(head.translate(None, _TEXT_BYTES))
    return odd > max(1, len(head) // 50)


def looks_utf16(head: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` when every second byte of `head` is NUL more often than not, else None."""
    pairs = len(head) // 2
    if pairs < 4:
        return None
    for codec, zeros in (("utf-16-le", head[1::2].count(0)), ("utf-16-be", head[0::2].count(0))):
        others = head.count(0) - zeros
        if zeros > 0.6 * pairs and others < 0.05 * pairs:
            return codec
    return None


def _office_family(data: bytes) -> str | None:
    try:
        names = set(zipfile.ZipFile(io.BytesIO(data)).namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeDecodeError):
        return None
    return next((family for member, family in _MEMBERS if member in names), None)
