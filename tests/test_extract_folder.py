from __future__ import annotations

from pathlib import Path

import pytest

from ingest.extract import boilerplate, explain, extract, template_lines
from ingest.extract.coverage import check_folder, judged_coverage
from ingest.extract.places import Places, covered
from ingest.extract.roles import role_of
from ingest.extract.templates import SHORTEST_REPEATED

TEMPLATE = """# Template for reports

## Summary

Say in two lines what happened to {{ thing }}.

## What went well

- The spare part was found within the hour

## Action items

Every task needs an owner before the report is closed.

- {{ task }}
"""
FILLED = TEMPLATE.replace("# Template for reports", "# Kiln cracked").replace(
    "- {{ task }}", "- Heat the kiln slowly after a cold night"
)


def test_what_a_template_left_behind_is_no_lesson() -> None:
    known = boilerplate([("forms/template.md", TEMPLATE), ("2020/kiln.md", FILLED)])
    found = extract(FILLED, path="2020/kiln.md", boilerplate=known)
    assert [FILLED[one.start : one.end] for one in found.lessons] == ["Heat the kiln slowly after a cold night"]


def test_template_lines_hold_sentences_and_whole_items() -> None:
    lines = template_lines(TEMPLATE)
    assert "the spare part was found within the hour" in lines
    assert "every task needs an owner before the report is closed" in lines


def test_text_that_repeats_across_a_folder_is_boilerplate() -> None:
    line = "Always write to the safety office within one working day."
    texts = [(f"{n}.md", f"# Report {n}\n\n{line}\n\nThe {n}th rope broke because it was wet.\n") for n in range(4)]
    known = boilerplate(texts)
    assert known == {"always write to the safety office within one working day"}
    assert len(line.split()) >= SHORTEST_REPEATED


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("template.md", TEMPLATE, "template"),
        ("form.md", "# Form\n\n## Cause\n\n- {{ cause }}\n- {{ second }}\n\n## Action\n\n- ${action}\n", "template"),
        ("README.md", "# Reports\n\nWe should always write reports because they help.\n", "index"),
        ("incident-process.md", "# Incident process\n\nYou must page the keeper: the gate is locked.\n", "index"),
        ("list.md", "# All\n\n" + "".join(f"- [Broken wheel {n}](https://a.example/2020-01-0{n})\n" for n in range(9)),
         "index"),
    ],
)  # fmt: skip
def test_templates_and_sign_posts_are_named_as_such(path: str, text: str, why: str) -> None:
    assert (extract(text, path=path).is_source, extract(text, path=path).why_not) == (False, why)


@pytest.mark.parametrize(
    ("title", "role"),
    [
        ("Lessons learnt", "lesson"), ("What went well", "went_well"), ("What didn't go so well?", "went_wrong"),
        ("Where we got lucky", "lucky"), ("Action items", "action"), ("Corrective Action", "action"),
        ("Immediate action taken", "resolution"), ("Contributing factors", "cause"), ("Root cause", "cause"),
        ("Recommendations", "recommendation"), ("Timeline", "timeline"), ("2021-03-04 10:15", "timeline"),
        ("Impact", "impact"), ("Decision", "decision"), ("How to contribute", ""), ("The barn", ""),
        ("GitHub Actions", ""), ("Acknowledgements", "thanks"), ("Attendees", "people"),
    ],
)  # fmt: skip
def test_a_heading_gives_its_section_a_role(title: str, role: str) -> None:
    assert role_of(title) == role


def test_explain_says_of_every_unit_what_became_of_it_and_why() -> None:
    text = "# Mill\n\n## Action items\n\n- Grease the wheel every month\n- N/A\n\n## Timeline\n\n- 10:00 It stopped.\n"
    rows = explain(text)
    assert [(row.line, row.kind) for row in rows] == [(5, "action"), (6, ""), (10, "")]
    assert rows[0].rule == "item under action"
    assert rows[1].rule == "nothing said"
    assert any(reason.startswith("+") for reason in rows[0].why)


def test_explain_says_when_the_whole_page_was_left_out() -> None:
    assert all(
        row.rule.endswith("(document: index)") for row in explain("# A\n\nIt broke because.\n", path="README.md")
    )


def test_places_compare_letters_and_not_marks() -> None:
    places = Places("The **rope** (old)\n  broke twice. The rope held.")
    assert places.find("Rope old broke") == ((3, 15),)
    assert len(places.find("the ROPE")) == 2
    assert places.find("...") == ()
    assert places.span(4, 12) == (3, 7)


def test_coverage_counts_overlapping_spans_once() -> None:
    assert covered((0, 10), [(0, 4), (2, 6), (8, 20)]) == 0.8
    assert covered((5, 5), [(0, 9)]) == 0.0


def test_a_folder_is_checked_span_by_span(tmp_path: Path) -> None:
    (tmp_path / "mill.md").write_text(
        "# Mill\n\n## Cause\n\nThe axle broke because nobody had greased it for a year.\n"
    )
    (tmp_path / "notes.md").write_text("# Visitors\n\n- Ann\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    report = check_folder(tmp_path)
    assert (report.documents, report.sources, report.lessons, report.broken) == (2, 1, 1, ())


def test_judged_sentences_are_looked_for_in_the_lessons_of_their_file(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "mill.md").write_text("# Mill\n\n## Cause\n\nThe axle broke because nobody had greased it for a year.\n")
    queries = tmp_path / "queries.jsonl"
    queries.write_text(
        '{"id": "1", "lesson": "nobody had greased it for a year", "lesson_file": "mill.md"}\n'
        '{"id": "2", "lesson": "the moon was full", "lesson_file": "mill.md"}\n'
        '{"id": "3", "query": "none", "relevant": {}}\n'
    )
    report = judged_coverage(queries, docs)
    assert (report.sentences, report.share, report.missed) == (2, 0.5, (("2", "the moon was full"),))
