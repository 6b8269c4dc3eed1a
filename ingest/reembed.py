"""Embeddings by another model: every document that the model in use has not embedded goes through it."""

from __future__ import annotations

from collections.abc import Callable

from ingest.drafts import redraft
from ingest.embedding import embedded, read_texts
from ingest.scribe import share_draft
from retriever.memory import Memory


def embed_missing(
    memory: Memory, tell: Callable[[int, int], None], *, everything: bool = False, first: bool = True
) -> int:
    """How many documents were embedded: those the model in use has not embedded or that were damaged since; or all.

    All too, the `first` time of a reindex, where what words mean here has to be read from them (retriever/senses.py).

    Safe to interrupt and repeat; the embeddings in use stay until `memory.reindex` has switched.
    """
    embeddings, senses, soundness = memory.record.embeddings, memory.record.senses, memory.record.soundness
    if everything or (first and (senses.are_rough() or soundness.damaged_senses(memory.fingerprint))):
        everything = True
        senses.start_anew(memory.fingerprint)
    damaged = soundness.damaged_embeddings()
    missing = dict.fromkeys((*embeddings.documents_without(memory.fingerprint), *damaged))
    waiting = embeddings.documents() if everything else tuple(missing)
    for done, document_id in enumerate(waiting, start=1):
        told = memory.record.shares.by_document(document_id)
        if told is not None:
            draft = share_draft(told.share, told.id)
        else:
            draft = redraft(memory.document(document_id), embeddings.boilerplate_of(document_id))
        read = read_texts(draft.plains, memory.embedder)
        embeddings.store(document_id, draft, embedded(draft, read, memory.embedder))
        tell(done, len(waiting))
    return len(waiting)
