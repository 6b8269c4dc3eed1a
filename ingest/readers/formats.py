"""The table of formats: which names belong to which reader, and which content gives a file away.

A new format is one entry in `FORMATS` and one module with `read(data, name) -> list[Reading]`. Nothing heavy
is imported here, so that a walk over a folder costs no library.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.readers.signatures import family_of, foreign_kind
from retriever.errors import SourceError


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the table: `module` in this package reads files that end in one of `extensions`.

    Raise `version` whenever the reader's text or fields change: files are then read again. `is_cheap` formats
    cannot hang or crash and are read without a child process. Those that are `tabular` have columns, to which
    roles may be given: their `read` takes them as a third argument.
    """

    name: str
    module: str
    extensions: tuple[str, ...]
    version: int = 1
    is_cheap: bool = False
    tabular: bool = False


FORMATS = (
    Format(
        "markdown",
        "markdown",
        (
            ".md",
            ".markdown",
            ".mdown",
            ".mkd",
            ".mdx",
            ".qmd",
            ".rmd",
            ".md.erb",
            ".html.md.erb",
            ".markdown.erb",
        ),
        is_cheap=True,
    ),
    Format("text", "text", (".txt", ".text"), is_cheap=True),
    Format("html", "html", (".html", ".htm", ".xhtml")),
    Format("pdf", "pdf", (".pdf",)),
    Format("docx", "docx", (".docx", ".docm")),
    Format("csv", "delimited", (".csv", ".tsv", ".tab"), tabular=True),
    Format("xlsx", "workbook", (".xlsx", ".xlsm"), tabular=True),
    Format("jsonl", "jsonlines", (".jsonl", ".ndjson"), tabular=True),
    Format("rst", "rst", (".rst", ".rest")),
    Format("ipynb", "notebook", (".ipynb",)),
    Format("mail", "mail", (".eml", ".mbox")),
    Format("asciidoc", "asciidoc", (".adoc", ".asciidoc", ".asc")),
    Format("org", "org", (".org",)),
)

BY_NAME = {entry.name: entry for entry in FORMATS}
FILE_TYPES = {extension: entry.name for entry in FORMATS for extension in entry.extensions}
PLAIN_TEXT = BY_NAME["text"]
_ZIPPED = ("docx", "xlsx")


def extension_of(name: str, table: dict[str, str]) -> str | None:
    """The longest ending of a file `name` that is in `table`, such as ".html.md.erb"; None when none is."""
    last = name.rsplit("/", 1)[-1].lower()
    dots = [at for at, character in enumerate(last) if character == "." and at > 0]
    return next((last[at:] for at in dots if last[at:] in table), None)


def format_of(name: str) -> Format:
    """The format that a file's name promises; plain text for a name that promises nothing."""
    extension = extension_of(name, FILE_TYPES)
    return BY_NAME[FILE_TYPES[extension]] if extension else PLAIN_TEXT


def reader_version(name: str) -> str:
    """What to keep beside a file's checksum: it changes when the reader for that name does."""
    entry = format_of(name)
    return f"{entry.name}/{entry.version}"


def identify(data: bytes, name: str) -> Format:
    """The format to read `data` as: what its first bytes say, else what its name says.

    Raises SourceError for content that no reader takes, or that a name wrongly promises.
    """
    promised = format_of(name)
    family = family_of(data)
    if family is not None:
        return BY_NAME[family]
    if promised.name in _ZIPPED and data.startswith(b"PK"):
        raise SourceError(f"{name!r} is damaged or cut off: its zip container cannot be opened; save it anew.")
    kind = foreign_kind(data)
    if kind is not None:
        raise SourceError(f"{name!r} is {kind}, whatever its name says; save it as text, PDF or .docx.")
    if promised.name in ("pdf", *_ZIPPED):
        raise SourceError(
            f"{name!r} is not a {promised.name.upper()} file, although its name says so; it may be cut off."
        )
    return promised
