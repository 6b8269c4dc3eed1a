"""Titles: what is left when date, boilerplate and markup are taken off a heading, a URL or a file name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from ingest.facts import Facts
from ingest.readers.formats import FILE_TYPES, extension_of

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKUP = re.compile(r"(?:\*\*|__|~~)|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
_TAG = re.compile(r"</?[A-Za-z][^>]*>")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = (
    rf"(?:\d{{4}}[-/._]\d\d?[-/._]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{{4}}"
    rf"|{_MONTH}\s+\d\d?(?:st|nd|rd|th)?,?\s+\d{{4}}|\d\d?(?:st|nd|rd|th)?\s+{_MONTH}\s+\d{{4}})"
)
_CLOCK = r"(?:[ T]*\d\d?[:.]\d\d(?:[:.]\d\d)?\s*(?:UTC|GMT|BST|[AP]M)?)?"
_KIND = r"(?:incident(?: report| date)?|outage report|post-?mortem(?: report)?|retrospective|rca|report)"
_LEAD = re.compile(
    rf"^(?:{_KIND}\s*(?:on|of|for|from)?\s*[:–—-]?\s*)?{_DATE}{_CLOCK}\s*(?:[,:–—|-]+\s*|\s+)(?=\S)",
    re.IGNORECASE,
)
_KIND_LEAD = re.compile(rf"^{_KIND}\s*[:–—-]+\s+(?=\S)", re.IGNORECASE)
_LEAD_CLOCK = re.compile(rf"^({_KIND} on {_DATE}){_CLOCK}$", re.IGNORECASE)
_MOMENT = rf"{_DATE}{_CLOCK}"
_TAIL = re.compile(
    rf"(?:\s*[,:–—|(-]+|(?<!\b(?:on|of|in|at|to|by))\s)\s*{_MOMENT}"
    rf"(?:\s*(?:[–—-]|to|until)\s*{_MOMENT})?\)?$",
    re.IGNORECASE,
)
_SLUG_NUMBER = re.compile(r"^\d{5,}[-_]+")
_SITE_TAIL = re.compile(r"\s+[-|–—]\s+(?:pagerduty|hackmd|confluence|google docs|notion)$", re.IGNORECASE)
_NUMBER_LEAD = re.compile(
    r"^(?:PM|INC|ADR|RFC|SEV|#)?[-_ ]?(?:\d{1,6}(?:-\d{1,4})?|[yY]{4}-[nN]{3})[-_.) ]\s*[–—:-]*\s*(?=[^\W\d])"
)
_UUID = re.compile(r"^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$|^[0-9a-f]{16,}$", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"^(?:(?:incident|post-?mortem|document|page|report) )?(?:title|name)(?: here)?$"
    r"|y{4}-(?:m{2}|n{2,3})|d{2}/m{2}|\{\{.*\}\}|^[<\[{].*[>\]}]$"
    r"|\[brief[^\]]*\]|<(?:title|name|date)[^>]*>|^untitled|^microsoft word - ",
    re.IGNORECASE,
)
_LONGEST = 200
# A field may hold a megabyte; no title does, and patterns over brackets are not linear.
_READ_CHARS = 1000
_LONGEST_SENTENCE = 90


def title_of(facts: Facts) -> tuple[str | None, str]:
    """A document's title and its origin: what it calls itself, else its file name, URL or first sentence.

    A row or message without a title has none: its part says more than its file's name.
    """
    for text, origin in _stated(facts):
        title = without_own_number(clean_title(text), facts.name) if text and not is_placeholder(text) else ""
        if title:
            return title, origin
    if facts.reading.part:
        return None, ""
    from_name = title_from_name(facts.name)
    if from_name:
        return from_name, "file name"
    from_url = title_from_url(facts.reading.field("url", "link", "canonical", "og:url") or "")
    if from_url:
        return from_url, "url"
    sentence = title_from_prose(facts.first_prose)
    if sentence:
        return sentence, "first sentence"
    return facts.name, "file name"


def title_from_prose(text: str) -> str:
    """The first sentence of `text`, shortened if it is long; "" when nothing is said."""
    return _shortened(re.split(r"(?<=[.!?])\s", clean_title(text))[0])


def _stated(facts: Facts) -> Iterator[tuple[str | None, str]]:
    """What the document calls itself, best first.

    Front matter is written by hand and beats a heading that says something else; of two that say the same,
    the heading is fuller. What Word, PDF and web pages carry as their title is left over, or the site's.
    """
    first = next((text for level, text in facts.headings if level == 1), None)
    if facts.is_incident:
        first = facts.headings[0][1]
    written = facts.reading.field("title", "headline")
    if written and facts.has_front_matter and not _say_the_same(written, first or written):
        yield written, "front matter"
    yield first, "heading"
    yield written or facts.reading.field("og:title", "name", "subject"), "fields"
    if facts.headings and facts.headings[0][0] == 2 and not facts.reading.part:
        yield facts.headings[0][1], "heading"


def _say_the_same(one: str, other: str) -> bool:
    first, second = set(re.findall(r"\w+", one.lower())), set(re.findall(r"\w+", other.lower()))
    return first <= second or second <= first


def _shortened(sentence: str) -> str:
    if len(sentence) <= _LONGEST_SENTENCE:
        return sentence
    return sentence[:_LONGEST_SENTENCE].rsplit(" ", 1)[0] + " …"


def clean_title(text: str) -> str:
    """A heading's text without markup, date and words such as "Incident report:"; "" when nothing is left."""
    title = _LINK.sub(r"\1", text[:_READ_CHARS])
    title = _TAG.sub("", title).replace("`", "").replace("\\", "")
    title = " ".join(_MARKUP.sub("", title).split())
    title = _SITE_TAIL.sub("", title)
    bare = _LEAD_CLOCK.sub(r"\1", title)
    for pattern in (_LEAD, _KIND_LEAD, _LEAD):
        bare = pattern.sub("", bare)
    bare = (_TAIL.sub("", bare) or bare).strip(" :,–—|-")
    if title.startswith('"') and not bare.startswith('"'):
        bare = f'"{bare}'
    return (bare or title)[:_LONGEST]


def without_own_number(title: str, name: str) -> str:
    """`title` without a number that its file has too: "28 Scanning" in `028-scanning.md` is "Scanning"."""
    number = re.match(r"(\d{1,5})[.):]?\s+(?=[^\W\d])", title)
    own = re.match(r"0*(\d{1,5})\D", name)
    return title[number.end() :] if number and own and number[1].lstrip("0") == own[1] else title


def is_placeholder(text: str) -> bool:
    """Whether a heading is a template's, waiting to be filled in."""
    return bool(_PLACEHOLDER.search(text.strip()))


def title_from_name(name: str) -> str | None:
    """A file's name made readable; None for a name that says nothing, such as a UUID, a date or `index`."""
    extension = extension_of(name, FILE_TYPES)
    stem = name[: -len(extension)] if extension else name
    if _UUID.match(stem) or stem.lower() in ("index", "readme", "report", "postmortem"):
        return None
    words = re.sub(rf"^{_DATE}", "", stem)
    words = _NUMBER_LEAD.sub("", words.strip(" -_"))
    if " " not in words:
        words = re.sub(r"[-_]+", " ", words)
    words = " ".join(words.split()).strip(" -_")
    return words if re.search(r"[^\W\d_]{2}", words) else None


def title_from_url(url: str) -> str | None:
    """The last telling part of a URL's path in words, its first letter raised."""
    parts = [unquote(part) for part in urlsplit(url).path.split("/") if part]
    for part in reversed(parts):
        slug = _SLUG_NUMBER.sub("", part)
        slug = re.sub(r"\.(?:html?|php|aspx?|md|pdf)$", "", slug, flags=re.IGNORECASE)
        words = " ".join(re.split(r"[-_+\s]+", slug)).strip()
        if len(re.findall(r"[^\W\d_]{2,}", words)) >= 2 and not _UUID.match(slug):
            return words[:1].upper() + words[1:_LONGEST]
    return None
