"""The files of a generation of the vector index: where, whether they are what they were, what is not theirs."""

from __future__ import annotations

import contextlib
import json
import shutil
import struct
import zlib
from pathlib import Path

# A file that says so lies in a generation that was closed in order, with the sizes and checksums of its files.
CLEAN = "closed-cleanly"

_BLOCK = 1 << 20

# How chromadb 1.5 begins its header.bin: version, an offset, room for elements, elements, bytes of each.
_HEADER = struct.Struct("<iQQQQ")
_KNOWN_VERSION = 1
_LENGTH_BYTES = 4


def generation_folder(home: Path, number: int) -> Path:
    """Where the files of a generation are."""
    return home / "index" / f"gen-{number}"


def remove_generation(home: Path, number: int) -> None:
    """The generation's files are gone."""
    shutil.rmtree(generation_folder(home, number), ignore_errors=True)


def is_sealed(folder: Path) -> bool:
    """Whether the generation was closed cleanly and no byte of its files has changed since."""
    try:
        return bool(json.loads((folder / CLEAN).read_text(encoding="utf-8")) == seal(folder))
    except (OSError, ValueError):
        return False


def seal(folder: Path) -> dict[str, list[int]]:
    """{file: [size, CRC-32]} of everything in the folder; half a second for 1 GB."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != CLEAN:
            size = checksum = 0
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    size += len(block)
                    checksum = zlib.crc32(block, checksum)
            found[path.relative_to(folder).as_posix()] = [size, checksum]
    return found


def scrub(folder: Path) -> None:
    """The room that the index keeps for more elements is empty; of a layout that is not known nothing is touched.

    Chroma writes that room as it found it in memory: with whatever the process had there before, such as the words of
    a document that was forgotten since (seen with chromadb 1.5.9).
    """
    for header in folder.rglob("header.bin"):
        with contextlib.suppress(OSError, struct.error):
            version, _, room, elements, size = _HEADER.unpack_from(header.read_bytes())
            if version != _KNOWN_VERSION or elements > room:
                continue
            for name, bytes_each in (("data_level0.bin", size), ("length.bin", _LENGTH_BYTES)):
                _empty_from(header.with_name(name), elements * bytes_each, room * bytes_each)


def elements_in(folder: Path) -> int:
    """How many vectors the generation's graphs hold, those among them that were only marked as deleted."""
    found = 0
    for header in folder.rglob("header.bin"):
        with contextlib.suppress(OSError, struct.error):
            version, _, _, elements, _ = _HEADER.unpack_from(header.read_bytes())
            found += elements if version == _KNOWN_VERSION else 0
    return found


def _empty_from(path: Path, start: int, end: int) -> None:
    if path.stat().st_size != end:
        return
    with path.open("r+b") as file:
        file.seek(start)
        for at in range(start, end, _BLOCK):
            file.write(bytes(min(_BLOCK, end - at)))
