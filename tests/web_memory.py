"""A small memory for the tests of the web service: a real record, and answers whose verdict a test can choose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from word_embedder import WordEmbedder

from ingest.pipeline import IngestOptions, ingest
from retriever.config import Settings
from retriever.errors import InvalidQuery, StoreError
from retriever.lesson import Answer, Document, Filters, Hit, Lesson, normalised
from retriever.memory import Memory

FILES = {
    "2024/2024-03-02-certificate.md": """\
---
title: The certificate nobody renewed
date: 2024-03-02
severity: SEV2
team: Platform
tags: [tls, alerts]
---
# The certificate nobody renewed

Every terminal refused to connect for an hour and a half.

## Lessons learned

### What went wrong

- The certificate **expired** because nobody [owned](https://wiki.example/owners) its renewal.
- Our alert watched the file on disk, not the connection.

### What went well

- The rollback script worked at the first attempt.
""",
    "2023/failover.md": """\
---
title: A failover that worked
date: 2023-11-20
team: Storage
tags: [database]
---
# A failover that worked

## What went well

- The database failover took nine seconds because we had rehearsed it every month.
""",
    "hostile.md": """\
# A <script>document.title = "owned"</script> report

## Lessons learned

- Never trust a report: <img src="https://evil.example/x.gif" onerror="document.title='owned'"> it may bite.
- Read the [minutes](javascript:document.title='owned') before the meeting about the printer.
""",
}
NO_FILTERS = Filters()


class TestMemory(Memory):
    """Finds lessons that share a word with the question; a word in the question chooses the verdict."""

    __test__ = False

    def ask(
        self, query: str, *, k: int | None = None, per_document: int | None = None, filters: Filters = NO_FILTERS
    ) -> Answer:
        if not query.strip():
            raise InvalidQuery("The question is empty.")
        if query == "break":
            raise ZeroDivisionError("a secret detail")
        if query == "close":
            raise StoreError("/a/secret/path cannot be read")
        words = set(normalised(query).split())
        listed = self.browse_lessons(filters, limit=100, after=None).items
        found = [(lesson, document) for lesson, document in listed if words & set(normalised(lesson.text).split())]
        hits = [self._hit(rank, lesson, document, words) for rank, (lesson, document) in enumerate(found[:k], 1)]
        if "evidence" in words and hits:
            hits[0] = self._evidence(hits[0])
        answered = None if "unmeasured" in words else bool(hits) and "nearly" not in words
        confidence = None if answered is None else 0.9 if answered else 0.2
        return Answer(query, answered, confidence, tuple(hits), ("meaning",) if "degraded" in words else ())

    def _hit(self, rank: int, lesson: Lesson, document: Document, words: set[str]) -> Hit:
        starts = [lesson.text.lower().find(word) for word in words]
        spans = sorted((at, at + len(word)) for at, word in zip(starts, words, strict=True) if at >= 0)
        numbers = [n for n, passage in enumerate(self.passages_of(document.id), 1) if passage.start <= lesson.start]
        return Hit(rank, 1 / rank, lesson, document, passage=numbers[-1], highlights=tuple(spans))

    def _evidence(self, hit: Hit) -> Hit:
        passage = self.passages_of(hit.document.id)[hit.passage - 1]
        text = self.document(hit.document.id).text[passage.start : passage.end]
        lesson = Lesson("evidence", hit.document.id, text, passage.start, passage.end, stated=False)
        return replace(hit, lesson=lesson, highlights=())


def make_memory(folder: Path, models: Path, **settings: Any) -> TestMemory:
    """A memory in `folder` that holds FILES."""
    documents = folder / "documents"
    for name, text in FILES.items():
        path = documents / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    memory = empty_memory(folder, models, **settings)
    ingest(memory, documents, IngestOptions(source="team", url_template="https://git.example/{path}#L{line}"))
    return memory


def published(web: FlaskClient) -> dict[str, Any]:
    """The OpenAPI document, which is valid and describes each route of the API that there is, and no other."""
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")
    document: dict[str, Any] = web.get("/openapi.json").get_json()
    validator.validate(document)
    rules = {
        (rule.rule.replace("<id>", "{id}"), method.lower())
        for rule in web.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1")
    }
    assert rules == {(path, method) for path, item in document["paths"].items() for method in item}
    return document


def empty_memory(folder: Path, models: Path, **settings: Any) -> TestMemory:
    """A memory in `folder` that holds nothing."""
    memory = TestMemory.open(Settings(home=folder / "home", models=models, **settings), create=True)
    memory.__dict__["embedder"] = WordEmbedder()
    memory.__dict__["fingerprint"] = WordEmbedder.fingerprint
    assert isinstance(memory, TestMemory)
    return memory
