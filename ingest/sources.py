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

from ingest.readers.formats import FILE_TYPES, extension_of
from ingest.readers.signatures import HEAD_BYTES, family_of, foreign_kind
from retriever.errors import SourceError

__all__ = ["FILE_TYPES", "Limits", "SkippedFile", "SourceFile", "walk"]

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

_KINDS = {
    "an image": """
        .png .jpg .jpeg .gif .bmp .tif .tiff .webp .svg .ico .heic .avif .psd .ai .eps .drawio
    """,
    "audio or video": """
        .mp3 .wav .flac .ogg .m4a .aac .mp4 .mov .avi .mkv .webm .wmv .m4v
    """,
    "a font": """
        .ttf .otf .woff .woff2 .eot
    """,
    "an archive": """
        .zip .gz .tgz .bz2 .xz .7z .rar .tar .jar .war .whl .iso .dmg .zst .deb .rpm
    """,
    "a program or its data": """
        .exe .dll .so .dylib .o .a .class .pyc .bin .wasm .dat .db .sqlite .sqlite3 .parquet .npy .pkl .pt
        .onnx .safetensors .pem .key .crt .p12
    """,
    "source code, not a document": """
        .py .pyi .js .mjs .cjs .ts .tsx .jsx .c .h .cc .cpp .hpp .cs .go .rs .rb .java .kt .scala .swift
        .php .pl .lua .r .jl .m .sh .bash .zsh .fish .ps1 .bat .cmd .sql .css .scss .sass .less .vue
        .svelte .ipp .asm .s .hs .ml .ex .exs .erl .clj .dart .proto .graphql .tf .hcl .nix .cmake .gradle
        .jsonnet .rego .bib .sty .cls .po .pot
    """,
    "configuration or data, not a document": """
        .yml .yaml .json .json5 .toml .lock .ini .cfg .conf .properties .env .xml .xsd .xsl .plist
        .editorconfig .map .tfvars .tfstate .geojson .ics .sum .mod .csproj .sln .snap .tmpl .tpl .j2
        .desktop .service .kdbx
    """,
    "a log, not a document": """
        .log .out .err .trace .pcap .har .dmp
    """,
    "a format not read yet; save it as .docx, PDF or text": """
        .doc .dot .rtf .odt .ods .odp .ppt .pptx .xls .xlsb .msg .pst .epub .mobi .pages .numbers
        .vsd .vsdx .one .wpd .tex .wiki .mediawiki .textile .djvu .ps .xps
    """,
    "a temporary or backup file": """
        .tmp .temp .bak .swp .swo .orig .rej .part .crdownload .old
    """,
}
NOT_DOCUMENTS = {extension: kind for kind, extensions in _KINDS.items() for extension in extensions.split()}

_NAMES = {
    "source code, not a document": """
        makefile dockerfile containerfile jenkinsfile vagrantfile rakefile gemfile procfile brewfile
        justfile build workspace
    """,
    "a licence, not a document": """
        license licence copying notice license.md licence.md license.txt licence.txt copying.txt
    """,
    "configuration or data, not a document": """
        codeowners owners pipfile requirements.txt constraints.txt robots.txt thumbs.db desktop.ini
        cmakelists.txt manifest.in
    """,
}
NOT_DOCUMENT_NAMES = {name: kind for kind, names in _NAMES.items() for name in names.split()}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a walk refuses to hand on."""

    max_file_bytes: int = 25_000_000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read; `relative` is its name below the root, with "/"."""

    path: Path
    relative: str
    size: int
    mtime_ns: int


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
    reason = _name_reason(path, is_named=path == visit.named)
    if reason:
        return reason
    if status.st_size == 0:
        return "empty"
    if status.st_size > visit.limits.max_file_bytes:
        size, limit = status.st_size / 1e6, visit.limits.max_file_bytes / 1e6
        return f"too large: {size:.1f} MB, and the limit is {limit:g} MB"
    if not os.access(path, os.R_OK):
        return "cannot be read: permission denied"
    return None if extension_of(path.name, FILE_TYPES) else _content_reason(path)


def _name_reason(path: Path, *, is_named: bool) -> str | None:
    """Why a file's name is enough to leave it out."""
    name = path.name.lower()
    if name.startswith(".") and not is_named:
        return "a hidden file"
    if name.startswith("~$") or name.endswith("~"):
        return "a temporary or backup file"
    if name in NOT_DOCUMENT_NAMES:
        return NOT_DOCUMENT_NAMES[name]
    if extension_of(name, FILE_TYPES):
        return None
    return NOT_DOCUMENTS.get(os.path.splitext(name)[1])


def _content_reason(path: Path) -> str | None:
    """Why a file whose name promises nothing is no document, by its first bytes; None if it can be read."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if family_of(head):
        return None
    if head.startswith(b"#!"):
        return "source code, not a document"
    # A Word or Excel file is told from other zips by its directory, which stands at the end: let its reader
    # see.
    if head.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in head:
        return None
    return foreign_kind(head)


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
