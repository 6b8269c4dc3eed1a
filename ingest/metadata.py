"""What a document is called, when it happened, how bad it was, and whose it is, from its name, fields and text.

Every value comes from the first source, in a documented order, that has one. `Metadata.origins` names the
source; a warning says where sources disagree about the date. `titles.py` and `occurrence.py` know the orders.
"""

from __future__ import annotations

import re

from ingest.facts import Facts, facts_of, label, labelled
from ingest.language import language_of
from ingest.occurrence import dates_of, disagreement
from ingest.readers.reading import Reading
from ingest.titles import title_of
from retriever.lesson import Metadata

# Raise it whenever a rule here or in the modules above changes: files are then read again.
METADATA_VERSION = 1

# Names of fields, best first, and how a labelled line near the top says the same.
_SEVERITY = (
    ("severity", "sev", "incident severity", "priority", "impact level", "severity level"),
    label(r"(?:incident )?(?:severity|sev|priority)(?: level)?", longest=40),
)
_TEAM = (
    (
        "team",
        "squad",
        "owning team",
        "owner team",
        "group",
        "department",
        "company",
        "organisation",
        "organization",
    ),
    label(r"(?:owning |responsible )?(?:team|squad)"),
)
_SERVICE = (
    ("service", "services", "component", "components", "product", "system", "affected", "affected services")
    + ("affected systems",),
    label(r"(?:affected |impacted )?(?:services?|systems?|components?)(?: affected| impacted)?"),
)
_AUTHORS = (
    (
        "authors",
        "author",
        "creator",
        "dc.creator",
        "reported by",
        "reporter",
        "from",
        "authors.name",
        "author.name",
    )
    + ("by",),
    label(r"authors?|written by|reported by|incident commander|owner of review process"),
)
_URL = (("url", "link", "canonical", "canonical_url", "permalink", "source_url", "og:url"), None)
_TAGS = ("tags", "tag", "keywords", "keyword", "labels", "label", "categories", "category")
_LANGUAGE = ("lang", "language", "content-language", "dc.language")
_MAX_TAGS = 40
_TAGS_CHARS = 4000


def resolve(relative_path: str, reading: Reading) -> tuple[Metadata, tuple[str, ...]]:
    """What is known about a document, and warnings about sources that disagree; pure and total."""
    facts = facts_of(relative_path, reading)
    dates = dates_of(facts)
    title, title_origin = title_of(facts)
    date, date_origin = dates[0] if dates else (None, "")
    severity, severity_origin = labelled(facts, *_SEVERITY)
    team, team_origin = labelled(facts, *_TEAM)
    service, service_origin = labelled(facts, *_SERVICE)
    url, url_origin = labelled(facts, *_URL)
    language, language_origin = _language(facts)
    authors, authors_origin = _authors(facts)
    tags = _tags(reading)
    origins = (
        ("title", title_origin), ("date", date_origin), ("severity", severity_origin), ("team", team_origin),
        ("service", service_origin), ("language", language_origin), ("url", url_origin),
        ("authors", authors_origin), ("tags", "fields" if tags else ""),
    )  # fmt: skip
    metadata = Metadata(
        title=title,
        date=date,
        severity=severity,
        team=team,
        service=service,
        language=language,
        url=url,
        authors=authors,
        tags=tags,
        origins=tuple((key, origin) for key, origin in origins if origin),
    )
    return metadata, disagreement(dates)


def _authors(facts: Facts) -> tuple[tuple[str, ...], str]:
    value, origin = labelled(facts, *_AUTHORS)
    if not value:
        return (), ""
    names = re.split(r"\s*(?:[,;&]|\band\b)\s*", re.sub(r"\s*<[^<>]*>", "", value))
    stripped = (name.strip(" @\"'") for name in names)
    return tuple(dict.fromkeys(name for name in stripped if name)), origin


def _tags(reading: Reading) -> tuple[str, ...]:
    values = [value for key, value in reading.fields if key in _TAGS]
    tags = (tag.strip().strip("#\"'") for value in values for tag in re.split(r"[,;]", value[:_TAGS_CHARS]))
    return tuple(dict.fromkeys(tag for tag in tags if tag))[:_MAX_TAGS]


def _language(facts: Facts) -> tuple[str | None, str]:
    found = language_of(facts.body)
    if found:
        return found, "text"
    code = re.match(r"[A-Za-z]{2}(?![A-Za-z])", facts.reading.field(*_LANGUAGE) or "")
    return (code[0].lower(), "fields") if code else (None, "")
