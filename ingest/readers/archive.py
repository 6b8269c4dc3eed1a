"""Zipped XML (Word, Excel) checked before any library unpacks it: bombs and XML entities are refused."""

from __future__ import annotations

import io
import zipfile

from retriever.errors import SourceError

MAX_MEMBER_BYTES = 100_000_000
MAX_TOTAL_BYTES = 300_000_000
MAX_MEMBERS = 20_000
_CHUNK_BYTES = 1 << 20
# Pictures are never unpacked by our readers, so they may be of any size.
_READ = (".xml", ".rels", ".vml")


def check_archive(data: bytes, name: str) -> None:
    """Return when `data` is a whole zip of acceptable size without XML entities, else raise SourceError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_members(archive, name)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise SourceError(f"{name!r} is damaged or cut off: its zip container cannot be opened ({error}).") from error


def _check_members(archive: zipfile.ZipFile, name: str) -> None:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise SourceError(f"{name!r} holds {len(members)} parts, more than any document needs; it was not opened.")
    total = 0
    for member in members:
        if member.flag_bits & 1:
            raise SourceError(f"{name!r} is protected by a password; save a copy without one.")
        if member.filename.lower().endswith(_READ):
            total += _unpacked_size(archive, member, name)
        if total > MAX_TOTAL_BYTES:
            raise _bomb(name)


def _unpacked_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> int:
    """The true size: what the directory of a zip says about its members may be a lie."""
    import zlib

    if member.file_size > MAX_MEMBER_BYTES:
        raise _bomb(name)
    size, tail = 0, b""
    try:
        with archive.open(member) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > MAX_MEMBER_BYTES:
                    raise _bomb(name)
                window = tail + chunk
                if b"<!ENTITY" in window or b"<!DOCTYPE" in window:
                    raise SourceError(f"{name!r} defines XML entities, which no Office program writes; refused.")
                tail = chunk[-16:]
    except (zipfile.BadZipFile, zlib.error) as error:
        raise SourceError(f"{name!r} is damaged: its part {member.filename!r} cannot be unpacked.") from error
    return size


def _bomb(name: str) -> SourceError:
    limit = MAX_TOTAL_BYTES // 1_000_000
    return SourceError(f"{name!r} would unpack to more than {limit} MB; it was not opened.")
