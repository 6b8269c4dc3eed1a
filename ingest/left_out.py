"""Which files are no documents, by their names, sizes and first bytes, and why, in words people understand."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ingest.readers.formats import FILE_TYPES, extension_of
from ingest.readers.signatures import family_of, foreign_kind

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


def size_reason(size: int, limits: Limits) -> str | None:
    """Why a file's size is enough to leave it out."""
    if size == 0:
        return "empty"
    if size > limits.max_file_bytes:
        return f"too large: {size / 1e6:.1f} MB, and the limit is {limits.max_file_bytes / 1e6:g} MB"
    return None


def name_reason(given: str, *, is_named: bool) -> str | None:
    """Why a file's name is enough to leave it out."""
    name = given.lower()
    if name.startswith(".") and not is_named:
        return "a hidden file"
    if name.startswith("~$") or name.endswith("~"):
        return "a temporary or backup file"
    if name in NOT_DOCUMENT_NAMES:
        return NOT_DOCUMENT_NAMES[name]
    if extension_of(name, FILE_TYPES):
        return None
    return NOT_DOCUMENTS.get(os.path.splitext(name)[1])


def content_reason(head: bytes) -> str | None:
    """Why a file whose name promises nothing is no document, by its first bytes; None if it can be read."""
    if family_of(head):
        return None
    if head.startswith(b"#!"):
        return "source code, not a document"
    # A Word or Excel file is told from other zips by its directory, which stands at the end: let its reader
    # see.
    if head.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in head:
        return None
    return foreign_kind(head)
