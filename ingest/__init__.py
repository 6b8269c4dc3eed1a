"""Everything that turns the world's files into lessons.

- `sources.py`: folders to files: the walk; `left_out.py`: why a file is none of them
- `readers/`: bytes to Markdown and fields, one small module a family of formats
- `metadata.py`: what a document is called, when it happened, how bad it was, whose it is; with `facts.py`,
  `titles.py`, `occurrence.py`, `dates.py` and `language.py`
- `redact.py`: secrets out, before anything is stored; with `plausible.py`; `names.py` does it for names
- `syntax.py`: Markdown as flat blocks with offsets
- `extract/`: a document to its lessons
- `passages.py`: a document to sentences and passages
- `drafts.py`: one reading to one draft: redacted, dated, extracted, cut
- `embedding.py`: drafts through the model; `reembed.py` does it for another model
- `plan.py`: what an ingest has before it: source, moves, what is gone
- `uploads.py`: one file that was sent; `sent_sources.py`: the source it belongs to
- `sending.py`: a folder sent to a memory elsewhere; `remote.py`: that memory
- `pipeline.py`: read, draft, embed, record: an ingest from end to end; `tally.py` counts, `report.py` says what it did
- `scribe.py`: what a person tells, to a draft; `share_commands.py` is `lessons share`
- `explaining.py`: one file, line by line: what was taken as what, and why
- `gold.py`: extraction measured against gold lessons; `judging.py` runs it
"""
