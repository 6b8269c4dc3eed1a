"""The core of Lessons, and everything that reads.

lesson.py      the values: Document, Passage, Lesson, Hit, Answer     errors.py     the error tree
config.py      settings and their defaults                            words.py      the one analysis of words
embedder.py    models found, checked, told apart; graph.py and transformer.py run them, export.py makes the graph
record/        the system of record: all SQL                          locks.py      locks between processes
vectors.py     the vector index (Chroma); probe.py, follow.py and follower.py keep it equal to the record
search.py      a question to an answer, with meaning.py, question.py, ranking.py, choosing.py, highlights.py
verdict.py     whether it is one; closer.py: a closer look where that is in doubt, with support.py and joint.py
share.py       a lesson as a person tells it                          standing.py   what feedback adds to a score
sharing.py     lessons told by hand; correcting.py: marks, mends, feedback; questions.py: what was asked, and gaps
memory.py      Memory.open(home): builds and owns all of the above    home.py       the folder it is in
evaluation/    judged queries in, a report out                        doctor.py     every part checked
reranking.py   the first texts in another order, by cross_encoder.py where one is set
duplicates.py  the same lesson or incident told twice                 checks.py     what a question may say
shell.py       what commands share, with options.py, asking.py, terminal.py, demo.py, token_commands.py
wire.py, web/  JSON, the page, the HTTP API
"""

from __future__ import annotations

from retriever.config import Settings
from retriever.errors import RetrieverError
from retriever.lesson import Answer, Document, Filters, Hit, Lesson

__all__ = ["Answer", "Document", "Filters", "Hit", "Lesson", "RetrieverError", "Settings"]
