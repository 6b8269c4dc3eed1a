"""What words mean in a memory: means over the places where they stood, kept with the documents that hold them."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ingest.embedding import read_texts
from ingest.pipeline import IngestOptions, ingest
from ingest.reembed import embed_missing
from retriever.config import Settings
from retriever.doctor import examine
from retriever.embedder import Embedder
from retriever.encoded import Encoded, without_tokens
from retriever.memory import Memory
from retriever.record import FILE_NAME
from retriever.record.old_forms import gather_senses
from retriever.record.packing import new_model, unpacked
from retriever.record.sense_rows import add_contexts, damaged_senses, drop_senses, drop_unheld, read_senses
from retriever.record.senses import SenseStore
from retriever.senses import ENOUGH, Contexts, Senses, contexts_of, summed
from tests.bundles import sense_vectors

EAST, NORTH = (1.0, 0.0), (0.0, 1.0)


def _encoded(*tokens: tuple[int, tuple[float, float]]) -> Encoded:
    return Encoded(
        np.asarray(EAST, np.float32),
        np.asarray([piece for piece, _ in tokens], np.int32),
        np.asarray([vector for _, vector in tokens], np.float32),
    )


def test_contexts_are_summed_by_piece_at_unit_length() -> None:
    found = contexts_of([_encoded((7, (2.0, 0.0)), (3, NORTH)), _encoded((7, NORTH))])
    assert found.pieces.tolist() == [3, 7]
    assert found.counts.tolist() == [1, 2]
    assert found.sums.tolist() == [[0.0, 1.0], [1.0, 1.0]]


def test_tokens_that_are_not_of_the_text_have_no_sense() -> None:
    assert contexts_of([_encoded((-1, EAST), (4, NORTH), (-1, EAST))]).pieces.tolist() == [4]


@pytest.mark.parametrize("texts", [[], [without_tokens(np.ones(2, np.float32))]])
def test_texts_without_tokens_are_no_contexts(texts: list[Encoded]) -> None:
    assert len(contexts_of(texts).pieces) == 0


def test_a_sense_is_of_unit_length_and_unknown_pieces_have_none() -> None:
    senses = Senses.none(2).with_changed(np.asarray([2, 5]), np.asarray([(127, 0), (0, 64)], np.int8))
    found = sense_vectors(senses, np.asarray([5, 2, 3, 0, 999]))
    assert found == pytest.approx(np.asarray([[0, 1], [1, 0], [0, 0], [0, 0], [0, 0]]))


@pytest.fixture
def examples(example_home: Path, home: Path, models: Path) -> Iterator[Memory]:
    """The example memory, to be changed."""
    # By a process of its own: closing a file that SQLite has open here would let go of its locks.
    subprocess.run(["cp", "-R", str(example_home), str(home)], check=True)
    with Memory.open(Settings(home=home, models=models)) as memory:
        yield memory


@pytest.fixture
def rows(examples: Memory, home: Path) -> Iterator[sqlite3.Connection]:
    """Its record, opened beside it."""
    with contextlib.closing(sqlite3.connect(home / FILE_NAME)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def _lengths(memory: Memory, text: str) -> list[float]:
    senses = memory.record.senses.all(memory.fingerprint)
    assert senses is not None
    found: list[float] = np.linalg.norm(sense_vectors(senses, memory.embedder.piece_ids([text])[0]), axis=1).tolist()
    return found


def test_words_of_the_memory_have_senses_and_others_have_none(example_memory: Memory) -> None:
    assert _lengths(example_memory, "certificate queue") == pytest.approx([1.0, 1.0], abs=1e-3)
    assert _lengths(example_memory, "trombone")[0] == 0.0


def test_another_model_has_no_senses_here(example_memory: Memory) -> None:
    assert example_memory.record.senses.all("another") is None


def test_at_first_only_the_senses_that_are_needed_are_read_and_all_from_the_second_time_on(examples: Memory) -> None:
    store, model = examples.record.senses, examples.fingerprint
    everything = store.all(model)
    fresh = SenseStore(examples.record._database)
    texts = [pieces for pieces in examples.embedder.piece_ids(["certificate queue", "queue trombone"]) if len(pieces)]
    first, second = fresh.of(model, texts), fresh.of(model, texts)
    assert everything is not None
    assert first is not None
    assert second is not None
    assert len(first.rows) < len(everything.rows) / 10
    assert len(second.rows) == len(everything.rows)
    for pieces in texts:
        assert np.array_equal(sense_vectors(first, pieces), sense_vectors(everything, pieces))
    examples.record.senses.start_anew(model)
    assert fresh.of(model, texts) is None


def test_a_word_is_near_to_what_means_the_same_here(example_memory: Memory) -> None:
    senses = example_memory.record.senses.all(example_memory.fingerprint)
    assert senses is not None
    read = example_memory.embedder.read_query("the certificate ran out")
    pieces = [example_memory.embedder.piece_ids([word])[0][:1] for word in ("certificate", "parcel")]
    asked = read.tokens[read.pieces.tolist().index(int(pieces[0][0]))]
    near, far = (float((sense_vectors(senses, piece) @ asked)[0]) for piece in pieces)
    assert near > 2 * far


def test_a_sense_moves_to_the_mean_until_it_has_been_seen_often_enough(rows: sqlite3.Connection) -> None:
    for vector, times in ((EAST, 1), (NORTH, 1), (NORTH, ENOUGH), (EAST, 1)):
        add_contexts(rows, "made-up", contexts_of([_encoded(*[(9, vector)] * times)]))
    key = rows.execute("SELECT number FROM models WHERE fingerprint = 'made-up'").fetchone()[0] << 32 | 9
    contexts, length, sense = rows.execute(
        "SELECT contexts, length, sense FROM senses WHERE key = ?", (key,)
    ).fetchone()
    assert contexts == ENOUGH + 2
    mean = np.asarray([1 / (ENOUGH + 2), (ENOUGH + 1) / (ENOUGH + 2)])
    assert length == pytest.approx(np.linalg.norm(mean), abs=0.01)
    assert length * unpacked([sense])[0] == pytest.approx(mean, abs=0.01)


def test_a_word_that_was_forgotten_with_its_only_document_has_no_sense_any_more(
    examples: Memory, tmp_path: Path
) -> None:
    page = tmp_path / "notes" / "trombone.md"
    page.parent.mkdir()
    page.write_text("# Noise\n\nThe trombone in the server room was played at night and nobody had known why.\n")
    ingest(examples, page.parent, IngestOptions())
    assert _lengths(examples, "trombone")[0] == pytest.approx(1.0, abs=1e-3)
    examples.forget(examples.document("trombone.md").id)
    assert _lengths(examples, "trombone")[0] == 0.0
    assert _lengths(examples, "server")[0] == pytest.approx(1.0, abs=1e-3)


def test_a_record_of_before_gets_senses_from_its_sentences(examples: Memory, rows: sqlite3.Connection) -> None:
    made = examples.record.senses.all(examples.fingerprint)
    rows.execute("DELETE FROM senses")
    gather_senses(rows)
    gathered = read_senses(rows, examples.fingerprint)
    assert made is not None
    assert gathered is not None
    pieces = np.flatnonzero(made.places >= 0)
    assert (sense_vectors(gathered, pieces) * sense_vectors(made, pieces)).sum(axis=1).mean() > 0.5


def test_after_an_upgrade_a_reindex_reads_every_text_for_its_senses(examples: Memory, rows: sqlite3.Connection) -> None:
    made = examples.record.senses.all(examples.fingerprint)
    with examples.record._database.write() as connection:
        connection.execute("DELETE FROM senses")
        gather_senses(connection)
    assert examples.record.senses.are_rough()
    assert any("lessons reindex" in check.mend for check in examine(examples.settings))
    read: list[int] = []
    examples.reindex(lambda: read.append(embed_missing(examples, lambda done, total: None)))
    assert read == [examples.counts()["documents"]]
    assert not examples.record.senses.are_rough()
    again = read_senses(rows, examples.fingerprint)
    assert made is not None
    assert again is not None
    pieces = np.flatnonzero(made.places >= 0)
    assert (sense_vectors(again, pieces) * sense_vectors(made, pieces)).sum(axis=1).mean() > 0.95


def test_a_record_of_before_may_hold_documents_without_sentences(examples: Memory, tmp_path: Path) -> None:
    picture = tmp_path / "pictures" / "harbour.md"
    picture.parent.mkdir()
    picture.write_text("![](harbour.png)\n")
    ingest(examples, picture.parent, IngestOptions())
    with examples.record._database.write() as connection:
        gather_senses(connection)
    assert _lengths(examples, "certificate")[0] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("damaged", ["x'0000'", "zeroblob(length(sense))"])
def test_a_damaged_sense_takes_no_other_with_it(examples: Memory, rows: sqlite3.Connection, damaged: str) -> None:
    key = rows.execute("SELECT key FROM senses ORDER BY key LIMIT 1").fetchone()[0]
    before = read_senses(rows, examples.fingerprint)
    rows.execute(f"UPDATE senses SET sense = {damaged} WHERE key = ?", (key,))
    after = read_senses(rows, examples.fingerprint)
    assert before is not None
    assert after is not None
    others = np.flatnonzero(before.places >= 0)[1:]
    assert np.array_equal(sense_vectors(after, others), sense_vectors(before, others))
    assert not sense_vectors(after, np.asarray([key & 0xFFFFFFFF])).any()


def test_damage_to_the_senses_of_another_model_is_not_counted(examples: Memory, rows: sqlite3.Connection) -> None:
    other = new_model(rows, "other") << 32
    rows.execute(
        "INSERT INTO senses SELECT key & ? | ?, contexts, length, checksum + 1, version, sense FROM senses",
        (0xFFFFFFFF, other),
    )
    assert damaged_senses(rows, examples.fingerprint) == 0
    assert damaged_senses(rows, "other") == rows.execute("SELECT count(*) / 2 FROM senses").fetchone()[0]
    assert damaged_senses(rows, "unknown") == 0


def test_senses_that_were_started_anew_are_not_kept_from_before(examples: Memory) -> None:
    assert examples.record.senses.all(examples.fingerprint) is not None
    examples.record.senses.start_anew(examples.fingerprint)
    assert examples.record.senses.all(examples.fingerprint) is None


def test_a_reindex_reads_every_text_for_its_senses_once(examples: Memory) -> None:
    examples.record.senses.start_anew(examples.fingerprint)
    assert embed_missing(examples, lambda done, total: None) == examples.counts()["documents"]
    assert examples.record.senses.are_rough()
    assert embed_missing(examples, lambda done, total: None, first=False) == 0


def test_of_many_texts_only_what_makes_senses_is_kept(embedder: Embedder) -> None:
    read = read_texts({str(number): f"pump {number}" for number in range(3 * ENOUGH)}, embedder)
    pump = int(embedder.piece_ids(["pump"])[0][0])
    assert len(read) == 3 * ENOUGH
    assert sum(int((item.pieces == pump).sum()) for item in read.values()) == ENOUGH
    assert all(len(item.tokens) == len(item.pieces) for item in read.values())


def test_the_move_to_another_model_drops_the_senses_of_the_one_before(examples: Memory) -> None:
    drop = examples.fingerprint
    with examples.record._database.write() as connection:
        drop_senses(connection, but="another")
        assert read_senses(connection, drop) is None


def test_who_has_read_the_senses_reads_only_those_written_since(examples: Memory, rows: sqlite3.Connection) -> None:
    version = rows.execute("SELECT version FROM content").fetchone()[0]
    before = read_senses(rows, examples.fingerprint)
    assert before is not None
    # Damage that reading everything would come upon.
    rows.execute("UPDATE senses SET sense = x'0000', version = 0 WHERE key = (SELECT min(key) FROM senses)")
    rows.execute("UPDATE content SET version = version + 1")
    new, old = 29_999, int(np.flatnonzero(before.places >= 0)[-1])
    add_contexts(rows, examples.fingerprint, _contexts(before, new, old))
    after = read_senses(rows, examples.fingerprint, (before, version))
    whole = read_senses(rows, examples.fingerprint)
    assert after is not None
    assert whole is not None
    pieces = np.flatnonzero(before.places >= 0)
    assert np.array_equal(sense_vectors(after, pieces[:-1]), sense_vectors(before, pieces[:-1]))
    assert np.array_equal(sense_vectors(after, np.asarray([new, old])), sense_vectors(whole, np.asarray([new, old])))
    assert np.linalg.norm(sense_vectors(after, np.asarray([new]))) == pytest.approx(1.0, abs=1e-3)


def _contexts(senses: Senses, *pieces: int) -> Contexts:
    vectors = np.eye(len(pieces), senses.rows.shape[1], dtype=np.float32)
    return summed(np.asarray(pieces), vectors)


def test_senses_that_went_are_gone_for_who_had_read_them(examples: Memory, tmp_path: Path) -> None:
    page = tmp_path / "notes" / "trombone.md"
    page.parent.mkdir()
    page.write_text("# Noise\n\nThe trombone in the server room was played at night and nobody had known why.\n")
    assert _lengths(examples, "trombone")[0] == 0.0
    ingest(examples, page.parent, IngestOptions())
    assert _lengths(examples, "trombone")[0] == pytest.approx(1.0, abs=1e-3)
    with examples.record._database.write() as connection:
        connection.execute("DELETE FROM documents WHERE path = 'trombone.md'")
        drop_unheld(connection)
    assert _lengths(examples, "trombone")[0] == 0.0
    assert _lengths(examples, "server")[0] == pytest.approx(1.0, abs=1e-3)


def test_a_sense_of_another_size_as_an_import_may_bring_it_begins_anew(rows: sqlite3.Connection) -> None:
    add_contexts(rows, "made-up", contexts_of([_encoded((9, EAST))]))
    rows.execute(
        "UPDATE senses SET sense = x'7f0000', checksum = ? WHERE key & 0xFFFFFFFF = 9", (zlib.crc32(b"\x7f\0\0"),)
    )
    add_contexts(rows, "made-up", contexts_of([_encoded((9, NORTH))]))
    found = read_senses(rows, "made-up")
    assert found is not None
    assert sense_vectors(found, np.asarray([9])).tolist() == [[0.0, 1.0]]
