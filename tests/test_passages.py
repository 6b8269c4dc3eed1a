from __future__ import annotations

import numpy as np
import pytest

from ingest.passages import CODE_CHARS, PASSAGE_CHARS, SENTENCE_CHARS, cut, pooled, split
from ingest.syntax import plain

REPORT = """# Queue stalled

## Summary

The queue stalled. Nobody was told for an hour, because the alert went to a closed channel.

## Lessons learned

- Alerts need an owner.
- [ ] Test the alert every month
  and write the result down.

| time | event |
|---|---|
| 10:00 | the queue stops |

```
Error: queue is full
```
"""


def _sentences(text: str) -> list[str]:
    return [text[start:end] for item in cut(text) for start, end in item.sentences]


def test_sentences_bullets_rows_and_code_are_the_units() -> None:
    found = [plain(text) for text in _sentences(REPORT)]
    assert found[:4] == [
        "The queue stalled.",
        "Nobody was told for an hour, because the alert went to a closed channel.",
        "Alerts need an owner.",
        "Test the alert every month and write the result down.",
    ]
    assert any("10:00" in text and "the queue stops" in text for text in found)
    assert any("queue is full" in text for text in found)


def test_passages_cover_every_word_that_a_reader_sees() -> None:
    covered = " ".join(REPORT[item.start : item.end] for item in split(REPORT))
    for word in plain(REPORT).split():
        assert word.strip("|") in covered


def test_passages_and_sentences_are_in_order_and_do_not_overlap() -> None:
    long = "\n\n".join(f"## Part {number}\n\n" + "A sentence of some length stands here. " * 12 for number in range(9))
    spans = [span for item in cut(long) for span in item.sentences]
    assert spans == sorted(spans)
    assert all(first[1] <= second[0] for first, second in zip(spans, spans[1:], strict=False))
    for item in cut(long):
        assert all(item.passage.start <= start < end <= item.passage.end for start, end in item.sentences)
        assert item.passage.end - item.passage.start <= PASSAGE_CHARS


def test_a_passage_names_its_section() -> None:
    text = "# Report\n\n" + "Something happened here. " * 20 + "\n\n## Causes\n\n" + "The disk was full. " * 20
    assert [item.section for item in split(text)] == ["Report", "Report > Causes"]


def test_a_heading_without_text_is_still_found() -> None:
    assert _sentences("# Only a title") == ["Only a title"]


def test_prose_in_the_front_matter_is_read_and_facts_are_not() -> None:
    text = (
        "---\ntitle: A title that is not repeated here\ndate: 2024-01-01\n"
        "summary: The disk filled up and writes failed.\n---\n\nBody text.\n"
    )
    assert _sentences(text) == ["The disk filled up and writes failed.", "Body text."]


@pytest.mark.parametrize("text", ["", "\n\n", "---\n", "   \n\t\n"])
def test_nothing_visible_gives_no_passages(text: str) -> None:
    assert split(text) == ()


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("x" * 5000, SENTENCE_CHARS),
        ("word " * 1000, SENTENCE_CHARS),
        ("```\n" + "a line of a log that goes on\n" * 100 + "```\n", CODE_CHARS),
    ],
)
def test_what_has_no_sentences_is_cut_to_length(text: str, limit: int) -> None:
    found = _sentences(text)
    assert all(0 < len(piece) <= limit for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_a_pooled_vector_has_unit_length_and_leans_to_the_longer_sentence() -> None:
    rows = np.eye(2, dtype=np.float32)
    vector = pooled(rows, [100, 25])
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert vector[0] / vector[1] == pytest.approx(2)


def test_the_pool_of_one_sentence_is_that_sentence() -> None:
    row = np.asarray([[0.6, 0.8]], np.float32)
    assert pooled(row, [17]) == pytest.approx(row[0])
