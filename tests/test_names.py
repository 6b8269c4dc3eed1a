from __future__ import annotations

import pytest

from ingest.names import NO_NAMES, Names, names_of, without_names
from ingest.pipeline import IngestOptions, ingest
from ingest.readers import Reading, read
from ingest.redact import redact
from retriever.config import load_settings
from retriever.errors import SettingError
from retriever.lesson import Filters

FOUND = Names(are_redacted=True)


def text_of(text: str, names: Names = FOUND) -> str:
    return without_names(read(text.encode(), "a.md")[0], names)[0].text


@pytest.mark.parametrize(
    "text",
    [
        "---\nauthor: Ada Nightjar\n---\n# Outage\n\nAda Nightjar restarted it.\n",
        "---\nauthors: [Ada Nightjar, Bo O'Brook-Lee]\n---\n# Outage\n\nThen Bo O'Brook-Lee and Ada Nightjar slept.\n",
        "# Outage\n\nAsk Ada Nightjar <ada@firm.test> for more. Ada Nightjar knows.\n",
        "# Outage\n\nAsk [Ada Nightjar](mailto:ada@firm.test).\n",
        "# Outage\n\n**Reported by:** Ada Nightjar and J. R. Müller\n\nJ. R. Müller looked.\n",
        "# Outage\n\n| Incident commander | Ada Nightjar |\n|---|---|\n| Scribe | J. R. Müller (night shift) |\n",
        "# Outage\n\nAttendees: Ada Nightjar; Bo O'Brook-Lee, J. R. Müller\n",
    ],
)
def test_a_name_goes_wherever_the_document_gives_it_as_one(text: str) -> None:
    gone = text_of(text)
    assert "[redacted:name]" in gone
    assert not [name for name in ("Nightjar", "Brook", "Müller") if name in gone]
    assert gone.count("\n") == text.count("\n")
    assert redact(gone).text.count("[redacted:name]") == gone.count("[redacted:name]")


@pytest.mark.parametrize(
    "text",
    [
        "# Outage of Blue Harbour\n\nThe Red Valve was stuck, and Ada Nightjar was called.\n",
        "---\nauthor: Platform Team\n---\n# Outage\n\nThe Platform Team met.\n",
        "# Outage\n\nOwner: Site Reliability\n\nAuthor: unknown\n\nReported by: monitoring\n",
        "# Outage\n\nOn-call: rotation of Data Services\n",
    ],
)
def test_what_only_looks_like_a_name_stays(text: str) -> None:
    assert text_of(text) == text


def test_names_of_a_list_go_wherever_they_stand_and_only_whole(tmp_path) -> None:
    (tmp_path / "names.txt").write_text("# colleagues\nAda Nightjar\nZoë\n\n")
    settings = load_settings({"redact_names": True, "names_file": str(tmp_path / "names.txt")}, {})
    names = names_of(settings)
    assert (
        text_of("Zoë called Ada Nightjar, not Zoëlla.\n", names)
        == "[redacted:name] called [redacted:name], not Zoëlla.\n"
    )
    assert str(names) != str(FOUND)


def test_names_stay_unless_it_is_wished(tmp_path) -> None:
    assert names_of(load_settings({}, {})) is NO_NAMES
    reading = Reading("Ada Nightjar <ada@firm.test>")
    assert without_names(reading, NO_NAMES) == (reading, 0)
    with pytest.raises(SettingError, match="list of names .* cannot be read"):
        names_of(load_settings({"redact_names": True, "names_file": str(tmp_path / "none")}, {}))


def test_fields_lose_their_names_and_the_report_counts_them(memory, folder) -> None:
    text = "---\nauthor: Ada Nightjar\nteam: Harbour\n---\n# Outage\n\n## Lessons learned\n\n"
    (folder / "a.md").write_text(text + "- We should always call Ada Nightjar before the gate is opened.\n")
    report = ingest(memory, folder, IngestOptions(source="a"))
    assert memory.document("a.md").meta.authors == ("Ada Nightjar",)
    assert report.redacted == ()
    report = ingest(memory, folder, IngestOptions(source="a", names=FOUND))
    document = memory.document("a.md")
    assert (report.read, document.meta.authors, document.meta.team) == (1, (), "Harbour")
    assert dict(report.redacted)["name"] >= 2
    assert "Nightjar" not in document.text
    assert "Nightjar" not in memory.browse_lessons(Filters(), limit=5, after=None).items[0][0].text
    assert ingest(memory, folder, IngestOptions(source="a", names=FOUND)).unchanged == 1


def test_a_hostile_text_takes_linear_time() -> None:
    for piece in ("Aa Bb ", "Aa.", "Author: A B, ", "A B <", "[A B](", "A-" * 3, "Owner| "):
        without_names(Reading(piece * 10_000), FOUND)
