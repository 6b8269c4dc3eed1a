"""The errors of the domain. Each message says what happened, to what, and what to do.

RetrieverError
├── SourceError            a folder or file cannot be read as asked
├── SettingError           a setting that cannot be used
├── StoreError             the memory on disk
│   ├── NotAMemory         the folder is not a home of ours
│   ├── RecordTooNew       written by a newer version of this program
│   ├── RecordDamaged      the record fails its checks
│   ├── HomeBusy           another process holds what is needed
│   └── IndexUnavailable   the vector index cannot be used now; words still answer
├── ModelError             the embedding model is missing, changed or of another kind
├── ServerRefused          a server on another machine said no
├── InvalidQuery           a query, filter or number that cannot be answered
├── KeyReused              a key that names one request was given to another
└── NotFound               no lesson or document by that id or path
"""

from __future__ import annotations


class RetrieverError(Exception):
    """The root: everything that has a finished sentence for a person."""


class SourceError(RetrieverError):
    """A folder or file cannot be read as asked."""


class SettingError(RetrieverError):
    """A setting that cannot be used."""


class StoreError(RetrieverError):
    """The memory on disk cannot be used as asked."""


class NotAMemory(StoreError):
    """The folder holds something else."""


class RecordTooNew(StoreError):
    """The record was written by a newer version of this program."""


class RecordDamaged(StoreError):
    """The record fails its own checks."""


class HomeBusy(StoreError):
    """Another process holds what is needed."""


class IndexUnavailable(StoreError):
    """The vector index cannot be used now."""


class ModelError(RetrieverError):
    """The embedding model is missing, changed or of another kind."""


class ServerRefused(RetrieverError):
    """A server on another machine does not do what it was asked; `status` is its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class InvalidQuery(RetrieverError, ValueError):
    """A query, filter or number that cannot be answered; `field` names the parameter at fault."""

    def __init__(self, message: str, field: str = "q") -> None:
        super().__init__(message)
        self.field = field


class KeyReused(RetrieverError):
    """A key that names one request was given to another."""


class NotFound(RetrieverError, LookupError):
    """No lesson or document by that id or path."""
