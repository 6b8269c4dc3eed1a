"""Web pages and wiki exports."""

from __future__ import annotations

import pytest

from ingest.readers import Reading, read
from ingest.readers.html import markdown_from


def one(markup: str | bytes, name: str = "page.html") -> Reading:
    (reading,) = read(markup.encode() if isinstance(markup, str) else markup, name)
    return reading


PAGE = """<!doctype html><html lang="en"><head><title>Print : Full tray</title>
<meta name="author" content="Ada"><meta property="article:published_time" content="2024-03-02T10:00:00Z">
<link rel="canonical" href="https://example.org/tray"><style>p {color: red}</style></head><body>
<nav>Home | Reports</nav><div id="breadcrumb-section">Spaces</div>
<header><h1>Full tray</h1></header>
<p>The tray was <b>full</b> for <code>snake_case</code> reasons: 2 &lt; 3 and &lt;none&gt;.</p>
<h2>Lessons</h2><ul><li>Watch the tray<ul><li>daily</li></ul></li><li>Buy a bigger one</li></ul>
<ol start="3"><li>Third</li></ol>
<script>alert(1)</script><footer>(c) Example</footer></body></html>"""


def test_a_page_becomes_markdown_without_the_site_around_it() -> None:
    assert one(PAGE).text == (
        "# Full tray\n\nThe tray was **full** for `snake_case` reasons: 2 < 3 and \\<none>.\n\n## Lessons\n\n"
        "- Watch the tray\n  - daily\n- Buy a bigger one\n\n3. Third\n"
    )


def test_a_pages_own_facts_become_fields() -> None:
    reading = one(PAGE)
    assert reading.field("title") == "Print : Full tray"
    assert reading.field("author") == "Ada"
    assert reading.field("article:published_time") == "2024-03-02T10:00:00Z"
    assert reading.field("url") == "https://example.org/tray"
    assert reading.field("lang") == "en"


def test_tables_stay_tables_with_lists_and_pipes_in_their_cells() -> None:
    table = (
        "<table><tr><td>Action</td><td>Owner</td></tr><tr><td><p>Add "
        "an alert</p><p>Test it</p><ul><li>daily</li></ul></td>"
        "<td>A | B</td></tr><tr><td colspan=2>Both</td></tr></table>"
    )
    assert markdown_from(table) == (
        "| Action | Owner |\n| --- | --- |\n| Add an alert · Test it • daily | A \\| B |\n| Both | |\n"
    )


def test_code_blocks_keep_their_lines_and_language() -> None:
    assert (
        markdown_from('<pre class="language-sh"><code>a &lt;b&gt;\n  c_d</code></pre>') == "```sh\na <b>\n  c_d\n```\n"
    )


def test_definitions_images_and_breaks_survive() -> None:
    assert markdown_from("<dl><dt>Cause</dt><dd>No paper</dd></dl>") == "**Cause**\n\nNo paper\n"
    assert markdown_from('<p>See <img alt="the graph" src="data:image/png;base64,AAAA"></p>') == "See the graph\n"
    assert markdown_from('<p><img alt="g" src="a.png"></p>') == "![g](a.png)\n"


def test_the_declared_encoding_counts_where_it_is_not_utf8() -> None:
    page = '<html><head><meta charset="iso-8859-2"></head><body><p>Zażółć gęślą jaźń</p></body></html>'
    assert one(page.encode("iso-8859-2")).text == "Zażółć gęślą jaźń\n"
    assert one(page.encode("utf-8")).text == "Zażółć gęślą jaźń\n"


def test_a_page_nested_without_end_keeps_its_words() -> None:
    reading = one("<div>" * 20_000 + "The tray was full." + "</div>" * 20_000)
    assert "The tray was full." in reading.text


def test_markup_that_never_closes_is_read() -> None:
    assert "full" in one("<table><tr><td>full<ul><li>x").text


@pytest.mark.parametrize("text", ["notes.html", "https://example.com/a", "docs/a.txt"])
def test_a_page_that_is_only_the_name_of_a_file_is_text(text):
    (reading,) = read(text.encode(), "page.html")
    assert reading.text.strip() == text
