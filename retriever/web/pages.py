"""Every page at its address. Each works without script; what it does stands in the module named after what one does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import Blueprint

from retriever.config import Settings
from retriever.questions import Questions
from retriever.sharing import Sharing
from retriever.web.asking_pages import AskingPages
from retriever.web.browsing_pages import BrowsingPages
from retriever.web.correcting_pages import CorrectingPages
from retriever.web.gaps_pages import GapsPages
from retriever.web.operations import Operation
from retriever.web.reading_pages import ReadingPages
from retriever.web.sharing_pages import SharingPages
from retriever.web.uploading_pages import UploadingPages

if TYPE_CHECKING:
    from retriever.memory import Memory


def pages_blueprint(
    memory: Memory,
    settings: Settings,
    table: Sequence[Operation],
    sharing: Sharing | None = None,
    questions: Questions | None = None,
) -> Blueprint:
    """The pages over one memory; those that write are there when `sharing` and `questions` are."""
    blueprint = Blueprint("pages", __name__)
    asking = AskingPages(memory, settings, questions)
    browsing = BrowsingPages(memory, table)
    reading = ReadingPages(memory, settings)
    for address, view_function in (
        ("/", asking.start),
        ("/ask", asking.ask),
        ("/near", asking.near),
        ("/lessons", browsing.lessons),
        ("/lessons/<id>/markdown", reading.lesson_markdown),
        ("/documents", browsing.documents),
        ("/documents/<id>", reading.document),
        ("/documents/<id>/text", reading.document_text),
        ("/api", browsing.api),
    ):
        blueprint.add_url_rule(address, view_function.__name__, view_function)
    if sharing:
        _add_writing(blueprint, SharingPages(memory, sharing), UploadingPages(settings, sharing))
        _add_correcting(blueprint, CorrectingPages(memory))
    if questions:
        gaps = GapsPages(questions)
        blueprint.add_url_rule("/gaps", "gaps", gaps.gaps)
        blueprint.add_url_rule("/gaps/<id>/dismiss", "dismiss_gap", gaps.dismiss_gap, methods=["POST"])
    return blueprint


def _add_writing(blueprint: Blueprint, sharing: SharingPages, uploading: UploadingPages) -> None:
    # This comes before the check of the form's token, which reads the whole form.
    blueprint.url_value_preprocessor(lambda endpoint, values: uploading.let_files_in())
    for method, address, view_function in (
        ("GET", "/share", sharing.share),
        ("POST", "/share", sharing.tell),
        ("GET", "/share/alike", sharing.alike),
        ("GET", "/share/files", uploading.files),
        ("POST", "/share/files", uploading.send_files),
        ("GET", "/lessons/<id>/edit", sharing.edit),
        ("POST", "/lessons/<id>/edit", sharing.reword),
        ("POST", "/lessons/<id>/withdraw", sharing.withdraw),
    ):
        blueprint.add_url_rule(address, view_function.__name__, view_function, methods=[method])


def _add_correcting(blueprint: Blueprint, correcting: CorrectingPages) -> None:
    for method, address, view_function in (
        ("GET", "/lessons/<id>", correcting.lesson),
        ("POST", "/lessons/<id>/say", correcting.say),
        ("POST", "/lessons/<id>/correct", correcting.correct),
        ("POST", "/documents/<id>/mend", correcting.mend),
    ):
        blueprint.add_url_rule(address, view_function.__name__, view_function, methods=[method])
