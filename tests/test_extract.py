from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.extract import Extraction, context, extract
from ingest.extract.features import cues_of
from retriever.lesson import KINDS, POLARITIES, Finding

REPORT = """# Brewery pump stopped

## Summary

The mash pump stopped because a worn gasket let water into the motor. Brewing paused for four hours.

## Timeline

- 09:10 The pump stops.
- 09:25 Ada is called.
- 11:40 A new gasket is fitted.

## Lessons learned

### What went well

- The spare motor was on the shelf and labelled, so swapping it was quick.

### What went wrong

- Nobody noticed the leak for two days, since the drip tray is never inspected.

### Where we got lucky

- The brewmaster happened to be in the yard that morning.

## Action items

- [ ] Add the drip tray to the weekly inspection list
- [x] Replace every gasket older than two years
"""


def taken(text: str, found: Extraction) -> dict[str, Finding]:
    return {text[one.start : one.end]: one for one in found.lessons}


def test_every_section_of_a_report_gives_its_lessons() -> None:
    found = taken(REPORT, extract(REPORT))
    expected = {
        "The mash pump stopped because a worn gasket let water into the motor.": ("cause", "failure"),
        "The spare motor was on the shelf and labelled, so swapping it was quick.": ("went_well", "success"),
        "Nobody noticed the leak for two days, since the drip tray is never inspected.": ("went_wrong", "failure"),
        "The brewmaster happened to be in the yard that morning.": ("got_lucky", "neutral"),
        "Add the drip tray to the weekly inspection list": ("action", "neutral"),
        "Replace every gasket older than two years": ("action", "neutral"),
    }
    assert {text: (one.kind, one.polarity) for text, one in found.items()} == expected


def test_timeline_and_impact_lines_are_no_lessons() -> None:
    lines = [text for text in taken(REPORT, extract(REPORT)) if "09:" in text or "11:40" in text or "paused" in text]
    assert lines == []


def test_a_lesson_names_its_section_without_the_title() -> None:
    found = taken(REPORT, extract(REPORT))
    sections = {one.section for one in found.values()}
    assert {"Summary", "Lessons learned > What went well", "Action items"} <= sections


def test_a_terse_lesson_comes_with_what_it_is_about() -> None:
    one = taken(REPORT, extract(REPORT))["Add the drip tray to the weekly inspection list"]
    assert one.context is not None
    assert "Brewery pump stopped" in one.context
    assert "worn gasket" in one.context


def test_the_title_given_stands_for_the_one_in_the_text() -> None:
    one = taken(REPORT, extract(REPORT, title="Pump, May"))["Add the drip tray to the weekly inspection list"]
    assert one.context is not None
    assert one.context.startswith("Pump, May")


def test_a_sentence_that_leans_on_the_one_before_brings_it_along() -> None:
    text = "# Boiler\n\n## Cause\n\n" + (
        "The relief valve had been painted over by a contractor who was asked to freshen up the whole plant room last "
        "spring and worked quickly. This was not noticed because nobody inspects the valves after painting, and the "
        "checklist for the yearly service does not mention them."
    )
    found = extract(text).lessons
    leaning = [one for one in found if text[one.start : one.end].startswith("This was")]
    assert [one.context is not None and "painted over" in one.context for one in leaning] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "- **Key events**\n  - Seen 08:10\n\n"
        "- **Cause**: The hoist rope was chafed because the guide wheel was missing.\n\n"
        "- **Impact**:\n  - Two boxes fell.\n\n- **Review actions**:\n  - Replace the guide wheel every spring\n",
        "**Cause:** The hoist rope was chafed because the guide wheel was missing.\n\n"
        "**Review actions**\n\n1. Replace the guide wheel every spring\n",
        "Cause: The hoist rope was chafed because the guide wheel was missing.\n"
        "Impact: Two boxes fell.\nReview actions: Replace the guide wheel every spring\n",
        "HOIST REPORT\nWhat Happened\nThe hoist rope was chafed because the guide wheel was missing.\n"
        "Action Items\n1. Replace the guide wheel every spring\nTimeline\n9:00 AM The hoist is stopped.\n",
        "| Cause | Corrective action | Owner |\n|---|---|---|\n| The hoist rope was chafed because the guide wheel was "
        "missing. | Replace the guide wheel every spring | Bo |\n",
    ],
    ids=["labelled bullets", "bold labels", "named fields", "lost headings", "table columns"],
)
def test_cause_and_action_are_found_in_every_shape(text: str) -> None:
    found = taken(text, extract(text))
    assert found["The hoist rope was chafed because the guide wheel was missing."].kind == "cause"
    assert found["Replace the guide wheel every spring"].kind == "action"
    assert len(found) == 2


def test_prose_without_headings_gives_its_causes_and_follow_ups() -> None:
    text = (
        "On 3 March 2021 the Harbour ferry lost steering for 40 minutes.\n\n"
        "The root cause was a corroded relay that had never been included in the yearly inspection. "
        "About 200 passengers were affected.\n\n"
        "To prevent similar failures, the company plans to add the relays to the inspection list."
    )
    found = list(taken(text, extract(text)))
    assert found == [
        "The root cause was a corroded relay that had never been included in the yearly inspection.",
        "To prevent similar failures, the company plans to add the relays to the inspection list.",
    ]


def test_a_decision_record_gives_its_decision() -> None:
    text = (
        "# Label every cable\n\n## Status\n\nAccepted\n\n## Context\n\nThe attic has forty cables.\n\n## Decision\n\n"
        "We decided to label both ends of every cable, because tracing them by hand costs an hour each time.\n"
    )
    found = extract(text)
    assert [one.section for one in found.lessons] == ["Decision"]


def test_a_note_teaches_by_its_title() -> None:
    text = "# Sharpen a chisel on wet sandpaper\n\nThe trick is to tape the paper to glass:\n\n```\ngrit 400\n```\n"
    found = extract(text, path="til/tools/chisel.md")
    first = found.lessons[0]
    assert text[first.start : first.end] == "Sharpen a chisel on wet sandpaper"
    assert (first.kind, first.polarity, found.is_source) == ("insight", "neutral", True)


def test_a_report_row_gives_its_corrective_action() -> None:
    text = (
        "# Row 12\n\n## Narrative\n\nThe cart rolled away.\n\n## Corrective Action\n\nFit wheel chocks to all carts.\n"
    )
    assert "Fit wheel chocks to all carts." in taken(text, extract(text))


def test_a_link_around_a_to_do_is_left_off() -> None:
    text = "# Gate\n\n## Action items\n\n"
    text += "- [Oil the gate hinge every month](https://a.example/12)\n- Paint the gate (#41)\n"
    assert list(taken(text, extract(text))) == ["Oil the gate hinge every month", "Paint the gate"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n\n",
        "# Roster\n\n- Ann\n- Bo\n",
        "On Friday at 9:00 the greenhouse will be closed for maintenance. More details on the notice board.",
        "# Greenhouse\n\n## Lessons learned\n\nNo comments added\n\n## Action items\n\n- N/A\n- TBD\n",
        "# Greenhouse\n\n## Timeline\n\n- 10:00 Door opened\n- 10:05 Door closed\n\n## Impact\n\nThree plants froze.\n",
        "# Thanks\n\nThank you all for your patience during the move.\n",
    ],
)
def test_a_page_that_teaches_nothing_is_no_source(text: str) -> None:
    found = extract(text)
    assert found == Extraction((), False, found.why_not)
    assert found.why_not


def test_code_comments_and_front_matter_are_never_lessons() -> None:
    text = (
        "---\nsummary: The tank leaked because the weld was never tested.\n---\n\n# Tank\n\n## Cause\n\n"
        "<!-- The weld should always be tested. -->\n\n```\nThe weld failed because it was cold.\n```\n\n"
        "The tank leaked because the weld had never been tested under pressure.\n"
    )
    found = list(taken(text, extract(text)))
    assert found == ["The tank leaked because the weld had never been tested under pressure."]


PIECES = st.sampled_from(
    ["# Cause\n\n", "## Action items\n\n", "- ", "1. ", "> ", "| Lesson | Who |\n|---|---|\n| ", "**Impact**: ",
     "10:30 ", "The fan failed because the belt was never checked. ", "Add a spare belt",
     "What went wrong?\n", "\n", "\n\n", "```\n",
     "[a](http://b)", "#12", "\r\n", "\0", "\u2022 ", "Lessons: ", "{{ name }}", "N/A", "\u00e9\u3002"]
)  # fmt: skip
MESSY = st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join)


@given(MESSY)
@example("\u2022 \r\nThe fan failed because the belt was never checked.")
@settings(max_examples=200, deadline=None)
def test_any_text_gives_trimmed_verbatim_spans_in_order(text: str) -> None:
    found = extract(text)
    assert found == extract(text)
    assert found.is_source == bool(found.lessons)
    ends = [0, *(one.end for one in found.lessons)]
    for one, before in zip(found.lessons, ends, strict=False):
        assert before <= one.start < one.end <= len(text)
        assert text[one.start : one.end] == text[one.start : one.end].strip()
        assert one.kind in KINDS
        assert one.polarity in POLARITIES


def test_a_long_document_takes_time_in_proportion() -> None:
    extract(REPORT)
    began = time.perf_counter()
    extract(REPORT * 40)
    assert time.perf_counter() - began < 5


def test_a_document_of_very_many_terse_lessons_is_looked_through_once(monkeypatch):
    looked = []
    monkeypatch.setattr(context, "cues_of", lambda words: looked.append(words) or cues_of(words))
    lines = "".join(f"- We should check pump {number}.\n" for number in range(600))
    text = f"# Pumps\n\nThe tank ran dry because nobody had filled it.\n\n## Lessons learned\n\n{lines}"
    found = extract(text).lessons
    assert len(found) >= 600
    assert found[-1].context == "Pumps — Lessons learned — The tank ran dry because nobody had filled it."
    assert len(looked) < 1000
