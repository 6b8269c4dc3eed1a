"""What runs an exported graph: onnxruntime, always there, or OpenVINO, an extra; in what precision, on what threads.

Questions are always run by onnxruntime in float32, from words' vectors of 16 bits, so that an answer does not depend on
who gives it. Many texts at once, as at an ingest, go through the fastest engine of this processor: measured once
(retriever/tuning.py), kept beside the exported model, and used for as long as processor and libraries stay what they
were.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from retriever.errors import ModelError
from retriever.processor import physical_cores, usable_cores

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRAPH = "graph.onnx"

# onnxruntime's word for a precision, and OpenVINO's.
_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to run the graph. `threads` is how many texts, or batches of them, are run at the same time."""

    runtime: str
    precision: str
    threads: int

    def __str__(self) -> str:
        """In words, for people."""
        # Only here: it brings the mail and archive modules with it.
        from importlib.metadata import version

        return f"{self.precision} by {self.runtime} {version(self.runtime)}, {self.threads} at a time"


class Runner(Protocol):
    """The loaded graph; may be called from several threads at once."""

    def __call__(self, input_ids: NDArray[Any], mask: NDArray[Any]) -> NDArray[Any]:
        """The token vectors, float32 (batch, length, dim), for int64 (batch, length) of ids and mask."""


def engines() -> tuple[Engine, ...]:
    """What can be had here; the first is what everybody has, and what the others are compared with."""
    threads = sorted({usable_cores(), physical_cores()}, reverse=True)
    found = [Engine("onnxruntime", "float32", count) for count in threads]
    if importlib.util.find_spec("openvino") is not None:
        found += [Engine("openvino", precision, count) for precision in _offered() for count in threads]
    return tuple(found)


def _offered() -> tuple[str, ...]:
    """OpenVINO's precisions that this processor computes in; others it would emulate, far slower."""
    import openvino

    offered = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ("bfloat16",) if "BF16" in offered else ("float32",)


def load_engine(engine: Engine, folder: Path) -> Runner:
    """The graph in `folder`, loaded. Raises ModelError when its file is damaged."""
    if engine.runtime == "openvino":
        return _openvino(engine, folder)
    return load_onnxruntime(folder)


def load_onnxruntime(folder: Path, *, is_lasting: bool = True) -> Runner:
    """The graph in `folder` in float32, each run on the thread that calls.

    Where it is lasting, layers are fused and the weights copied into the order in which they are multiplied: a run then
    takes half the time, and loading eight times as long.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Several batches at the same time wait for each other less than several threads in one batch, even a question's:
    # another thread has to be woken at each layer.
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_prepacking", "0" if is_lasting else "1")
    if not is_lasting:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises bare Exception for a damaged file
        raise _damaged(folder, error) from error

    def run(input_ids: NDArray[Any], mask: NDArray[Any]) -> NDArray[Any]:
        vectors: NDArray[Any] = session.run(None, {"input_ids": input_ids, "attention_mask": mask})[0]
        return vectors

    return run


def _openvino(engine: Engine, folder: Path) -> Runner:
    import queue

    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": _PRECISIONS[engine.precision],
        "INFERENCE_NUM_THREADS": engine.threads,
        "NUM_STREAMS": engine.threads,
    }
    try:
        compiled = openvino.Core().compile_model(str(folder / GRAPH), "CPU", settings)
    except RuntimeError as error:
        raise _damaged(folder, error) from error
    # One request a stream, made here and used again.
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for _ in range(engine.threads):
        requests.put(compiled.create_infer_request())

    def run(input_ids: NDArray[Any], mask: NDArray[Any]) -> NDArray[Any]:
        request = requests.get()
        try:
            request.infer({"input_ids": input_ids, "attention_mask": mask}, share_inputs=True)
            # A copy: the tensor is the request's own memory, and another thread has it next.
            vectors: NDArray[Any] = request.get_output_tensor(0).data.copy()
        finally:
            requests.put(request)
        return vectors

    # OpenVINO finds numpy at its first run, and two threads that both come first wait for each other for good.
    run(np.ones((1, 2), np.int64), np.ones((1, 2), np.int64))
    return run


def _damaged(folder: Path, error: Exception) -> ModelError:
    return ModelError(
        f"The exported model in {folder} cannot be loaded: {error}. Remove that folder; it is made again."
    )
