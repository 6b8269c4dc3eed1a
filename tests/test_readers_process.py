"""The child process: its limits, its restarts, and that only readings and sentences come out of it."""

from __future__ import annotations

import contextlib
import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from ingest.readers.process import ReaderProcess
from retriever.errors import SourceError

PAGE = b"<h1>Full tray</h1><p>Nobody looked.</p>"


@pytest.fixture(scope="module")
def reader() -> Iterator[ReaderProcess]:
    with ReaderProcess() as process:
        yield process


def slow_book() -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("A")
    for number in range(40_000):
        sheet.append([number, "text", "more", "words"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def child_id(reader: ReaderProcess) -> int | None:
    return reader._child.pid if reader._child else None


def test_a_file_is_read_by_path_or_by_bytes(reader: ReaderProcess, tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(PAGE)
    assert reader.read(path, "a.html") == reader.read(PAGE, "a.html")
    assert reader.read(PAGE, "a.html")[0].text == "# Full tray\n\nNobody looked.\n"


def test_one_child_serves_many_files_and_errors_do_not_end_it(reader: ReaderProcess) -> None:
    reader.read(PAGE, "a.html")
    first = child_id(reader)
    with pytest.raises(SourceError, match="'a.pdf' is damaged or cut off"):
        reader.read(b"%PDF-1.7 rubbish", "a.pdf")
    reader.read(PAGE, "a.html")
    assert child_id(reader) == first


def test_markdown_needs_no_child() -> None:
    with ReaderProcess() as process:
        assert process.read(b"# Full tray\n", "a.md")[0].text == "# Full tray\n"
        assert child_id(process) is None


def test_a_missing_file_is_a_sentence(reader: ReaderProcess, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="'gone.pdf' cannot be read: no such file"):
        reader.read(tmp_path / "gone.pdf", "gone.pdf")


def test_a_reader_that_takes_too_long_is_given_up_and_the_next_file_is_read(reader: ReaderProcess) -> None:
    book = slow_book()
    with pytest.raises(SourceError, match=r"'slow.xlsx' took longer than 0.05 s to read and was given up"):
        reader.read(book, "slow.xlsx", timeout_s=0.05)
    assert reader.read(PAGE, "a.html")[0].text.startswith("# Full tray")


def test_a_child_that_was_killed_is_replaced(reader: ReaderProcess) -> None:
    reader.read(PAGE, "a.html")
    pid = child_id(reader)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(SourceError):
        reader.read(PAGE, "a.html")
    assert reader.read(PAGE, "a.html")[0].text.startswith("# Full tray")
    assert child_id(reader) != pid


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no limits on memory there")
def test_a_reader_that_needs_too_much_memory_is_stopped() -> None:
    with (
        ReaderProcess(memory_bytes=300_000_000) as process,
        pytest.raises(SourceError, match="needs more memory|crash or run out of memory|MemoryError"),
    ):
        process.read(b"<p>" + b"<b>x</b> " * 2_500_000, "big.html")


def test_more_text_than_the_limit_is_refused_in_and_out_of_the_child() -> None:
    with ReaderProcess(output_chars=1000) as process:
        for name in ("a.md", "a.html"):
            with pytest.raises(
                SourceError, match=f"'{name}' holds more than 0.001 million characters of text; split it"
            ):
                process.read(b"word " * 1000, name)


def test_closing_ends_the_child_and_reading_again_starts_one() -> None:
    process = ReaderProcess()
    process.read(PAGE, "a.html")
    process.close()
    process.close()
    assert child_id(process) is None
    assert process.read(PAGE, "a.html")
    process.close()
