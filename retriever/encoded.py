"""What a model made of a text, as a value: its embedding and the token vectors that the embedding is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a model made of one text.

    `embedding` is float32 (dim,) of unit length. `tokens` are float32 (n, dim), the vectors that it is pooled from, as
    the model gives them; `pieces` are their ids in the model's vocabulary, int32 (n), -1 for one that is not of the
    text itself. Both are empty for a model that does not show them.
    """

    embedding: NDArray[float32]
    pieces: NDArray[Any]
    tokens: NDArray[float32]


def without_tokens(embedding: NDArray[float32]) -> Encoded:
    """The embedding alone."""
    return Encoded(embedding, np.zeros(0, np.int32), np.zeros((0, len(embedding)), np.float32))
