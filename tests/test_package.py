"""The wheel, installed somewhere else: what a package forgets is noticed there, and only there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The `bin` folder of a new environment that has the wheel, and borrows what it depends on."""
    built = tmp_path_factory.mktemp("wheel")
    # A copy, because setuptools leaves a `build` folder behind, and would take files from an old one.
    source = shutil.copytree(
        ROOT, built / "source", ignore=shutil.ignore_patterns(".venv", ".git", "build", "*.egg-info", ".*_cache")
    )
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built), str(source)],
        check=True,
        capture_output=True,
    )
    environment = tmp_path_factory.mktemp("environment with a space")
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    wheel = next(built.glob("*.whl"))
    pip = [
        str(environment / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run([*pip, "--disable-pip-version-check"], check=True)
    packages = next((environment / "lib").glob("python*/site-packages"))
    # A path in a .pth file is searched last, and its own .pth files, such as our editable install's, are not read.
    (packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return environment / "bin"


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(installed / "lessons"), *arguments], capture_output=True, text=True, cwd="/", check=False
    )


def test_the_wheel_answers_help_from_another_folder(installed):
    done = run(installed, "--help")
    assert done.returncode == 0, done.stderr
    assert "has anyone learned something" in done.stdout


def test_the_wheel_is_what_runs(installed):
    program = "import retriever, ingest, cli; print(retriever.__file__, ingest.__file__, cli.__file__, sep='|')"
    done = subprocess.run(
        [str(installed / "python"), "-c", program], capture_output=True, text=True, cwd="/", check=True
    )
    assert all(str(installed.parent) in path for path in done.stdout.strip().split("|"))


def test_the_wheel_has_the_example_memory(installed, models, embedder):
    done = run(installed, "--models", str(models), "demo", "--no-serve")
    assert done.returncode == 0, done.stderr
    assert "64 files seen" in done.stdout


def test_the_wheel_serves_the_page_with_its_style(installed, models, tmp_path, embedder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(installed / "lessons"), "--home", str(tmp_path / "home"), "--models", str(models), "serve"]
    server = subprocess.Popen([*command, "--port", str(port)], cwd="/", env=dict(os.environ), stderr=subprocess.PIPE)
    try:
        page = _fetch(f"http://127.0.0.1:{port}/")
        assert "<title>" in page
        style = next(part.split('"')[0] for part in page.split('href="') if ".css" in part.split('"')[0])
        assert "{" in _fetch(f"http://127.0.0.1:{port}{style}")
    finally:
        server.terminate()
        server.communicate(timeout=30)


def test_every_package_of_the_tree_is_in_the_list():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for name in ("retriever", "ingest")
        for path in (ROOT / name).rglob("__init__.py")
    }
    assert listed == found | {"retriever.examples"}


def _fetch(address: str) -> str:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as response:
                return str(response.read().decode())
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, f"nothing answers at {address}"
            time.sleep(0.2)
