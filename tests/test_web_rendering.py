from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retriever.web.inline_html import is_safe_address
from retriever.web.marks import Anchor, Mark, Marker
from retriever.web.plain import plain_html
from retriever.web.rendering import MAX_MARKDOWN_CHARS, parse_excerpt, render_document, render_excerpt

DOCUMENT = """\
---
title: Certificate ran out
tags: [tls]
---
# Certificate *ran* out

> The **proxy [kept](https://example.com/a "b") the old** `certificate
> chain` &amp; nobody \\*noticed\\*
> for a day.

- [ ] Alert on expiry
  thirty days before.

| cause | minutes |
|---|--:|
| renewal \\| restart | 90 | one cell too many |

    indented code

```sh
openssl x509 -enddate
```

[14:32]: restarted

![the graph](https://example.com/graph.png) and <kbd>more</kbd> for <service-name>.
"""


def visible(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def marked(markup: str, classes: str = "m") -> str:
    return "".join(visible(part) for part in re.findall(rf'<mark class="{classes}"[^>]*>(.*?)</mark>', markup, re.S))


def mark_words(first: str, last: str) -> str:
    start, end = DOCUMENT.index(first), DOCUMENT.index(last) + len(last)
    return marked(render_document(DOCUMENT, [Mark(start, end, "m")]).body)


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        ("ran*", "out\n\n", "ran out"),
        ("proxy", "old", "proxy kept the old"),
        ("certificate\n", "day", "certificate chain & nobody *noticed*\nfor a day"),
        ("Alert", "before", "Alert on expiry\nthirty days before"),
        ("renewal", "too many", "renewal | restart90one cell too many"),
        ("indented", "code", "indented code"),
        ("x509", "-enddate", "x509 -enddate"),
        ("graph]", "more", "graph and more"),
        ("<service", "name>", "<service-name>"),
    ],
)
def test_a_mark_covers_the_words_of_its_span_through_any_markup(first: str, last: str, shown: str) -> None:
    assert mark_words(first, last).strip() == shown


def test_a_marks_id_is_given_once_though_markup_divides_it() -> None:
    start = DOCUMENT.index("proxy")
    body = render_document(DOCUMENT, [Mark(start, start + 60, "m", "lesson-1")]).body
    assert body.count('id="lesson-1"') == 1
    assert body.count("<mark") > 3


def test_overlapping_marks_keep_both_classes() -> None:
    body = render_document("one two three", [Mark(0, 7, "a"), Mark(4, 13, "b")]).body
    assert body == ('<p><mark class="a">one </mark><mark class="a b">two</mark><mark class="b"> three</mark></p>\n')


def test_front_matter_is_shown_as_written_and_apart() -> None:
    rendered = render_document(DOCUMENT, [Mark(4, 9, "m")])
    assert visible(rendered.front_matter) == DOCUMENT[: DOCUMENT.index("# Cert")]
    assert marked(rendered.front_matter) == "title"
    assert "title:" not in rendered.body
    assert rendered.heading == "Certificate ran out"


@pytest.mark.parametrize("text", ["---\nprose, not data\n---\n", "--- no fence\n", "----\na: 1\n---\n"])
def test_a_rule_at_the_top_is_no_front_matter(text: str) -> None:
    assert render_document(text).front_matter == ""


def test_every_anchor_stands_once_at_the_first_visible_character_behind_its_offset() -> None:
    starts = [0, DOCUMENT.index("> The"), DOCUMENT.index("| cause"), len(DOCUMENT) + 5]
    rendered = render_document(DOCUMENT, anchors=[Anchor(start, f"p{n}") for n, start in enumerate(starts, 1)])
    assert '<span class="anchor" id="p1"></span>---' in rendered.front_matter
    assert '<span class="anchor" id="p2"></span>The ' in rendered.body
    assert '<th><span class="anchor" id="p3"></span>cause</th>' in rendered.body
    assert rendered.body.endswith('<span class="anchor" id="p4"></span>')


def test_lines_that_only_look_like_link_definitions_stay_in_the_text() -> None:
    assert "[14:32]: restarted" in render_document(DOCUMENT).body


def test_a_text_beyond_the_limit_is_shown_as_it_is() -> None:
    text = "*word* " * (MAX_MARKDOWN_CHARS // 7 + 1)
    rendered = render_document(text, [Mark(7, 13, "m")])
    assert marked(rendered.body) == "*word*"
    assert visible(rendered.body) == text


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:msgbox)",
    "![x](https://evil.example/pixel.gif)",
    "<iframe src=//evil.example></iframe>",
    "<svg/onload=alert(1)>",
    '<b onmouseover="alert(1)">x</b>',
    '<a href="https://x.example" onclick=alert(1) style="position:fixed">x</a>',
    "<style>*{display:none}</style>",
    "<form action=//evil.example><input name=token></form>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "</article></main><h1>outside</h1>",
    "<!-- <script>alert(1)</script> -->",
    "`<script>alert(1)</script>`",
    '<details open ontoggle="alert(1)">x',
    '[x](<https://x.example/"onmouseover=alert(1)//>)',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_document_can_run_load_or_leave_its_place(text: str) -> None:
    for body in (render_document(text).body, render_document("para " + text).body, render_excerpt(text)):
        tags = re.findall(r"<(/?)([a-z0-9]+)([^>]*)>", body)
        assert {name for _, name, _ in tags} <= {
            "p", "a", "b", "br", "h1", "span", "code", "details", "ul", "li", "pre",
        }  # fmt: skip
        for _, _, attributes in tags:
            assert re.fullmatch(r'( (href="https://[^"]*"|rel="[^"]*"|class="[a-z-]*"|open=""))*', attributes)
        opened = sorted(name for close, name, _ in tags if not close and name != "br")
        assert opened == sorted(name for close, name, _ in tags if close)


def test_links_out_carry_rel_and_relative_ones_are_words() -> None:
    body = render_document("[out](https://a.example) [in](../b.md) [mail](mailto:a@b.example)").body
    assert '<a href="https://a.example" rel="noopener nofollow noreferrer">out</a>' in body
    assert '<span class="no-link">in</span>' in body
    assert 'href="mailto:a@b.example"' in body


@pytest.mark.parametrize(
    ("address", "is_safe"),
    [("https://a", True), ("HTTP://a", True), ("mailto:a@b", True), (None, False), ("", False)]
    + [(address, False) for address in ("javascript:x", " javascript:x", "//a", "/a", "data:x", "file:///etc")],
)
def test_only_addresses_of_pages_and_mail_become_links(address: str | None, is_safe: bool) -> None:
    assert is_safe_address(address) is is_safe


def test_an_excerpt_shows_headings_as_bold_words() -> None:
    assert render_excerpt("## Causes\n\n- none") == "<p><b>Causes</b></p>\n<ul>\n<li>none</li>\n</ul>\n"


markdown = st.lists(
    st.sampled_from(
        [*"*_`#>|~[]()<>!\\&;:-+ \n\t", "\n\n", "\r\n", "- ", "1. ", "    ", "```\n", "|---|\n", "](http://x)"]
        + ["&amp;", "word", "ünï", "日本", "🙂", "<b>", "</b>", "<!--", "-->", "---\n", "a: b\n", "[x]: http://y\n"]
        + ["\u2028", "\x00"]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(markdown, st.data())
def test_marks_never_change_the_text_and_only_cover_what_they_span(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    rendered = render_document(text, [Mark(start, end, "m")], [Anchor(start, "p1")])
    plain = render_document(text)
    assert visible(rendered.front_matter) == visible(plain.front_matter)
    assert visible(rendered.body) == visible(plain.body)
    both = rendered.front_matter + rendered.body
    assert both.count('id="p1"') == 1
    covered = re.sub(r"[\W_]", "", marked(both))
    spanned = iter(re.sub(r"[\W_]", "", text[start:end]))
    assert all(character in spanned for character in covered)


lines = st.text(
    st.sampled_from("aé Z19.:,;!?=-+#>*_`~\\[](){}<&|\"'/\t\r\v\f\0\x1c\x85\u00a0\u2028\u200b"), max_size=12
)
plain_texts = st.lists(st.tuples(st.sampled_from(["", "- ", "- - ", "1. ", "  ", "-"]), lines), min_size=1, max_size=5)


@settings(max_examples=1000)
@given(plain_texts.map(lambda parts: "\n".join(map("".join, parts))), st.data())
def test_text_without_markup_is_shown_as_the_parser_would_have_it(text: str, data: st.DataObject) -> None:
    places = st.integers(0, len(text))
    spans = data.draw(st.lists(st.tuples(places, places, st.sampled_from(["m", "n", ""])), max_size=3))
    marks = [Mark(start, end, classes) for start, end, classes in spans]
    shown = plain_html(text, Marker(marks))
    assert shown is None or shown == parse_excerpt(text, marks)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Say \"why\" > 'what'!", '<p>Say "why" &gt; <mark class="m">\'what</mark>\'!</p>\n'),
        ("- Label it.  \n- Heat it.", '<ul>\n<li>Label it.</li>\n<li>H<mark class="m">eat i</mark>t.</li>\n</ul>\n'),
    ],
)
def test_a_sentence_and_a_list_of_sentences_need_no_parser(text: str, shown: str) -> None:
    marks = [Mark(len(text) - 7, len(text) - 2, "m")]
    assert plain_html(text, Marker(marks)) == parse_excerpt(text, marks) == shown


@pytest.mark.parametrize(
    "text", ["a *b*", "<b>a", "a & b", "[x] a", "1. a", "# a", "> a", "- - a", "- a\nb", " a", "a\n", ""]
)
def test_anything_that_may_be_markup_is_left_to_the_parser(text: str) -> None:
    assert plain_html(text, Marker()) is None
