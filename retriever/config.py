"""Settings: one frozen value, built once; option over environment over `config.toml` over default.

Every default of the program stands here beside its help.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from retriever.checks import MAX_K
from retriever.errors import SettingError

ENVIRONMENT_PREFIX = "LESSONS_"
# No setting and no option, since either could be seen by others: the token for a server elsewhere.
TOKEN_VARIABLE = "LESSONS_TOKEN"

# What numbers may be, ends included.
RANGES: Mapping[str, tuple[int, int]] = {
    "k": (1, MAX_K),
    "per_document": (1, MAX_K),
    "port": (0, 65_535),
    "requests_per_minute": (0, 1_000_000),
    "trusted_proxies": (0, 10),
}

_SWITCHES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}

# What some texts may be.
CHOICES: Mapping[str, tuple[str, ...]] = {"log_format": ("text", "json"), "precision": ("fastest", "float32")}

# Variables of others that begin like ours: what a user may set for shell completion, and what our tests read.
_TOLERATED = frozenset({TOKEN_VARIABLE, "LESSONS_COMPLETE", "LESSONS_REQUIRE_BROWSER"})


def default_home() -> Path:
    """The platform's folder for this user's data."""
    import platformdirs

    return Path(platformdirs.user_data_dir("lessons", appauthor=False))


def default_models() -> Path:
    """The platform's cache folder for exported models, shared by all homes of a user."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("lessons", appauthor=False)) / "models"


def _setting(default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, and nothing that is found out at run time."""

    home: Path = field(default_factory=default_home, metadata={"help": "Folder that holds the memory."})
    models: Path = field(default_factory=default_models, metadata={"help": "Folder for exported models."})
    model: str = _setting(
        "", "Folder of a sentence-transformers model; empty means the one that is installed with Lessons."
    )
    reranker: str = _setting(
        "", "Folder of a sentence-transformers CrossEncoder that orders the first texts anew; empty means none."
    )
    host: str = _setting("127.0.0.1", "Address on which the page is served.")
    port: int = _setting(8080, "Port on which the page is served.")
    allowed_hosts: str = _setting("", "Further names, separated by commas, under which the page may be reached.")
    public_url: str = _setting("", "Address under which people reach the page, when a proxy stands before it.")
    trusted_proxies: int = _setting(0, "How many proxies stand before the server and name the caller's address.")
    require_token: bool = _setting(False, "Ask for a token on loopback too, as behind a proxy that lets others in.")
    requests_per_minute: int = _setting(
        0, "Requests a minute for each token, or address without one; 0 means 600, and no limit on loopback."
    )
    log_format: str = _setting("text", "How the server logs: text, or json, one object a line.")
    log_requests: bool = _setting(False, "Log a line for each request.")
    log_questions: bool = _setting(False, "Put the words of questions into these lines.")
    record_questions: bool = _setting(True, "Keep submitted questions, without secrets, for 90 days.")
    k: int = _setting(10, "How many lessons an answer holds.")
    per_document: int = _setting(2, "How many of them may come from one document.")
    max_file_mb: float = _setting(25.0, "Files larger than this are skipped.")
    redact_names: bool = _setting(False, "Take names of people out of documents, where they are given as names.")
    names_file: str = _setting("", "File with names, one a line, that are then taken out wherever they stand.")
    threads: int = _setting(0, "Threads for the model; 0 means one for each core.")
    precision: str = _setting(
        "fastest", "Arithmetic for documents: the fastest that was measured on this processor, or float32."
    )


def settings_help() -> tuple[tuple[str, str, str], ...]:
    """(name, default, help) of each setting, in order."""
    rows = []
    for item in fields(Settings):
        default = str(item.default).lower() if isinstance(item.default, bool) else str(item.default)
        shown = "the platform's folder" if item.name in ("home", "models") else default
        rows.append((item.name, shown, item.metadata["help"]))
    return tuple(rows)


def load_settings(options: Mapping[str, object], environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in force; `options` whose value is None were not given.

    Raises SettingError for a value that cannot be used, naming where it came from.
    """
    environment = os.environ if environment is None else environment
    known = {item.name: item for item in fields(Settings)}
    chosen = _from_environment(environment, known)
    chosen.update({name: value for name, value in options.items() if value is not None})
    home = _coerce("home", chosen["home"]) if "home" in chosen else default_home()
    merged: dict[str, object] = {**_from_file(home / "config.toml", known), **chosen, "home": home}
    return replace(Settings(home=home), **{name: _coerce(name, value) for name, value in merged.items()})


def variable_of(name: str) -> str:
    """The environment variable of a setting or option."""
    return ENVIRONMENT_PREFIX + name.upper().replace("-", "_")


def is_setting(name: str) -> bool:
    """Whether there is a setting of that name."""
    return any(item.name == name for item in fields(Settings))


def unknown_variables(environment: Mapping[str, str], options: Collection[str] = ()) -> tuple[str, ...]:
    """Names of `LESSONS_*` variables that set nothing; those that Kubernetes injects do not count.

    `options` are the variables of options that are no settings.
    """
    known = {variable_of(item.name) for item in fields(Settings)} | _TOLERATED | set(options)
    return tuple(
        sorted(
            name
            for name, value in environment.items()
            if name.startswith(ENVIRONMENT_PREFIX) and name not in known and not _is_injected(name, value)
        )
    )


def _is_injected(name: str, value: str) -> bool:
    """Kubernetes gives pods variables for a Service called `lessons`: LESSONS_PORT=tcp://…, LESSONS_SERVICE_HOST."""
    return "_SERVICE_" in name or name.startswith("LESSONS_PORT_") or "://" in value and name == "LESSONS_PORT"


def _from_environment(environment: Mapping[str, str], known: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in known:
        variable = variable_of(name)
        value = environment.get(variable)
        # An empty variable counts as not set, as it does for the options that click reads.
        if value and not _is_injected(variable, value):
            found[name] = value
    return found


def _from_file(path: Path, known: Mapping[str, object]) -> dict[str, object]:
    try:
        written = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}. Mend its permissions.") from error
    import tomllib

    try:
        values = tomllib.loads(written.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} is not valid TOML: {error}. Mend it or remove it.") from error
    unknown = sorted(set(values) - set(known) | ({"home"} & set(values)))
    if unknown:
        allowed = ", ".join(sorted(set(known) - {"home"}))
        raise SettingError(f"{path} sets {unknown[0]!r}, which is no setting. The settings are: {allowed}.")
    return values


def _coerce(name: str, value: object) -> Any:
    wanted = type(getattr(_DEFAULTS, name))
    if wanted is bool:
        return _switch(name, value)
    if wanted in (int, float):
        return _number(name, value, wanted)
    if isinstance(value, list | dict):
        raise SettingError(f"Setting {name!r} must be text, not {value!r}.")
    if issubclass(wanted, Path):
        if not str(value).strip():
            raise SettingError(f"Setting {name!r} must name a folder; it is empty.")
        return Path(str(value)).expanduser()
    if str(value) not in CHOICES.get(name, (str(value),)):
        raise SettingError(f"Setting {name!r} must be one of {', '.join(CHOICES[name])}, not {value!r}.")
    return _address(name, str(value)) if name == "public_url" else str(value)


def _address(name: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        # Asked for, because it is read only then.
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if value and not is_one:
        raise SettingError(f"Setting {name!r} must be an address such as https://lessons.example, not {value!r}.")
    return value


def _switch(name: str, value: object) -> bool:
    try:
        return _SWITCHES[str(value).casefold()]
    except KeyError as error:
        raise SettingError(f"Setting {name!r} must be true or false, not {value!r}.") from error


def _number(name: str, value: object, wanted: type[int] | type[float]) -> int | float:
    try:
        number = wanted(str(value))
    except ValueError as error:
        raise SettingError(f"Setting {name!r} must be a number, not {value!r}.") from error
    if name in RANGES and not RANGES[name][0] <= number <= RANGES[name][1]:
        raise SettingError(f"Setting {name!r} must be from {RANGES[name][0]} to {RANGES[name][1]}, not {value!r}.")
    if name == "max_file_mb" and not (math.isfinite(number) and number > 0):
        raise SettingError(f"Setting {name!r} must be a size above 0, not {value!r}.")
    if name == "threads" and number < 0:
        raise SettingError(f"Setting {name!r} must be 0 or more, not {value!r}.")
    return number


_DEFAULTS = Settings(home=Path(), models=Path())
