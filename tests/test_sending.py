"""A folder sent to a memory elsewhere gives what an ingest gives there: the same documents, report and exit codes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from web_memory import TestMemory, empty_memory

from cli import main
from ingest import remote
from ingest.options import IngestOptions
from ingest.pipeline import ingest
from ingest.remote import Destination, RemoteMemory
from ingest.report import IngestReport
from ingest.scribe import Scribe
from ingest.sending import send
from retriever.errors import ServerRefused, SourceError, StoreError
from retriever.lesson import Filters
from retriever.web import create_app
from retriever.web.operations import MAX_BODY_BYTES

URL = "http://localhost:8080"
SECRET_LINE = "- Rotate the key: password = 'Tr0mb0ne-Lake7'\n"
Sent = Callable[..., IngestReport]


class Wire(httpx.BaseTransport):
    """The service, reached without a network; keeps what was asked, and can be told to fail."""

    def __init__(self, memory: TestMemory) -> None:
        self.inner = httpx.WSGITransport(create_app(memory, memory.settings, scribe=Scribe()))
        self.asked: list[httpx.Request] = []
        self.failures: list[httpx.Response | Exception] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        return self.inner.handle_request(request)

    def sent(self) -> list[str]:
        """The paths of the files that were sent."""
        return [item.url.params["path"] for item in self.asked if item.url.path.endswith("/documents")]


@pytest.fixture
def far(tmp_path: Path, models: Path) -> Iterator[TestMemory]:
    with empty_memory(tmp_path / "far", models, max_file_mb=0.1) as memory:
        yield memory


@pytest.fixture
def near(tmp_path: Path, models: Path) -> Iterator[TestMemory]:
    with empty_memory(tmp_path / "near", models, max_file_mb=0.1) as memory:
        yield memory


@pytest.fixture
def wire(far: TestMemory) -> Wire:
    return Wire(far)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the sender would have waited."""
    waited: list[float] = []
    monkeypatch.setattr(remote.time, "sleep", waited.append)
    return waited


@pytest.fixture
def sent(far: TestMemory, folder: Path, wire: Wire) -> Sent:
    token = far.record.tokens.add("runner", "contribute")

    def run(root: Path = folder, **options: Any) -> IngestReport:
        with RemoteMemory(URL, token, wire) as memory:
            return send(memory, root, IngestOptions(**{"source": "team", **options}))

    return run


@pytest.fixture
def filled(folder: Path, report: Callable[[str], str]) -> Path:
    """A folder with something of every kind."""
    (folder / "2024").mkdir()
    for number in range(5):
        (folder / "2024" / f"report-{number}.md").write_text(report(f"{number} {'x' * number}"))
    (folder / "secret.md").write_text(report("nine") + SECRET_LINE)
    (folder / "page.html").write_text("<h1>Outage</h1><h2>Lessons learned</h2><ul><li>Drain the tank first.</li></ul>")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    (folder / "empty.md").write_text("")
    (folder / "photo.png").write_bytes(b"\x89PNG\r\n")
    return folder


def held(memory: TestMemory) -> list[tuple[str, str, str]]:
    items = memory.browse_lessons(Filters(), limit=1000, after=None).items
    return sorted((document.path, lesson.kind or "", lesson.text) for lesson, document in items)


def comparable(report: IngestReport) -> dict[str, Any]:
    """A report without what differs by time and place."""
    value = report.as_json()
    return {name: value[name] for name in value if name not in ("took_s", "root", "source")}


def test_a_folder_sent_gives_the_memory_and_the_report_of_a_folder_read(
    filled: Path, sent: Sent, far: TestMemory, near: TestMemory
) -> None:
    there = sent(max_file_bytes=100_000)
    here = ingest(near, filled, IngestOptions(source="team", max_file_bytes=100_000))
    assert comparable(there) == comparable(here)
    assert held(far) == held(near)
    assert there.redacted == (("password", 1),)
    assert [path for path, _ in there.failed] == ["broken.pdf"]
    assert {path for path, _ in there.skipped} == {"empty.md", "photo.png"}
    assert "Tr0mb0ne" not in "".join(text for _, _, text in held(far))


def test_only_what_the_server_has_not_is_sent_again(filled: Path, sent: Sent, wire: Wire) -> None:
    sent()
    wire.asked.clear()
    again = sent()
    # A file that could not be read is tried again, as at an ingest.
    assert wire.sent() == ["broken.pdf"]
    assert (again.read, again.unchanged, len(again.failed)) == (0, 7, 1)
    (filled / "2024" / "report-3.md").write_text("# Changed\n\n## Lessons learned\n\n- Paint the gate.\n")
    wire.asked.clear()
    assert sent().outcome.documents_changed == 1
    assert wire.sent() == ["2024/report-3.md", "broken.pdf"]


def test_a_run_that_was_interrupted_goes_on_where_it_was(
    filled: Path, sent: Sent, wire: Wire, far: TestMemory, near: TestMemory
) -> None:
    with pytest.raises(KeyboardInterrupt):
        _send_until(sent, wire, files=3)
    assert len(wire.sent()) == 3
    wire.asked.clear()
    assert sent().unchanged == 2
    ingest(near, filled, IngestOptions(source="team"))
    assert held(far) == held(near)


def _send_until(sent: Sent, wire: Wire, files: int) -> None:
    # The listing comes first; then the file at which somebody presses Ctrl-C.
    handle = wire.inner.handle_request

    def press(request: httpx.Request) -> httpx.Response:
        if len(wire.sent()) >= files:
            raise KeyboardInterrupt
        return handle(request)

    wire.inner.handle_request = press
    try:
        sent()
    finally:
        wire.inner.handle_request = handle


def test_a_file_that_moved_keeps_its_document_and_lessons(filled: Path, sent: Sent, far: TestMemory) -> None:
    sent()
    before = {lesson.id for lesson, _ in far.browse_lessons(Filters(), limit=1000, after=None).items}
    old = far.document("2024/report-2.md").id
    (filled / "2024" / "report-2.md").rename(filled / "moved.md")
    report = sent()
    assert (report.moved, report.gone) == (1, ())
    assert far.document("moved.md").id == old
    assert {lesson.id for lesson, _ in far.browse_lessons(Filters(), limit=1000, after=None).items} == before


def test_a_move_that_is_only_claimed_takes_nothing_along(filled: Path, sent: Sent, far: TestMemory, wire: Wire) -> None:
    sent()
    token = far.record.tokens.add("liar", "contribute")
    with RemoteMemory(URL, token, wire) as memory:
        row = memory.send(remote.Destination("team"), "taken.md", b"# Other\n\nWords.\n", "2024/report-2.md")
    assert row["moved"] is False
    assert far.document("2024/report-2.md").title == "Outage 2 xx"


def test_files_that_are_gone_stay_until_pruned(filled: Path, sent: Sent, far: TestMemory) -> None:
    sent()
    (filled / "2024" / "report-1.md").unlink()
    report = sent()
    assert (report.gone, report.pruned, report.outcome.documents_gone) == (("2024/report-1.md",), False, 0)
    report = sent(prune=True)
    assert (report.gone, report.pruned, report.outcome.documents_gone) == (("2024/report-1.md",), True, 1)
    assert "2024/report-1.md" not in {path for path, _, _ in held(far)}
    assert sent(prune=True).gone == ()


def test_a_prune_that_looks_like_a_mistake_is_refused_before_anything_is_sent(
    filled: Path, sent: Sent, wire: Wire, tmp_path: Path
) -> None:
    sent()
    (tmp_path / "other").mkdir()
    wire.asked.clear()
    with pytest.raises(SourceError, match="--prune would remove all 7"):
        sent(tmp_path / "other", prune=True)
    assert wire.sent() == []


def test_the_server_keeps_a_report_of_the_whole_source(filled: Path, sent: Sent, far: TestMemory) -> None:
    sent()
    report = far.status()["sources"][0]["report"]
    assert report["files"]["unchanged"] == 7
    assert [item["path"] for item in report["failed"]] == ["broken.pdf"]


def test_a_file_larger_than_the_server_takes_is_named_and_the_others_go_on(filled: Path, sent: Sent) -> None:
    (filled / "large.md").write_text("# Large\n\n" + "word " * 40_000)
    report = sent()
    assert "too large" in dict((*report.failed, *report.skipped))["large.md"]
    assert report.read == 7


def test_roles_of_columns_are_sent_along(folder: Path, sent: Sent, far: TestMemory) -> None:
    from ingest.readers.columns import parse_columns

    (folder / "table.csv").write_text("Name,What we noted\nA,The pump must be primed before the gate is opened.\n")
    columns = parse_columns(["lesson=What we noted"])
    assert sent(columns=columns).lessons_found == 1
    assert sent(columns=columns).unchanged == 1


def test_a_busy_server_is_asked_again_and_its_word_for_when_is_kept(
    filled: Path, sent: Sent, wire: Wire, pauses: list[float]
) -> None:
    wire.failures = [
        httpx.ConnectError("refused"),
        httpx.Response(503, json={"detail": "opening"}),
        httpx.Response(429, headers={"Retry-After": "17"}, json={"detail": "too many"}),
    ]
    assert sent().read == 7
    assert pauses == [1.0, 2.0, 17.0]


def test_many_names_in_other_letters_go_in_bodies_that_a_server_takes(far: TestMemory, wire: Wire) -> None:
    gone = [f"{'разбор-полётов-' * 5}{number}.md" for number in range(1500)]
    with RemoteMemory(URL, far.record.tokens.add("ci", "contribute"), wire) as memory:
        assert len(list(memory.remove(Destination("team"), gone))) > 1
    assert max(len(item.content) for item in wire.asked) < MAX_BODY_BYTES


def test_a_server_that_is_gone_is_given_up_with_the_reason(
    filled: Path, sent: Sent, wire: Wire, pauses: list[float]
) -> None:
    wire.failures = [httpx.ConnectError("connection refused") for _ in range(9)]
    with pytest.raises(StoreError, match="could not be reached, after 6 tries: connection refused"):
        sent()


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (httpx.Response(302, headers={"Location": "https://elsewhere.test/"}), StoreError, "leads to 'https://else"),
        (httpx.Response(200, text="<html>"), StoreError, "is no Lessons server"),
        (httpx.Response(404, text="nothing"), ServerRefused, "HTTP 404 Not Found"),
        (httpx.Response(403, json={"detail": "Too small."}), ServerRefused, "Too small."),
    ],
)
def test_an_answer_that_is_none_is_said(
    filled: Path, sent: Sent, wire: Wire, answer: httpx.Response, error: type[Exception], said: str
) -> None:
    wire.failures = [answer]
    with pytest.raises(error, match=said):
        sent()


@pytest.mark.parametrize(("scope", "said"), [("read", "a token of scope contribute"), (None, "not known here")])
def test_a_token_that_may_not_is_refused_before_anything_is_sent(
    filled: Path, far: TestMemory, wire: Wire, scope: str | None, said: str
) -> None:
    token = far.record.tokens.add("other", scope) if scope else "lessons_wrong"
    with RemoteMemory(URL, token, wire) as memory, pytest.raises(ServerRefused, match=said):
        send(memory, filled, IngestOptions(source="team"))
    assert wire.sent() == []


@pytest.mark.parametrize(("source", "said"), [(None, "Give the files a --source"), ("shared", "kept for what people")])
def test_a_source_that_cannot_be_sent_to_is_refused(sent: Sent, filled: Path, source: str | None, said: str) -> None:
    with pytest.raises((SourceError, ServerRefused), match=said):
        sent(source=source)


@pytest.mark.parametrize("url", ["lessons.example", "ftp://lessons.example", "https://", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SourceError, match="is no address of a server"):
        RemoteMemory(url, "token")


def test_the_command_says_what_it_needs(folder: Path, tmp_path: Path, pauses: list[float]) -> None:
    def run(*arguments: str, **environment: str) -> Any:
        return CliRunner().invoke(main, ["ingest", *arguments], env={"LESSONS_TOKEN": None, **environment})

    there = ("--server", "http://127.0.0.1:9", "--source", "a")
    assert "needs a token of scope contribute" in run(str(folder), *there).output
    assert run(str(folder), *there).exit_code == 1
    assert "give one PATH" in run(str(folder), str(folder), *there, LESSONS_TOKEN="t").output
    assert "leave out one of the two" in run(str(folder), *there, "--dry-run", LESSONS_TOKEN="t").output
    assert "cannot be read" in run(str(folder), *there, "--token-file", str(tmp_path / "none")).output
    far = run(str(folder), "--server", "http://lessons.invalid", "--source", "", LESSONS_TOKEN="t")
    assert "is not https" in far.stderr


def test_sending_loads_no_model_and_no_index() -> None:
    program = "import sys, ingest.sending, ingest.ingest_commands; print(sorted({'torch','chromadb','onnxruntime',"
    program += "'sentence_transformers','markdown_it','flask'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
