"""Uploading: files are handed over in a form, or dropped on it, and each gets its row of an ingest's report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from werkzeug.datastructures import FileStorage

from retriever.config import Settings
from retriever.errors import InvalidQuery
from retriever.sharing import SentFile, Sharing
from retriever.web import writing_texts
from retriever.web.addresses import rooted

SOURCE = "uploads"
# In one form without script; with it each file is a request of its own.
_FILES_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class SentRow:
    """What came of one file, in words; `documents` are (title, address) pairs."""

    name: str
    state: str
    said: str
    documents: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> SentRow:
        """The row of a file's report."""
        state = str(row["state"])
        said = row["reason"] or writing_texts.FILE_READ.format(row["lessons"]["found"]) if state != "unchanged" else ""
        notes = [writing_texts.FILE_STATES[state], said, *(item["reason"] for item in row["warnings"])]
        if row["redacted"]:
            notes.append(writing_texts.FILE_REDACTED.format(sum(row["redacted"].values())))
        documents = [(str(item["title"]), rooted(f"/documents/{item['id']}")) for item in row["documents"]]
        return cls(str(row["path"]), state, " · ".join(note for note in notes if note), documents)


class UploadingPages:
    """The page that takes files."""

    def __init__(self, settings: Settings, sharing: Sharing) -> None:
        self.sharing = sharing
        self.max_request_bytes = int(settings.max_file_mb * 1e6) * _FILES_AT_ONCE

    def files(self) -> str:
        """The form."""
        return render_template("files.html", query="", rows=[], sum="")

    def send_files(self) -> str:
        """The form with what came of each file; with `part`, as its script asks, the rows alone."""
        sent = [file for file in request.files.getlist("files") if file.filename]
        is_part = "part" in request.args
        has_more = "more" in request.form
        rows = [self._send(file, more=has_more or file is not sent[-1]) for file in sent]
        counts = Counter(row.state for row in rows)
        total = writing_texts.FILES_SUM.format(len(rows), *(counts[state] for state in writing_texts.FILE_STATES))
        return render_template("sent.html" if is_part else "files.html", query="", rows=rows, sum=total)

    def let_files_in(self) -> None:
        """Before anything reads the request: it may be as large as files are."""
        if request.method == "POST" and request.endpoint == "pages.send_files":
            request.max_content_length = self.max_request_bytes

    def _send(self, file: FileStorage, *, more: bool) -> SentRow:
        name = (file.filename or "").replace("\\", "/").rsplit("/", 1)[-1]
        try:
            return SentRow.of(self.sharing.upload(SentFile(SOURCE, name, file.read(), more=more)))
        except InvalidQuery as fault:
            return SentRow(name, "failed", str(fault), ())
