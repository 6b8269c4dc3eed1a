from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.syntax import blocks, plain, sentences

MARKS = st.sampled_from(
    [
        "- ",
        "* ",
        "1. ",
        "> ",
        "# ",
        "## ",
        "| a | b |\n|---|---|\n",
        "```\n",
        "    ",
        "\t",
        "\n",
        "\n\n",
        "[x] ",
        "**",
        "`",
        "[a](b)",
        "<!-- ",
        "-->",
        "---\n",
        "===\n",
        "\r\n",
        "\r",
        "\0",
        "word ",
        "End. Next ",
        "\u00e9\u3002 ",
        "\u2022 ",
        "\\|",
        "<div>\n",
    ]
)
MESSY = st.lists(MARKS | st.text(max_size=6), max_size=40).map("".join)


def contents(text: str, *kinds: str) -> list[str]:
    return [text[block.start : block.end] for block in blocks(text) if not kinds or block.kind in kinds]


def spans(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text, 0, len(text))]


def test_blocks_carry_the_titles_above_them() -> None:
    text = "# Cold store\n\n## What *failed*\n\nThe fan.\n\n# Yard\n\nThe gate.\n"
    assert [(text[b.start : b.end], b.path) for b in blocks(text) if b.kind == "paragraph"] == [
        ("The fan.", ("Cold store", "What failed")),
        ("The gate.", ("Yard",)),
    ]


def test_an_item_starts_behind_its_marker_and_checkbox() -> None:
    text = "- [ ] Oil the hinge\n- [x] Paint the door\n- Lock it\n"
    items = blocks(text)
    assert [text[b.start : b.end] for b in items] == ["Oil the hinge", "Paint the door", "Lock it"]
    assert [b.checked for b in items] == [False, True, None]


def test_nested_items_know_the_item_they_hang_under() -> None:
    text = "1. Pump\n   - Valve\n     stuck\n\n   Later on.\n2. Tank\n"
    found = blocks(text)
    assert [text[b.start : b.end] for b in found] == ["Pump", "Valve\n     stuck", "Later on.", "Tank"]
    assert [(b.kind, b.depth, b.parent) for b in found] == [
        ("item", 1, None),
        ("item", 2, 0),
        ("paragraph", 1, 0),
        ("item", 1, None),
    ]


def test_a_lazy_line_belongs_to_its_item_and_to_its_quote() -> None:
    assert contents("- one\ntwo\n") == ["one\ntwo"]
    text = "> said\nand more\n"
    assert contents(text) == ["said\nand more"]
    assert blocks(text)[0].quotes == 1


def test_cells_carry_their_column_and_row() -> None:
    text = "| Lesson | Owner |\n| --- | --- |\n| Keep a spare | Ann |\n| a \\| b | `x` |\n"
    cells = [b for b in blocks(text) if b.kind == "cell"]
    assert [(text[b.start : b.end], b.column, b.row) for b in cells] == [
        ("Keep a spare", "Lesson", 1),
        ("Ann", "Owner", 1),
        ("a \\| b", "Lesson", 2),
        ("`x`", "Owner", 2),
    ]
    assert contents(text, "header") == ["Lesson", "Owner"]


def test_code_html_rules_and_front_matter_are_blocks_of_their_own() -> None:
    text = "---\ntitle: Barn\n---\n\n```sh\nls\n```\n\n    indented\n\n<!-- hidden -->\n\n***\n"
    assert [b.kind for b in blocks(text)] == ["front_matter", "code", "code", "html", "rule"]


def test_windows_line_ends_and_nul_keep_every_offset() -> None:
    text = "# Roof\r\n\r\nTiles\r\nslid.\r\n\r\n- a\0b\r\n"
    assert contents(text) == ["Roof", "Tiles\r\nslid.", "a\0b"]


def test_a_underlined_heading_has_its_level() -> None:
    assert [(b.kind, b.level) for b in blocks("Roof\n====\n\nTiles\n-----\n")] == [("heading", 1), ("heading", 2)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It broke. We mended it.", ["It broke.", "We mended it."]),
        ("Use e.g. Brass, i.e. Not iron. Done!", ["Use e.g. Brass, i.e. Not iron.", "Done!"]),
        (
            "Version 1.2.3 of http://a.example/b.c?d is bad. Go on.",
            ["Version 1.2.3 of http://a.example/b.c?d is bad.", "Go on."],
        ),
        ("Run `x. Y` first. Then rest.", ["Run `x. Y` first.", "Then rest."]),
        ("It took 3.5 h. Too long.", ["It took 3.5 h. Too long."]),
        ("Why? Because. (It leaked.) Yes.", ["Why?", "Because.", "(It leaked.)", "Yes."]),
        ("First line.\n\nSecond", ["First line.", "Second"]),
        ("It stopped. ci.example.org was down.", ["It stopped.", "ci.example.org was down."]),
        ("\u58ca\u308c\u305f\u3002\u76f4\u3057\u305f\u3002", ["\u58ca\u308c\u305f\u3002", "\u76f4\u3057\u305f\u3002"]),
        ("approx. ten, and so on. J. Doe left.", ["approx. ten, and so on.", "J. Doe left."]),
        ("one  \nTwo", ["one", "Two"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert spans(text) == expected


def test_sentences_stay_in_the_range_they_are_given() -> None:
    text = "Zero. One. Two. Three."
    assert [text[a:b] for a, b in sentences(text, 6, 15)] == ["One.", "Two."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("## The *big* **red** button ##", "The big red button"),
        ("- [x] see [the log](http://a.example/b_(c)) and [more][1]", "see the log and more"),
        ("![a chart](x.png) `snake_case*` my_name 2 * 3", "a chart snake_case* my_name 2 * 3"),
        ("> quoted\n> twice", "quoted twice"),
        ("| a | b |\n|---|---|\n| c | d |", "a b c d"),
        ("seen <!-- not seen --> &amp; <b>bold</b> \\*star\\*", "seen & bold *star*"),
        ("```py\ncode\n```\n[1]: http://a.example", "code"),
        ("<https://a.example/x>", "https://a.example/x"),
    ],
)
def test_plain_gives_the_words_a_reader_sees(text: str, expected: str) -> None:
    assert plain(text) == expected


@given(MESSY)
@settings(max_examples=150, deadline=None)
def test_blocks_never_raise_and_lie_in_the_text(text: str) -> None:
    found = blocks(text)
    assert found == blocks(text)
    assert all(0 <= block.start <= block.end <= len(text) for block in found)
    assert all(block.parent is None or block.parent < index for index, block in enumerate(found))


@given(MESSY)
@settings(max_examples=150, deadline=None)
def test_sentences_are_trimmed_ordered_and_lose_no_word(text: str) -> None:
    found = sentences(text, 0, len(text))
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in found)
    assert [span for span in found] == sorted(found)
    assert "".join("".join(text[start:end].split()) for start, end in found) == "".join(text.split())


@given(MESSY)
@settings(max_examples=100, deadline=None)
def test_plain_never_raises_and_stays_on_one_line(text: str) -> None:
    assert plain(text) == " ".join(plain(text).split())


@pytest.mark.parametrize(
    "text",
    [
        ">" * 20_000,
        "- " * 10_000,
        "[" * 20_000,
        "`" * 20_000,
        "*a" * 10_000,
        "<!--" * 5_000,
        "[a](" * 5_000,
        "." * 20_000,
        " " * 20_000,
        "\n" * 20_000,
        "a" + "  " * 10_000 + "b",
        "|-" * 10_000,
        "> b\n" * 5_000,
        "[a]: \n" * 5_000,
    ],
)
def test_pathological_text_takes_no_more_than_a_moment(text: str) -> None:
    began = time.perf_counter()
    blocks(text)
    plain(text)
    sentences(text, 0, len(text))
    assert time.perf_counter() - began < 2
