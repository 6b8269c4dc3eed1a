"""Markdown and its dialects, front matter, and files that tell many incidents."""

from __future__ import annotations

import time

import pytest

from ingest.readers import Reading, read
from ingest.readers.frontmatter import end_of_front_matter, front_matter


def one(text: str, name: str = "report.md") -> Reading:
    (reading,) = read(text.encode(), name)
    return reading


def test_front_matter_stays_in_the_text_and_becomes_fields() -> None:
    text = "---\ntitle: Full queue\ndate: 2024-03-02\ntags: [mail, queue]\nowner:\n  name: Ada\n---\n\n# Full queue\n"
    reading = one(text)
    assert reading.text == text
    assert reading.fields == (
        ("title", "Full queue"),
        ("date", "2024-03-02"),
        ("tags", "mail, queue"),
        ("owner.name", "Ada"),
    )


def test_values_are_what_was_written_and_never_guessed() -> None:
    fields, warnings = front_matter("---\nversion: 1.10\nanswer: no\ndate: 2024-13-99\nDuty: on\n---\n")
    assert fields == (("version", "1.10"), ("answer", "no"), ("date", "2024-13-99"), ("duty", "on"))
    assert warnings == ()


def test_toml_front_matter_is_read_too() -> None:
    fields, _ = front_matter('+++\ntitle = "Full queue"\ndate = 2024-03-02\ntags = ["a", "b"]\n+++\ntext\n')
    assert fields == (("title", "Full queue"), ("date", "2024-03-02"), ("tags", "a, b"))


def test_broken_front_matter_gives_its_plain_lines_and_a_warning() -> None:
    fields, warnings = front_matter("---\ntitle: Mail: the queue: full\nseverity: high\nlist: [a\n---\n")
    assert ("severity", "high") in fields
    assert ("title", "Mail: the queue: full") in fields
    assert warnings == ("The front matter is not valid YAML; its plain lines were used.",)


def test_a_thematic_break_is_no_front_matter() -> None:
    assert front_matter("text\n\n---\n\nmore\n") == ((), ())
    assert front_matter("---\n\nJust a rule above.\n") == ((), ())
    assert end_of_front_matter("---\na: b\n---\nbody") == len("---\na: b\n---")


@pytest.mark.parametrize(
    "block",
    [
        "a: &a [x, x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)),
        "a: " + "[" * 30_000,
        "a: " + "{b: " * 10_000,
        "!!python/object/apply:os.system ['true']",
    ],
)
def test_hostile_front_matter_costs_nothing(block: str) -> None:
    started = time.monotonic()
    reading = one(f"---\n{block}\n---\ntext\n")
    assert reading.text.endswith("text\n")
    assert len(str(reading.fields)) < 100_000
    assert time.monotonic() - started < 2


def test_template_tags_go_and_lines_stay() -> None:
    text = "# Title\n<%= partial 'a' %>\nText <%= link\n  to %> more\n<% unclosed\n"
    reading = one(text, "report.html.md.erb")
    assert reading.text == "# Title\n\nText \n more\n<% unclosed\n"
    assert reading.text.count("\n") == text.count("\n")
    assert one("a <%= b %>\n", "plain.md").text == "a <%= b %>\n"


def test_mdx_loses_its_code_and_keeps_its_words_and_lines() -> None:
    text = (
        "import Tabs from '@theme/Tabs'\nexport const x = {\n  a: 1,\n"
        '}\n\n# Title\n\n<Tabs value="a">\n\nKeep <Mark>this</Mark>.\n\n'
        "</Tabs>\n{/* aside */}\n```js\nimport kept from 'kept'\n<Kept/>\n```\nexport of grain fell\n"
    )
    reading = one(text, "page.mdx")
    assert reading.text == (
        "\n\n\n\n\n# Title\n\n\n\nKeep this.\n\n\n\n```js\n"
        "import kept from 'kept'\n<Kept/>\n```\nexport of grain fell\n"
    )


def incident(title: str, level: str = "##") -> str:
    body = "The printers of the ground floor stopped. " * 3
    return f"{level} {title}\n\n**Impact**: {body}\n\n**Resolution**: a new tray\n\n"


LOG = "---\ntitle: Incident log\nteam: Print\n---\n# Incident log\n\nHow to use this log.\n\n## 2023\n\n"


def test_a_log_of_incidents_becomes_a_document_each() -> None:
    entries = [f"Incident on 2023-0{month}-07 - tray {month}" for month in (1, 2, 3)]
    text = (
        LOG
        + "".join(incident(title, "###") for title in entries)
        + "### Incident on YYYY-MM-DD - [title]\n\nTemplate\n"
    )
    *parts, rest = read(text.encode(), "log.md")
    assert [reading.part for reading in parts] == entries
    assert all(reading.text.startswith(f"### {reading.part}") for reading in parts)
    assert parts[0].fields == (("line", "11"), ("team", "Print"))
    assert rest.part is None
    assert rest.field("title") == "Incident log"
    assert "Template" in rest.text
    assert "How to use this log." in rest.text
    assert sum(len(reading.text) for reading in (*parts, rest)) == len(text)


def test_two_incidents_of_one_name_get_different_parts() -> None:
    text = "# Log\n\n" + incident("Outage of the tray") * 2 + incident("Outage of the lamp")
    assert [reading.part for reading in read(text.encode(), "log.md")] == [
        "Outage of the tray",
        "Outage of the tray (2)",
        "Outage of the lamp",
        None,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "# Outage\n\n## Summary\n\nx\n\n## Timeline\n\n"
        + "".join(
            f"### 2024-05-0{day}\n\nWe looked again and found nothing new in the logs that day. {'x' * 150}\n\n"
            for day in range(1, 6)
        ),
        "# Log\n\n" + incident("Outage of 2024-01-02") + incident("Outage of 2024-01-03"),
        "# Notes\n\n" + "".join(incident(name) for name in ("Trays", "Lamps", "Paper")),
        "# Log\n\n```\n" + "".join(incident(f"Incident {n}") for n in range(4)) + "```\n",
        "# Log\n\n" + "".join(f"## Incident {n}\n\nShort.\n\n" for n in range(9)),
    ],
    ids=["timeline", "two", "unnamed", "code", "short"],
)
def test_an_ordinary_report_stays_whole(text: str) -> None:
    assert one(text).text == text
