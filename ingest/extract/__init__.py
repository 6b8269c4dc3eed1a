"""Documents in, lessons out: pure, offline, deterministic; every span is verbatim in its document.

syntax tree (ingest.syntax) -> units.py: bullets, cells, sentences, each under its headings and labels
-> features.py with roles.py (what a heading promises) and cues.py (what a sentence does)
-> extractor.py: what rules it out (templates.py), what the fitted weights say (model.py), kind and polarity
-> context.py: what a terse lesson is about; explain.py: why each line was taken or not
"""

from __future__ import annotations

from ingest.extract.explain import Explanation, explain
from ingest.extract.extractor import EXTRACTOR_VERSION, Extraction, extract
from ingest.extract.templates import boilerplate, countable_lines, least_repeats, reads_as_template, template_lines

__all__ = [
    "EXTRACTOR_VERSION",
    "Explanation",
    "Extraction",
    "boilerplate",
    "countable_lines",
    "explain",
    "extract",
    "least_repeats",
    "reads_as_template",
    "template_lines",
]
