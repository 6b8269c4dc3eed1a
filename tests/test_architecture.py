"""The shape of the code, held by reading it: imports point down, and heavy ones are paid for only when used."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for folder in ("retriever", "ingest") for path in (ROOT / folder).rglob("*.py")) + [
    ROOT / "cli.py"
]

# A layer may import from its own and from lower ones. A module belongs to the longest name that starts its own.
LAYERS = (
    ("retriever.lesson", "retriever.errors"),
    (
        "retriever.config",
        "retriever.checks",
        "retriever.scopes",
        "retriever.quoted",
        "retriever.words",
        "retriever.processor",
        "retriever.locks",
        "retriever.rounding",
    ),
    ("retriever.share", "retriever.standing"),
    (
        "retriever.embedder",
        "retriever.encoded",
        "retriever.engines",
        "retriever.tuning",
        "retriever.graph",
        "retriever.transformer",
        "retriever.cross_encoder",
        "retriever.export",
        "retriever.demo",
    ),
    ("retriever.senses",),
    ("retriever.record",),
    ("retriever.home", "retriever.vectors", "retriever.probe", "retriever.generations"),
    ("retriever.follow", "retriever.follower", "retriever.meaning", "retriever.erasing"),
    (
        "retriever.question",
        "retriever.sentences",
        "retriever.ranking",
        "retriever.choosing",
        "retriever.verdict",
        "retriever.highlights",
        "retriever.support",
        "retriever.joint",
        "retriever.closer",
    ),
    ("retriever.duplicates", "retriever.reranking"),
    ("retriever.search",),
    ("retriever.memory",),
    ("retriever.sharing", "retriever.correcting", "retriever.questions", "retriever.wire"),
    (
        "retriever.evaluation",
        "retriever.asking",
        "retriever.doctor",
        "retriever.keeping",
        "retriever.terminal",
        "retriever.shell",
        "retriever.options",
    ),
    ("retriever.token_commands", "retriever.keeping_commands", "retriever.logs"),
    ("retriever.web",),
    ("ingest",),
    ("cli",),
)
HEAVY = ("torch", "sentence_transformers", "transformers", "chromadb", "onnxruntime", "flask", "markdown_it", "numpy")


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def layer_of(module: str) -> int:
    found = [
        (len(prefix), level)
        for level, prefixes in enumerate(LAYERS)
        for prefix in prefixes
        if module == prefix or module.startswith(prefix + ".")
    ]
    assert found, f"{module} has no layer: give it one in LAYERS"
    return max(found)[1]


def imports_of(path: Path) -> set[str]:
    """The project's modules that `path` imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    known = {name_of(module) for module in MODULES}
    return {name for name in found if name in known and name not in ("retriever", "ingest")}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path):
    if name_of(path) in ("retriever", "ingest"):
        return
    above = {name for name in imports_of(path) if layer_of(name) > layer_of(name_of(path))}
    assert not above


@pytest.mark.parametrize("path", [path for path in MODULES if "retriever" in path.parts], ids=name_of)
def test_the_core_never_imports_ingest(path):
    assert not {name for name in imports_of(path) if name.startswith("ingest") or name == "cli"}


def test_only_one_file_imports_chromadb():
    users = {name_of(path) for path in MODULES if "import chromadb" in path.read_text(encoding="utf-8")}
    assert users == {"retriever.vectors"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["ask", "--help"], ["ingest", "--help"], ["serve", "--help"], ["settings"]]
)
def test_help_loads_nothing_heavy(arguments):
    program = (
        "import sys; from cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.strip() == "[]"


def test_a_question_loads_no_masked_arrays(example_home, models):
    program = (
        "import sys; from cli import main\n"
        "try:\n"
        f"    main.main(['--home', {str(example_home)!r}, 'ask', 'did a disk fill?'], standalone_mode=False)\n"
        "except SystemExit:\n"
        "    print('numpy.ma' in sys.modules, file=sys.stderr)"
    )
    environment = {**os.environ, "LESSONS_MODELS": str(models), "LESSONS_RECORD_QUESTIONS": "false"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )
    assert done.stderr.strip() == "False"


def test_the_master_of_a_server_is_made_without_flask():
    program = (
        "import sys, retriever.memory, retriever.web.server; print('gunicorn' in sys.modules, 'flask' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["True", "False"]


def test_top_level_names_belong_to_this_distribution_alone():
    owners = importlib.metadata.packages_distributions()
    assert {name: sorted(set(owners.get(name, []))) for name in ("retriever", "ingest", "cli")} == {
        name: ["lesson-retriever"] for name in ("retriever", "ingest", "cli")
    }


def test_every_dependency_is_pinned_in_the_constraints():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for group in project["optional-dependencies"].values() for name in group),
    ]
    names = {_normalised(item) for item in wanted}
    pinned = {
        _normalised(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if line and line[0] != "#"
    }
    assert names - pinned == set()


def _normalised(requirement: str) -> str:
    name = requirement
    for mark in "[=<>!~ ;":
        name = name.split(mark)[0]
    return name.lower().replace("_", "-")
