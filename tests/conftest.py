"""Fixtures: the packaged model, real memories in temporary folders, the example memory, a client, a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from web_browser import chromium
from web_memory import TestMemory, make_memory
from word_embedder import WordEmbedder

from cli import main
from ingest.pipeline import IngestOptions, ingest
from ingest.report import IngestReport
from ingest.scribe import Scribe
from retriever.config import Settings, load_settings
from retriever.correcting import Correcting
from retriever.embedder import Embedder, open_embedder
from retriever.memory import Memory
from retriever.questions import Questions
from retriever.record.sense_rows import add_contexts
from retriever.senses import summed
from retriever.share import Share
from retriever.sharing import Sharing
from retriever.web import create_app
from tests.five_reports import LESSONS

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of exported models: the user's own, so that one export serves every run."""
    return load_settings({}).models


@pytest.fixture(scope="session")
def embedder(models: Path) -> Embedder:
    """The packaged model, exported at most once."""
    return open_embedder("", models)


@pytest.fixture(scope="session")
def static_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model of a few kilobytes, made here: a word-level tokenizer and a table of vectors."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = ["[UNK]", "pump", "gate", "ticket", "failed", "the"]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    module = StaticEmbedding(tokenizer, embedding_weights=np.eye(len(words), 8, dtype=np.float32) + 0.01)
    path = tmp_path_factory.mktemp("model") / "static"
    SentenceTransformer(modules=[module], device="cpu").save(str(path))
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def open_memory(home: Path, models: Path) -> Iterator[Callable[..., Memory]]:
    """Opens the memory in `home` with the word embedder, as often as a test likes; all are closed at its end."""
    opened: list[Memory] = []

    def open_it(folder: Path = home) -> Memory:
        memory = Memory.open(Settings(home=folder, models=models), create=True)
        # The embedder is a cached property: this is the seam where another one is put in.
        memory.__dict__["embedder"] = WordEmbedder()
        memory.__dict__["fingerprint"] = WordEmbedder.fingerprint
        opened.append(memory)
        return memory

    yield open_it
    for memory in opened:
        memory.close()


@pytest.fixture
def memory(open_memory: Callable[..., Memory]) -> Memory:
    """An empty memory with the word embedder."""
    return open_memory()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder of documents."""
    path = tmp_path / "documents"
    path.mkdir()
    return path


@pytest.fixture
def read(memory: Memory, folder: Path) -> Callable[..., IngestReport]:
    """Ingests `folder` into `memory`."""

    def run(**options: Any) -> IngestReport:
        return ingest(memory, folder, IngestOptions(**options))

    return run


@pytest.fixture
def report() -> Callable[[str], str]:
    """Writes a short report about pump, gate and tank `n`."""

    def write(n: str) -> str:
        lessons = f"- Check pump {n} before gate {n} is opened.\n- We should label tank {n}.\n"
        return f"# Outage {n}\n\n## Lessons learned\n\n{lessons}"

    return write


@pytest.fixture
def filled(folder: Path, read: Callable[..., IngestReport], memory: Memory, report: Callable[[str], str]) -> Memory:
    """A memory of twelve short reports, no two of the same length."""
    for number in range(12):
        (folder / f"report-{number}.md").write_text(report(f"{number} {'x' * number}"))
    read()
    return memory


@pytest.fixture
def five_reports(folder: Path, read: Callable[..., IngestReport], memory: Memory) -> Memory:
    """A memory of five reports with a lesson each."""
    for name, lesson in LESSONS.items():
        (folder / f"{name}.md").write_text(
            f"# The {name}\n\nIt was a {name} day.\n\n## Lessons learned\n\n- {lesson}\n"
        )
    read()
    return memory


@pytest.fixture
def words_embed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every memory is opened with the word embedder, also those that the code under test opens."""
    real = Memory.open.__func__

    def opened(cls: type[Memory], settings: Settings, *, create: bool = False) -> Memory:
        memory: Memory = real(cls, settings, create=create)
        memory.__dict__.update(embedder=WordEmbedder(), fingerprint=WordEmbedder.fingerprint)
        return memory

    monkeypatch.setattr(Memory, "open", classmethod(opened))


@pytest.fixture
def lived_in(filled: Memory, folder: Path, read: Callable[..., Any], report: Callable[[str], str]) -> Memory:
    """A memory in which every table that an export holds has rows."""
    (folder / "report-1.md").write_text("# Other\n\n## Lessons learned\n\n- Paint the third buoy in a bright red.\n")
    (folder / "tagged.md").write_text("---\ntags: [pumps, gates]\n---\n" + report("tagged"))
    read(url_template="https://git.example/{path}#L{line}")
    filled.forget(filled.document("report-2.md").id)
    filled.record.tokens.add("bot", "read")
    told = Share.of({"learned": "Hang the spare oar where a wet hand finds it.", "next": "Buy a second oar."})
    shared = Sharing(filled, Scribe()).share(told, key="once")
    Correcting(filled).say(shared.lesson.id, "helped", "token:bot")
    Questions(filled, str).note(filled.ask("a question nobody can answer"))
    Correcting(filled).mend(filled.document("report-1.md").id, {"severity": "SEV1"})
    with filled.record._database.write() as connection:
        # The word embedder shows no tokens.
        add_contexts(connection, filled.fingerprint, summed(np.asarray([7]), np.ones((1, filled.embedder.dim))))
    return filled


@pytest.fixture
def small(tmp_path: Path, models: Path) -> Iterator[TestMemory]:
    """A memory of a few documents whose answers a test of the page can say; a module that only reads makes its own."""
    memory = make_memory(tmp_path, models)
    yield memory
    memory.close()


@pytest.fixture
def web(small: TestMemory) -> FlaskClient:
    """The page and the API over `small`, with writing."""
    return create_app(small, small.settings, scribe=Scribe()).test_client()


@pytest.fixture(scope="session")
def example_home(tmp_path_factory: pytest.TempPathFactory, models: Path, embedder: Embedder) -> Path:
    """A home in which the examples were ingested with the packaged model; tests only read it."""
    home = tmp_path_factory.mktemp("examples") / "home"
    with Memory.open(Settings(home=home, models=models), create=True) as memory:
        ingest(memory, EXAMPLES / "docs", IngestOptions(source="examples"))
    return home


@pytest.fixture(scope="session")
def example_memory(example_home: Path, models: Path) -> Iterator[Memory]:
    """The example memory, read only."""
    with Memory.open(Settings(home=example_home, models=models)) as memory:
        yield memory


@pytest.fixture
def runner(home: Path, models: Path) -> Callable[..., Any]:
    """Runs `lessons` with the home of this test; the result has exit_code, stdout and stderr."""

    def run(*arguments: str, home: Path = home, **options: Any) -> Any:
        return CliRunner().invoke(main, ["--home", str(home), "--models", str(models), *arguments], **options)

    return run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    with chromium() as launched:
        yield launched
