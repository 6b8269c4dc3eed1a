"""The folder of a memory: made where there is room for one, and never in somebody else's folder."""

from __future__ import annotations

from pathlib import Path

from retriever.errors import NotAMemory, StoreError
from retriever.locks import RECORD_LOCK, SERVER_LOCK
from retriever.record import FILE_NAME
from retriever.record.backups import FOLDER, LAST_BACKUP

# What a home may hold beside the record before the record exists.
_OURS = frozenset(
    {
        "config.toml",
        "secret",
        "server.json",
        SERVER_LOCK,
        RECORD_LOCK,
        "index",
        "models",
        "lost+found",
        FOLDER,
        LAST_BACKUP,
    }
)


def make_home(home: Path) -> None:
    """The folder is there, for its owner's eyes only. Raises StoreError where it holds something else."""
    if not (home / FILE_NAME).exists():
        check_vacant(home)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"The folder {home} cannot be made: {error.strerror}. Choose another --home.") from error


def check_vacant(home: Path) -> None:
    """Raises NotAMemory where `home` is a file, or a folder that holds what is not a memory's."""
    if home.exists() and not home.is_dir():
        raise NotAMemory(f"{home} is a file. Choose a folder with --home.")
    if home.is_dir():
        foreign = sorted(
            entry.name for entry in home.iterdir() if entry.name not in _OURS and not entry.name.startswith(FILE_NAME)
        )
        if foreign:
            raise NotAMemory(
                f"{home} holds something else ({', '.join(foreign[:3])}) and no memory. "
                "Choose another --home, or an empty folder."
            )
