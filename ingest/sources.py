r"""Paths to files worth reading: a walk that names everything it leaves out, with a reason people understand.

What counts: every file is a `SourceFile` or a `SkippedFile`, so a report adds up. A folder that is left out
(hidden, version control, installed packages) is one `SkippedFile` whose name ends in "/"; the files in it are
neither opened nor counted.

File names need not be UTF-8. `SourceFile.path` opens the file; `relative`, which is stored and shown, writes
each byte that does not decode as `\xHH`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ingest.left_out import Limits, content_reason, name_reason, size_reason
from ingest.readers.formats import FILE_TYPES, extension_of
from ingest.readers.signatures import HEAD_BYTES
from retriever.errors import SourceError

__all__ = ["FILE_TYPES", "Limits", "SkippedFile", "SourceFile", "sent_file", "walk"]

NOT_WALKED = {
    "node_modules": "installed packages",
    "bower_components": "installed packages",
    "site-packages": "installed packages",
    "vendor": "installed packages",
    "venv": "a Python environment",
    "env": "a Python environment",
    "virtualenv": "a Python environment",
    "__pycache__": "compiled code",
    "__macosx": "leavings of an archive",
    "cvs": "version control",
    "_darcs": "version control",
}
# A folder called `env` or `vendor` may as well hold documents; this file says that it does not.
_ONLY_WITH = {"venv": "pyvenv.cfg", "env": "pyvenv.cfg", "virtualenv": "pyvenv.cfg", "vendor": "modules.txt"}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read; `relative` is its name below the root, with "/". `content` is there when it was sent to us."""

    path: Path
    relative: str
    size: int
    mtime_ns: int
    content: bytes | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """Its bytes. Raises OSError when it cannot be read any more."""
        return self.path.read_bytes() if self.content is None else self.content


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file left out, or a whole folder (its name ends in "/"), and why, as the end of "skipped: ...".

    `is_unlisted` folders were wanted and could not be looked into.
    """

    relative: str
    reason: str
    is_unlisted: bool = False


@dataclass(slots=True)
class _Visit:
    """One walk's memory: what was found, and which files were, by device and inode."""

    root: Path
    limits: Limits
    named: Path | None = None
    found: list[SourceFile | SkippedFile] = field(default_factory=list)
    seen: dict[tuple[int, int], str] = field(default_factory=dict)
    links: list[Path] = field(default_factory=list)


def walk(root: Path, limits: Limits | None = None) -> Iterator[SourceFile | SkippedFile]:
    """Everything below `root`, or `root` itself when it is a file, sorted by relative name.

    A hidden name counts only below the root: a root that is hidden was asked for. Raises SourceError at once
    when `root` does not exist or cannot be listed.
    """
    try:
        resolved = root.resolve(strict=True)
        is_folder = resolved.is_dir()
        if is_folder:
            os.scandir(resolved).close()
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{_stored(str(root))!r} cannot be read: {_because(error)}.") from error
    if is_folder:
        visit = _Visit(resolved, limits or Limits())
    else:
        visit = _Visit(resolved.parent, limits or Limits(), named=resolved)
    if is_folder:
        _visit_folders(visit)
        for link in sorted(visit.links):
            _visit_link(visit, link)
    else:
        _visit_file(visit, resolved)
    return iter(sorted(visit.found, key=lambda entry: entry.relative))


def _visit_folders(visit: _Visit) -> None:
    pending = [visit.root]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            why = f"the folder cannot be listed: {_because(error)}"
            visit.found.append(SkippedFile(f"{_relative(visit, folder)}/", why, is_unlisted=True))
            continue
        for entry in entries:
            path = Path(entry.path)
            if entry.is_symlink():
                visit.links.append(path)
            elif entry.is_dir(follow_symlinks=False):
                reason = _folder_reason(path)
                if reason:
                    _skip(visit, path, reason, is_folder=True)
                else:
                    pending.append(path)
            else:
                _visit_file(visit, path)


def _folder_reason(path: Path) -> str | None:
    name = path.name.lower()
    if name.startswith("."):
        return "version control" if name in (".git", ".hg", ".svn", ".bzr") else "a hidden folder"
    if name in NOT_WALKED and (name not in _ONLY_WITH or (path / _ONLY_WITH[name]).exists()):
        return NOT_WALKED[name]
    return "a Python environment" if (path / "pyvenv.cfg").exists() else None


def _visit_file(visit: _Visit, path: Path) -> None:
    try:
        status = path.stat()
        reason = _file_reason(path, status, visit)
    except OSError as error:
        reason = f"cannot be read: {_because(error)}"
    if reason:
        _skip(visit, path, reason)
        return
    relative = _relative(visit, path)
    visit.seen[status.st_dev, status.st_ino] = relative
    visit.found.append(SourceFile(path, relative, status.st_size, status.st_mtime_ns))


def _file_reason(path: Path, status: os.stat_result, visit: _Visit) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return _special_kind(status.st_mode)
    reason = name_reason(path.name, is_named=path == visit.named) or size_reason(status.st_size, visit.limits)
    if reason:
        return reason
    if not os.access(path, os.R_OK):
        return "cannot be read: permission denied"
    if extension_of(path.name, FILE_TYPES):
        return None
    with path.open("rb") as stream:
        return content_reason(stream.read(HEAD_BYTES))


def sent_file(relative: str, content: bytes, limits: Limits) -> SourceFile | SkippedFile:
    """A file that was sent and not found on a disk: left out for the same reasons, but for its folder's name."""
    path = Path(relative)
    reason = name_reason(path.name, is_named=True) or size_reason(len(content), limits)
    if not reason and not extension_of(path.name, FILE_TYPES):
        reason = content_reason(content[:HEAD_BYTES])
    return SkippedFile(relative, reason) if reason else SourceFile(path, relative, len(content), 0, content)


def _visit_link(visit: _Visit, link: Path) -> None:
    try:
        target = link.resolve(strict=True)
        status = target.stat()
    except (OSError, RuntimeError) as error:
        _skip(visit, link, f"a symbolic link that leads nowhere: {_because(error)}")
        return
    if not target.is_relative_to(visit.root):
        _skip(visit, link, "a symbolic link that leaves the folder")
    elif target.is_dir():
        _skip(visit, link, "a symbolic link to a folder in the same tree", is_folder=True)
    elif (status.st_dev, status.st_ino) in visit.seen:
        _skip(visit, link, f"a symbolic link to {visit.seen[status.st_dev, status.st_ino]!r}, which is read")
    else:
        # Kubernetes mounts files as links into a hidden folder: there the link is the only way to the file.
        _visit_file(visit, link)


def _special_kind(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISDIR, "a folder"))
    return next((f"{kind}, not a file" for test, kind in kinds if test(mode)), "a device, not a file")


def _skip(visit: _Visit, path: Path, reason: str, *, is_folder: bool = False) -> None:
    visit.found.append(SkippedFile(_relative(visit, path) + "/" * is_folder, reason))


def _relative(visit: _Visit, path: Path) -> str:
    return _stored(path.relative_to(visit.root).as_posix()) if path != visit.root else "."


def _stored(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _because(error: OSError | RuntimeError) -> str:
    """The system's own words without the number and the path."""
    words = getattr(error, "strerror", None) or str(error)
    return words[:1].lower() + words[1:]
