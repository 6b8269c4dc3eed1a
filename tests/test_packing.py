"""How embeddings and token ids are kept in the record: what is read is what was written."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from retriever.record import Record
from retriever.record.packing import (
    UNITS,
    last_of,
    new_place,
    owner_of,
    packed,
    packed_pieces,
    place_of,
    unpacked,
    unpacked_pieces,
)
from retriever.rounding import rounded, scales, unit_vectors


def test_rounding_what_was_rounded_changes_nothing():
    rows = np.random.default_rng(2).standard_normal((500, 384)).astype(np.float32)
    once = rounded(rows)
    assert np.array_equal(rounded(unit_vectors(once)), once)
    assert np.array_equal(rounded(unit_vectors(once)[3]), once[3])
    assert np.abs(once.astype(int)).max(axis=1).tolist() == [127] * 500


def test_scales_make_rounded_rows_of_unit_length_and_leave_zeros():
    rows = rounded(np.asarray([[3.0, 4.0], [0.0, 0.0], [0.0, -0.1]], np.float32))
    found = rows * scales(rows)[:, None]
    assert np.linalg.norm(found, axis=1) == pytest.approx([1.0, 0.0, 1.0])
    assert np.array_equal(unit_vectors(rows), found)


def test_what_is_unpacked_is_of_unit_length_and_points_where_it_did():
    rows = np.random.default_rng(1).standard_normal((50, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = unpacked([packed(row) for row in rows])
    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-6
    assert (found * rows).sum(axis=1).min() > 0.9999


def test_nothing_and_an_embedding_of_zeros_are_unpacked():
    assert unpacked([]).shape == (0, 1)
    assert unpacked([packed(np.zeros(4, np.float32))]).tolist() == [[0.0] * 4]


@pytest.mark.parametrize("ids", [[], [0], [7, 65_535], [7, 65_536, 250_001]])
def test_token_ids_come_back_whatever_the_vocabulary(ids):
    pieces = np.asarray(ids, np.int32)
    blob = packed_pieces(pieces)
    assert unpacked_pieces(blob, np.asarray([len(ids)], np.int32)).tolist() == ids
    assert len(blob) == len(ids) * (4 if ids and max(ids) > 65_535 else 2)


def test_the_places_of_models_and_units_do_not_touch(home):
    home.mkdir()
    Record(home).close()
    connection = sqlite3.connect(home / "record.db")
    places = [new_place(connection, unit, model) for model in ("one", "two") for unit in UNITS]
    assert places == [place_of(connection, unit, model) for model in ("one", "two") for unit in UNITS]
    assert all(last_of(place) < later for place, later in zip(places, places[1:], strict=False))
    assert [owner_of(place + 12_345) for place in places] == [12_345] * 4
    assert place_of(connection, "lesson", "three") is None
    connection.close()
