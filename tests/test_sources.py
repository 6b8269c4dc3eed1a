"""The walk: what is read, what is left out, and that every file is named exactly once."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ingest.left_out import NOT_DOCUMENTS
from ingest.readers.formats import FILE_TYPES, FORMATS
from ingest.sources import Limits, SkippedFile, SourceFile, walk
from retriever.errors import SourceError


def put(root: Path, name: str, content: bytes | str = "The queue was full.\n") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read_names(root: Path, limits: Limits | None = None) -> list[str]:
    return [entry.relative for entry in walk(root, limits) if isinstance(entry, SourceFile)]


def reasons(root: Path, limits: Limits | None = None) -> dict[str, str]:
    return {entry.relative: entry.reason for entry in walk(root, limits) if isinstance(entry, SkippedFile)}


def test_files_come_sorted_by_their_relative_name(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.md", "a.md", "a/b/c.txt"):
        put(tmp_path, name)
    assert read_names(tmp_path) == ["a.md", "a/b/c.txt", "a/z.md", "b.md"]
    assert list(walk(tmp_path)) == list(walk(tmp_path))


def test_a_source_file_carries_its_absolute_path_size_and_time(tmp_path: Path) -> None:
    path = put(tmp_path, "notes/a.md", "12345")
    (entry,) = walk(tmp_path)
    assert entry == SourceFile(path.resolve(), "notes/a.md", 5, path.stat().st_mtime_ns)


def test_a_root_may_be_a_single_file_even_a_hidden_one(tmp_path: Path) -> None:
    put(tmp_path, "other.md")
    assert read_names(put(tmp_path, "one.md")) == ["one.md"]
    assert read_names(put(tmp_path, ".draft.md")) == [".draft.md"]


def test_a_missing_root_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere' cannot be read: no such file"):
        walk(tmp_path / "nowhere")


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    assert list(walk(tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (".secret.md", "x", "a hidden file"),
        ("photo.PNG", b"\x89PNG\r\n\x1a\n", "an image"),
        ("talk.mp4", b"\x00\x00", "audio or video"),
        ("letter.woff2", b"wOF2", "a font"),
        ("all.zip", b"PK\x03\x04", "an archive"),
        ("main.py", "print()", "source code, not a document"),
        ("values.yaml", "a: 1", "configuration or data, not a document"),
        ("package-lock.json", "{}", "configuration or data, not a document"),
        ("Makefile", "all:", "source code, not a document"),
        ("LICENSE", "Permission is granted", "a licence, not a document"),
        ("server.log", "started", "a log, not a document"),
        ("old.doc", b"\xd0\xcf\x11\xe0", "a format not read yet; save it as .docx, PDF or text"),
        ("notes.md~", "x", "a temporary or backup file"),
        ("~$report.docx", "x", "a temporary or backup file"),
        ("nothing.md", "", "empty"),
        ("mystery", b"\x00\x01\x02\x03" * 50, "binary data"),
        ("mystery.xyz", b"\x7fELF\x02\x01", "a program"),
        ("deploy", "#!/bin/sh\necho hi\n", "source code, not a document"),
    ],
)
def test_what_is_no_document_is_left_out_with_a_reason(
    tmp_path: Path, name: str, content: bytes | str, reason: str
) -> None:
    put(tmp_path, name, content)
    assert reasons(tmp_path) == {name: reason}


@pytest.mark.parametrize(
    "name",
    [
        "PM7 - The queue is full",
        "notes.2024 plan",
        "a.html.md.erb",
        "a.md.erb",
        "a.MD",
        "unknown.ending",
        "v1.2 upgrade",
    ],
)
def test_text_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    put(tmp_path, name)
    assert read_names(tmp_path) == [name]


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        (".git", "version control"),
        (".obsidian", "a hidden folder"),
        ("node_modules", "installed packages"),
        ("__pycache__", "compiled code"),
    ],
)
def test_a_folder_left_out_is_one_entry_and_its_files_are_not_counted(tmp_path: Path, folder: str, reason: str) -> None:
    put(tmp_path, f"{folder}/a.md")
    put(tmp_path, f"{folder}/b/c.md")
    assert list(walk(tmp_path)) == [SkippedFile(f"{folder}/", reason)]


def test_a_python_environment_is_known_by_its_marker_and_not_by_its_name(tmp_path: Path) -> None:
    put(tmp_path, "env/prod.md")
    put(tmp_path, "tools/pyvenv.cfg", "home = /usr")
    put(tmp_path, "tools/lib/readme.md")
    assert read_names(tmp_path) == ["env/prod.md"]
    assert reasons(tmp_path) == {"tools/": "a Python environment"}


def test_a_large_file_is_left_out_with_both_numbers(tmp_path: Path) -> None:
    put(tmp_path, "big.md", b"a" * 3_000_000)
    assert reasons(tmp_path, Limits(max_file_bytes=1_000_000)) == {"big.md": "too large: 3.0 MB, and the limit is 1 MB"}


def test_links_inside_the_tree_are_named_and_read_once(tmp_path: Path) -> None:
    put(tmp_path, "z/real.md")
    (tmp_path / "a.md").symlink_to("z/real.md")
    (tmp_path / "folder").symlink_to("z")
    assert read_names(tmp_path) == ["z/real.md"]
    assert reasons(tmp_path) == {
        "a.md": "a symbolic link to 'z/real.md', which is read",
        "folder/": "a symbolic link to a folder in the same tree",
    }


def test_a_link_is_read_where_it_is_the_only_way_to_a_file(tmp_path: Path) -> None:
    put(tmp_path, "..data/report.md")
    (tmp_path / "report.md").symlink_to("..data/report.md")
    (tmp_path / "again.md").symlink_to("..data/report.md")
    assert read_names(tmp_path) == ["again.md"]
    assert reasons(tmp_path)["report.md"] == "a symbolic link to 'again.md', which is read"


def test_links_that_leave_loop_or_lead_nowhere_are_left_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(tmp_path, "outside.md")
    root.mkdir()
    (root / "out.md").symlink_to("../outside.md")
    (root / "up").symlink_to("..")
    (root / "self").symlink_to(".")
    (root / "loop").symlink_to("loop")
    (root / "gone.md").symlink_to("missing.md")
    found = reasons(root)
    assert found["out.md"] == found["up"] == "a symbolic link that leaves the folder"
    assert found["self/"] == "a symbolic link to a folder in the same tree"
    assert found["loop"].startswith("a symbolic link that leads nowhere")
    assert found["gone.md"].startswith("a symbolic link that leads nowhere")


def test_pipes_and_sockets_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket.md"))
        assert reasons(tmp_path) == {"pipe.md": "a pipe, not a file", "socket.md": "a socket, not a file"}


def test_a_file_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.md")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert reasons(tmp_path) == {"a.md": "cannot be read: permission denied"}


def test_a_name_that_is_not_utf8_is_stored_with_its_bytes_spelt_out(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.md"
    try:
        Path(os.fsdecode(raw)).write_text("x")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    (entry,) = walk(tmp_path)
    assert isinstance(entry, SourceFile)
    assert entry.relative == "caf\\xe9.md"
    assert entry.path.read_text() == "x"
    entry.relative.encode("utf-8")


def test_a_deep_tree_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(300):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("x")
    assert len(read_names(tmp_path)) == 1


def test_no_extension_is_both_read_and_left_out() -> None:
    assert not set(FILE_TYPES) & set(NOT_DOCUMENTS)
    assert len(FILE_TYPES) == sum(len(entry.extensions) for entry in FORMATS)
