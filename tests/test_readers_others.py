"""reStructuredText, notebooks, mail, AsciiDoc and Org."""

from __future__ import annotations

import json
from email.message import EmailMessage

import pytest

from ingest.readers import Reading, read
from retriever.errors import SourceError


def one(data: bytes | str, name: str) -> Reading:
    (reading,) = read(data.encode() if isinstance(data, str) else data, name)
    return reading


RST = """.. post:: 2024-03-02
   :tags: print, tray
   :author: ada

Full tray
=========

The *tray* was **full**, see `the page <https://example.org/a>`__ and :ref:`watching <watch>`
in ``snake_case``.

What we learned
---------------

- Look at the counter
- Order a bigger tray

  1. soon

.. note::

   Keep it short.

.. sidecar:: Owner
   :colour: red

   Ada does it.

.. include:: /etc/passwd

.. raw:: html

   <b>raw</b>

.. code-block:: python

   print("x")

+-------+-------+
| Step  | Owner |
+=======+=======+
| Alert | Ada   |
+-------+-------+
"""


def test_restructured_text_becomes_markdown() -> None:
    reading = one(RST, "post.rst")
    text = reading.text
    assert text.startswith(
        "# Full tray\n\nThe *tray* was **full**, see [the page](https://example.org/a) and `watching`\n"
        "in `snake_case`.\n"
    )
    assert "## What we learned\n\n- Look at the counter\n- Order a bigger tray\n" in text
    assert "Keep it short." in text
    assert 'print("x")' in text
    assert "| Step | Owner |\n| --- | --- |\n| Alert | Ada |" in text
    assert reading.field("date") == "2024-03-02"
    assert reading.field("tags") == "print, tray"


def test_directives_of_other_tools_keep_their_words_and_files_stay_outside() -> None:
    text = one(RST, "post.rst").text
    assert "**sidecar: Owner**" in text
    assert "Ada does it." in text
    assert "root:" not in text
    assert "<b>raw" not in text


def test_broken_restructured_text_is_still_read() -> None:
    assert "Watch **the tray" in one("Title\n==\n\nWatch **the tray\n\n.. image::\n\n`x`_ |y|\n", "a.rst").text


def notebook(*cells: dict[str, object]) -> str:
    return json.dumps(
        {"nbformat": 4, "metadata": {"kernelspec": {"language": "python"}, "title": "Trays"}, "cells": cells}
    )


def test_a_notebook_keeps_prose_code_and_what_it_printed() -> None:
    reading = one(
        notebook(
            {"cell_type": "markdown", "source": ["# Full tray\n", "\n", "We looked."]},
            {
                "cell_type": "code",
                "source": "1 + 1",
                "outputs": [{"output_type": "execute_result", "data": {"text/plain": ["2"]}}],
            },
            {
                "cell_type": "code",
                "source": "x",
                "outputs": [{"output_type": "error", "ename": "NameError", "evalue": "x"}],
            },
            {"cell_type": "code", "source": "", "outputs": []},
        ),
        "a.ipynb",
    )
    assert reading.text == (
        "# Full tray\n\nWe looked.\n\n```python\n1 + 1\n```\n\n```text\n"
        "2\n```\n\n```python\nx\n```\n\n```text\nNameError: x\n```\n"
    )
    assert reading.field("title") == "Trays"


@pytest.mark.parametrize("text", ['{"cells": 1}', "[]", '{"nbformat": 4', "[" * 100_000])
def test_what_is_no_notebook_says_so(text: str) -> None:
    with pytest.raises(SourceError, match=r"'a.ipynb' is (not a notebook|nested too deeply)"):
        read(text.encode(), "a.ipynb")


def mail(body: str, subject: str = "Re: Full tray", html: str | None = None, attachment: bool = False) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["Date"] = (
        subject,
        "Ada <ada@example.org>",
        "Sat, 02 Mar 2024 10:00:00 +0000",
    )
    message["Message-ID"] = f"<{subject}@example.org>"
    message.set_content(body)
    if html:
        message.set_content(html, subtype="html")
    if attachment:
        message.add_attachment(b"x", maintype="application", subtype="pdf", filename="tray.pdf")
    return message.as_bytes()


def test_a_message_becomes_a_document_with_its_headers() -> None:
    reading = one(mail("We were late.\n\n> why?\n\nNobody looked.\n-- \nAda\nPrint\n", attachment=True), "a.eml")
    assert reading.text == (
        "# Re: Full tray\n\n**From**: Ada <ada@example.org>  \n**Date**: Sat, 02 Mar 2024 10:00:00 +0000\n\n"
        "We were late.\n\n> why?\n\nNobody looked.\n\n---\n\nAda\nPrint\n"
    )
    assert reading.field("title") == "Full tray"
    assert reading.part is None
    assert reading.warnings == ("1 attachment(s) were not read: tray.pdf.",)


def test_a_message_in_html_alone_becomes_markdown() -> None:
    assert "We were **late**." in one(mail("", html="<p>We were <b>late</b>.</p>"), "a.eml").text


def test_a_mailbox_is_a_document_a_message() -> None:
    box = b"".join(
        b"From ada@example.org Sat Mar  2 10:00:00 2024\n" + mail("Text", f"Tray-{n}") + b"\n" for n in (1, 2, 3)
    )
    assert [reading.part for reading in read(box, "a.mbox")] == [f"Tray-{n}@example.org" for n in (1, 2, 3)]


def test_a_malformed_message_keeps_its_words() -> None:
    assert (
        "tray"
        in one(
            b"Subject: =?utf-8?b?!!!\nContent-Type: text/plain; charset=no-such\n\nThe tray was full.\n",
            "a.eml",
        ).text
    )


ADOC = """= Full tray
Ada Example <ada@example.org>
:revdate: 2024-03-02
:keywords: print, tray

== What we learned

* Look at the *counter*
** every day
. Order a bigger tray, see https://example.org/a[the list]

NOTE: Keep it short.

[source,python]
----
* not a list
----

|===
|Step |Owner

|Alert |Ada
|===

////
hidden
////
Cause:: nobody looked
"""


def test_asciidoc_becomes_markdown() -> None:
    reading = one(ADOC, "a.adoc")
    assert reading.text == (
        "# Full tray\nAda Example <ada@example.org>\n\n"
        "## What we learned\n\n- Look at the **counter**\n  - every day\n"
        "1. Order a bigger tray, see [the list](https://example.org/a)\n\n"
        "**NOTE:** Keep it short.\n\n```python\n* not a list\n```\n\n\n"
        "| Step | Owner |\n| --- | --- |\n| Alert | Ada |\n\n**Cause**: nobody looked\n"
    )
    assert reading.field("revdate") == "2024-03-02"
    assert reading.field("author") == "Ada Example <ada@example.org>"


def test_an_open_comment_or_drawer_swallows_nothing() -> None:
    assert "The end." in one("= T\n\n////\nThe end.\n", "a.adoc").text
    assert "The end." in one("* T\n:NOTES:\nThe end.\n", "a.org").text


ORG = """#+TITLE: Full tray
#+FILETAGS: :print:tray:
# a comment

* What we learned :ops:
:PROPERTIES:
:SEVERITY: high
:END:
Look at the *counter*, see [[https://example.org/a][the list]] in =df -h=.
** TODO Order a bigger tray
- Owner :: Ada
#+BEGIN_SRC sh
* not a heading
#+END_SRC
#+begin_quote
We knew.
#+end_quote
| a | b |
|---+---|
"""


def test_org_becomes_markdown() -> None:
    reading = one(ORG, "a.org")
    assert reading.text == (
        "# Full tray\n\n\n## What we learned\n"
        "Look at the **counter**, see [the list](https://example.org/a) in `df -h`.\n"
        "### TODO Order a bigger tray\n- **Owner**: Ada\n```sh\n"
        "* not a heading\n```\n> We knew.\n\n| a | b |\n|---|---|\n"
    )
    assert reading.field("severity") == "high"
    assert [value for key, value in reading.fields if key == "tags"] == ["print, tray", "ops"]
