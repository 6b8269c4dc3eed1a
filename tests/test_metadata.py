"""Title, date, severity and the rest: where each comes from, which source wins, and when to warn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dates import day_comes_first, find_dates, first_date, parse_date, yearless_date
from ingest.language import language_of
from ingest.metadata import resolve
from ingest.readers import Reading, read
from ingest.titles import clean_title, is_placeholder, title_from_name, title_from_url, without_own_number
from retriever.lesson import Metadata


def about(text: str, path: str = "reports/tray.md", part: str | None = None) -> Metadata:
    (reading,) = read(text.encode(), path)
    return resolve(path, Reading(reading.text, part, reading.fields))[0]


def warned(text: str, path: str) -> tuple[str, ...]:
    return resolve(path, read(text.encode(), path)[0])[1]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-03-02", "2024-03-02"),
        ("2024/3/2", "2024-03-02"),
        ("20240302-full-tray", "2024-03-02"),
        ("2024-03-02T10:00:00Z", "2024-03-02"),
        ("13/02/2024", "2024-02-13"),
        ("02/13/2024", "2024-02-13"),
        ("03/04/2024", "2024-04-03"),
        ("2.3.2024", "2024-03-02"),
        ("2nd March 2024", "2024-03-02"),
        ("March 2nd, 2024", "2024-03-02"),
        ("Sat, 02 Mar 2024 10:00", "2024-03-02"),
        ("02/Mar/24 9:10 AM", "2024-03-02"),
        ("30-Mar-23", "2023-03-30"),
        ("the 2nd of March 2024", "2024-03-02"),
        ("2024 March 2", "2024-03-02"),
        ("in March 2024", "2024-03"),
        ("2024-03", "2024-03"),
        ("2024-02-30", None),
        ("version 1.2.3 of 10.20.30.40", None),
        ("ticket 2024", None),
        ("20241399", None),
        ("5/6 of 2024 trays", None),
    ],
)
def test_dates_are_read_as_people_write_them(text: str, iso: str | None) -> None:
    assert first_date(text) == iso


def test_an_ambiguous_date_goes_by_the_evidence() -> None:
    assert day_comes_first(["03/04/2024", "13/04/2024"]) is True
    assert day_comes_first(["03/04/2024", "04/13/2024"]) is False
    assert day_comes_first(["03/04/2024"]) is None
    assert first_date("03/04/2024", day_first=False) == "2024-03-04"


def test_a_year_alone_is_a_date_only_as_a_whole_value() -> None:
    assert parse_date("2019") == "2019"
    assert parse_date("about 2019 trays") is None
    assert yearless_date("Sep 6 at 05:25", "2022") == "2022-09-06"
    assert yearless_date("soon", "2022") is None


def test_one_place_is_one_date() -> None:
    assert [(found.iso, found.start) for found in find_dates("2024-03-02 and 2 March 2024 to 5 March 2024")] == [
        ("2024-03-02", 0),
        ("2024-03-02", 15),
        ("2024-03-05", 31),
    ]


@pytest.mark.parametrize(
    ("path", "text", "date", "origin"),
    [
        (
            "2024-03-02-tray.md",
            "---\nstart_time: 2024-03-01T22:00:00Z\n---\n# T\n",
            "2024-03-01",
            "fields: when it happened",
        ),
        ("2024-03-02-tray.md", "---\ndate: 2024-03-01\n---\n# T\n", "2024-03-01", "fields: date"),
        ("2024-03-02-tray.md", "# 2024-02-01, Tray\n", "2024-03-02", "file name"),
        ("2024-03-02-tray.md", "---\npublished: 2024-05-05\n---\n# T\n", "2024-03-02", "file name"),
        ("tray.md", "# Tray\n\nDate: 02/03/2024\n", "2024-03-02", "labelled line"),
        ("tray.md", "# Tray\n\n- **First detected**: 2024-03-02 10:00\n", "2024-03-02", "labelled line"),
        ("tray.md", "# Tray\n\n| Date of incident | 2 March 2024 |\n", "2024-03-02", "labelled line"),
        ("tray.md", "# Tray of 2 March 2024\n\nIt was full.\n", "2024-03-02", "heading"),
        (
            "tray.md",
            "# Tray\n\n## Timeline\n\n- 2024-03-02 10:00 full\n- 2024-03-02 11:00 empty\n",
            "2024-03-02",
            "timeline",
        ),
        (
            "tray.md",
            "# Tray\n\n## IMPACT TIME\n\nMar 2 at 10:00\n\n## Timeline\n\nnoon\n\nin 2024-03\n",
            "2024-03-02",
            "labelled line",
        ),
        ("tray.md", "---\npublished: 2024-05-05\n---\n# T\n", "2024-05-05", "fields: published"),
        ("tray.md", "At 15:05 UTC on March 2, 2024, the tray ran full.\n", "2024-03-02", "first sentence"),
        (
            "tray.md",
            "# Tray\n\nThe shop opened in 1990. Much later, on 2 March 2024, it closed again for good.\n",
            None,
            None,
        ),
        ("tray.md", "# How to fill a tray\n\nBuy paper.\n", None, None),
    ],
)
def test_the_date_is_when_it_happened(path: str, text: str, date: str | None, origin: str | None) -> None:
    metadata = about(text, path)
    assert metadata.date == date
    assert dict(metadata.origins).get("date") == origin


def test_a_lone_early_entry_of_a_timeline_is_prehistory() -> None:
    entries = "- 2024-02-20 new tray bought\n" + "- 2024-03-02 full\n" * 6
    assert about(f"# Tray\n\n## Timeline\n\n{entries}").date == "2024-03-02"


def test_sources_that_disagree_about_the_date_are_named() -> None:
    text = "# 2024-03-01, Tray\n\n## Timeline\n\n- 2024-03-02 full\n"
    assert warned(text, "2024-03-02-tray.md") == (
        "Sources disagree about the date: 2024-03-02 (file name) was taken, not 2024-03-01 (heading).",
    )
    assert warned("# Tray of March 2024\n", "2024-03-02-tray.md") == ()


def test_a_row_has_the_date_of_its_cells_and_not_of_its_file() -> None:
    row = Reading("# Tray\n\n**Date**: 03/04/2024\n", "K-7", (("title", "Tray"), ("date", "2024-03-04")))
    metadata, warnings = resolve("2020-01-01-export.csv", row)
    assert metadata.date == "2024-03-04"
    assert warnings == ()


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("2024-03-02, Full tray", "Full tray"),
        ("2024-03-02 - Full tray", "Full tray"),
        ("Incident on 2024-03-02 09:33 - Full tray", "Full tray"),
        ("Incident report March 2 2024 - Full tray", "Full tray"),
        ("Incident date: 2024-03-02, full tray", "full tray"),
        ("Post-mortem: Full tray", "Full tray"),
        ("Postmortem Report - Full tray - PagerDuty", "Full tray"),
        ("Full tray 2024-03-02 23:01 - 2024-03-03 02:40 UTC", "Full tray"),
        ("Full tray (2024-03-02)", "Full tray"),
        ("Incident on 2024-03-02 10:58", "Incident on 2024-03-02"),
        ("Outage on March 2, 2024", "Outage on March 2, 2024"),
        ("The **full** `tray_2` of [the hall](https://example.org)", "The full tray_2 of the hall"),
        ('2024-03-02, "no paper left"', '"no paper left"'),
        ("15 seconds of darkness", "15 seconds of darkness"),
        ("2024-03-02", "2024-03-02"),
    ],
)
def test_a_title_loses_its_date_and_boilerplate_but_never_everything(heading: str, title: str) -> None:
    assert clean_title(heading) == title


@pytest.mark.parametrize(
    "text",
    [
        "Incident Title",
        "Title",
        "YYYY-MM-DD, summary",
        "[brief description]",
        "{{ title }}",
        "<title of incident>",
    ],
)
def test_template_headings_are_no_titles(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("2024-03-02-full-tray.html.md.erb", "full tray"),
        ("PM2024-003 - Full tray in v1.2", "Full tray in v1.2"),
        ("PMyyyy-nnn - Postmortem template.md", "Postmortem template"),
        ("012-One-tray.md", "One tray"),
        ("snake_case_name.txt", "snake case name"),
        ("5b73c1c1-8ec4-4901-91f3-0d993f582dd4.md", None),
        ("2024-03-02.md", None),
        ("index.md", None),
    ],
)
def test_a_file_name_is_a_title_when_it_says_something(name: str, title: str | None) -> None:
    assert title_from_name(name) == title


def test_a_url_is_a_title_when_it_says_something() -> None:
    assert title_from_url("https://example.org/entries/98911057--Full-tray-again.html") == "Full tray again"
    assert title_from_url("https://example.org/2024/03/") is None


def test_a_number_that_the_file_carries_too_is_no_part_of_the_title() -> None:
    assert without_own_number("28 Watching trays", "028-Watching-trays.md") == "Watching trays"
    assert without_own_number("28 trays fell", "trays.md") == "28 trays fell"


@pytest.mark.parametrize(
    ("text", "title", "origin"),
    [
        ("---\ntitle: Full tray\n---\nIt was full.\n", "Full tray", "fields"),
        ("---\ntitle: Full tray\n---\n# A lamp went dark\n", "Full tray", "front matter"),
        ("---\ntitle: Full tray\n---\n# The full tray of the hall\n", "The full tray of the hall", "heading"),
        ("# Title\n\nx\n", "tray", "file name"),
        ("## Full tray\n\n## More\n", "Full tray", "heading"),
        ("```\n# comment\n```\n", "tray", "file name"),
        ("Full tray\n=========\n\nx\n", "Full tray", "heading"),
        ("- one\n---\n", "tray", "file name"),
    ],
)
def test_the_title_is_what_the_document_calls_itself(text: str, title: str, origin: str) -> None:
    metadata = about(text)
    assert metadata.title == title
    assert dict(metadata.origins)["title"] == origin


def test_a_document_whose_name_says_nothing_is_called_by_its_url_or_first_sentence() -> None:
    name = "5b73c1c1-8ec4-4901-91f3-0d993f582dd4.md"
    assert about("---\nurl: https://example.org/full-tray-again\n---\ntext\n", name).title == "Full tray again"
    assert about("The tray was full. Nobody looked.\n", name).title == "The tray was full."


def test_a_row_without_a_title_has_none() -> None:
    assert resolve("log.csv", Reading("## Narrative\n\nIt was full.\n", "row 2"))[0].title is None


def test_an_incident_in_a_log_is_called_by_its_own_heading() -> None:
    reading = Reading(
        "### Incident on 2024-03-02 - Full tray\n\nx\n",
        "Incident on 2024-03-02 - Full tray",
        (("line", "9"),),
    )
    metadata, _ = resolve("log.md", reading)
    assert (metadata.title, metadata.date) == ("Full tray", "2024-03-02")


def test_facts_come_from_fields_and_from_labelled_lines() -> None:
    text = (
        "---\ntags: [print, tray]\ncategories: hall; print\n"
        "author: Ada and @bob, Cy <cy@example.org>\nurl: https://example.org/t\n---\n"
        "# Tray\n\n- **Severity**: SEV-2\n- **Team:** Print\n* Affected services: Press\n\nThe tray was full.\n"
    )
    metadata = about(text)
    assert metadata.severity == "SEV-2"
    assert metadata.team == "Print"
    assert metadata.service == "Press"
    assert metadata.tags == ("print", "tray", "hall")
    assert metadata.authors == ("Ada", "bob", "Cy")
    assert metadata.url == "https://example.org/t"
    assert ("severity", "labelled line") in metadata.origins
    assert ("tags", "fields") in metadata.origins


@pytest.mark.parametrize("value", ["N/A", "TBD", "none", "-", "[sev1|sev2]", "<severity>", "{{ severity }}"])
def test_a_value_nobody_filled_in_is_none(value: str) -> None:
    assert about(f"# Tray\n\nSeverity: {value}\n").severity is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (
            "The tray was full and nobody had looked at it for a "
            "week, but we should have been told that it was not empty.",
            "en",
        ),
        (
            "Der Drucker war voll und niemand hatte es bemerkt, weil die "
            "Anzeige nicht mit dem Zähler verbunden war und auch wir nicht.",
            "de",
        ),
        (
            "Le bac était plein et personne ne l'avait vu pour une "
            "semaine, car les alertes ne sont pas dans le plan des équipes.",
            "fr",
        ),
        (
            "La bandeja estaba llena y nadie lo había visto por una "
            "semana, porque las alertas no llegan para el equipo del turno.",
            "es",
        ),
        ("Лоток был полон, и никто этого не заметил.", "ru"),
        ("トレイが一杯になり、誰も気づかなかった。", "ja"),
        ("打印机纸盒满了,一周内没有人发现。", "zh"),
        ("Tray.", None),
        ("```\nthe and was were that this with for from which not are our have\n```", None),
    ],
)
def test_the_language_is_told_by_its_common_words(text: str, language: str | None) -> None:
    assert language_of(text) == language


def test_a_declared_language_counts_where_the_text_is_too_short() -> None:
    assert about("---\nlang: de-AT\n---\nVoll.\n").language == "de"


@given(text=st.text(max_size=300), path=st.text(min_size=1, max_size=40), part=st.none() | st.text(max_size=10))
def test_any_text_and_name_give_metadata(text: str, path: str, part: str | None) -> None:
    metadata, warnings = resolve(
        path, Reading(text, part, (("date", text), ("tags", text), ("author", text), ("url", text)))
    )
    assert metadata.date is None or len(metadata.date) in (4, 7, 10)
    assert all(warning.endswith(".") for warning in warnings)
    assert (
        metadata
        == resolve(path, Reading(text, part, (("date", text), ("tags", text), ("author", text), ("url", text))))[0]
    )
