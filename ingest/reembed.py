"""Embeddings by another model: every document that the model in use has not embedded goes through it."""

from __future__ import annotations

from collections.abc import Callable

from ingest.drafts import redraft
from ingest.embedding import embed_rows, embedded
from ingest.scribe import share_draft
from retriever.memory import Memory


def embed_missing(memory: Memory, tell: Callable[[int, int], None], *, everything: bool = False) -> int:
    """How many documents were embedded: those the model in use has not embedded or that were damaged since; or all.

    Safe to interrupt and repeat; the embeddings in use stay until `memory.reindex` has switched.
    """
    embeddings = memory.record.embeddings
    damaged = memory.record.soundness.damaged_embeddings()
    missing = dict.fromkeys((*embeddings.documents_without(memory.fingerprint), *damaged))
    waiting = embeddings.documents() if everything else tuple(missing)
    for done, document_id in enumerate(waiting, start=1):
        told = memory.record.shares.by_document(document_id)
        if told is not None:
            draft = share_draft(told.share, told.id)
        else:
            draft = redraft(memory.document(document_id), embeddings.boilerplate_of(document_id))
        rows = embed_rows(draft.plains, memory.embedder)
        embeddings.store(document_id, draft, embedded(draft, rows, memory.embedder))
        tell(done, len(waiting))
    return len(waiting)
