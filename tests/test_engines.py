"""What runs the model: the choice between engines, and that all of them give the same embeddings."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from retriever import processor, tuning
from retriever.embedder import Embedder, export_folder, find_model, open_embedder
from retriever.engines import Engine, engines
from retriever.graph import MANY_TEXTS
from retriever.tuning import choose, engine_for, measurements

COMMON = Engine("onnxruntime", "float32", 2)
FAST = Engine("openvino", "bfloat16", 2)
TEXTS = [f"The pump of tank {number} stopped{' and then started again' * (number % 7)}." for number in range(80)]


def measured(engine: Engine, rate: float, cosine: float = 1.0) -> dict[str, object]:
    return asdict(engine) | {"texts_per_s": rate, "cosine": cosine}


@pytest.mark.parametrize(
    ("rate", "cosine", "winner"),
    [(25.0, 0.9999, FAST), (10.5, 0.9999, COMMON), (25.0, 0.998, COMMON)],
    ids=["clearly faster", "hardly faster", "too coarse"],
)
def test_another_engine_is_taken_when_it_is_clearly_faster_and_near_enough(rate: float, cosine: float, winner: Engine):
    assert choose((COMMON, FAST), [measured(COMMON, 10.0), measured(FAST, rate, cosine)]) == winner


def test_without_measurements_the_engine_that_everybody_has_is_taken():
    assert choose((COMMON, FAST), []) == COMMON


def test_what_everybody_has_is_float32_on_every_core():
    assert engines()[0] == Engine("onnxruntime", "float32", processor.usable_cores())


def test_a_choice_is_measured_once_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    found = (Engine("onnxruntime", "float32", 2), Engine("onnxruntime", "float32", 1))
    rows = [measured(found[0], 10.0), measured(found[1], 20.0)]
    monkeypatch.setattr(tuning, "engines", lambda: found)
    monkeypatch.setattr(tuning, "measure", lambda folder: rows)
    monkeypatch.setattr(sys, "argv", ["tuning", str(tmp_path)])
    tuning.main()
    monkeypatch.setattr(subprocess, "run", None)
    assert engine_for(tmp_path) == found[1]
    assert engine_for(tmp_path, threads=3) == Engine("onnxruntime", "float32", 3)
    assert engine_for(tmp_path, "float32") == found[0]
    assert measurements(tmp_path) == rows


def test_a_measurement_that_fails_is_said_and_harmless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(tuning, "engines", lambda: (COMMON, Engine("onnxruntime", "float32", 1)))
    with caplog.at_level(logging.WARNING):
        assert engine_for(tmp_path / "no such model") == COMMON
    assert "could not be measured" in caplog.text


def test_many_texts_at_once_have_the_embeddings_of_each_by_itself(models: Path):
    embedder = open_embedder("", models, precision="float32")
    assert len(TEXTS) > MANY_TEXTS
    alone = np.stack([embedder.encode_documents([text])[0] for text in TEXTS])
    assert embedder.encode_documents(TEXTS) == pytest.approx(alone, abs=1e-5)


def test_the_fastest_precision_is_near_enough_to_float32(models: Path, embedder: Embedder):
    exact = open_embedder("", models, precision="float32").encode_documents(TEXTS)
    assert (embedder.encode_documents(TEXTS) * exact).sum(axis=1).min() > 0.9999


def test_openvino_sends_nothing_and_looks_nothing_up(models: Path):
    pytest.importorskip("openvino")
    folder = export_folder(models, find_model("", models).fingerprint)
    program = f"""
import socket
def refuse(*arguments, **options):
    raise AssertionError("a connection was tried")
socket.socket.connect = socket.getaddrinfo = refuse
from pathlib import Path
import numpy as np
from retriever.engines import Engine, load_engine
run = load_engine(Engine("openvino", "float32", 1), Path({json.dumps(str(folder))}))
print(run(np.ones((1, 3), np.int64), np.ones((1, 3), np.int64)).shape)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(1, 3, 384)", done.stderr


def test_threads_that_all_come_first_do_not_wait_for_each_other(models: Path):
    pytest.importorskip("openvino")
    folder = export_folder(models, find_model("", models).fingerprint)
    program = f"""
import threading
from pathlib import Path
import numpy as np
from retriever.engines import Engine, load_engine
run = load_engine(Engine("openvino", "float32", 2), Path({json.dumps(str(folder))}))
ids = np.ones((4, 16), np.int64)
threads = [threading.Thread(target=run, args=(ids, ids)) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(("quota", "cores"), [("max 100000", 4), ("150000 100000", 2), ("10000 100000", 1)])
def test_a_containers_share_counts_as_its_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, cores: int
):
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    monkeypatch.setattr(processor, "_QUOTA", file)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(4)), raising=False)
    assert processor.usable_cores() == cores
