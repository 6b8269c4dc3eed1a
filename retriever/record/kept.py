"""What was read from the record and may be shown again, kept for as long as nothing that it depends on has changed."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


def content_version(connection: sqlite3.Connection) -> int:
    """A number that grows with every change to what is shown, as the connection's transaction sees it."""
    return int(connection.execute("SELECT version FROM content").fetchone()[0])


def edition(connection: sqlite3.Connection) -> int:
    """A number that grows with every change to a document that was there before; new ones leave it as it is."""
    return int(connection.execute("SELECT edited FROM content").fetchone()[0])


class Kept(Generic[V]):
    """Values of one version, those used last, at most `limit` by their weights; safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._version = 0
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, version: int, name: Hashable) -> V | None:
        """The value of that version, None when it is not kept."""
        with self._guard:
            if version != self._version or name not in self._values:
                return None
            self._values.move_to_end(name)
            return self._values[name][0]

    def put(self, version: int, name: Hashable, value: V, weight: int = 1) -> None:
        """The value is kept, unless a reader that began later has left values of a newer version."""
        with self._guard:
            if version > self._version:
                self._version, self._weight = version, 0
                self._values.clear()
            if version == self._version:
                _, before = self._values.pop(name, (None, 0))
                self._values[name] = (value, weight)
                self._weight += weight - before
                while self._weight > self._limit:
                    _, (_, dropped) = self._values.popitem(last=False)
                    self._weight -= dropped
