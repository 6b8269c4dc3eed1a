"""The files for running it: each says only what the program knows, and is tried with the tools that are there."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from test_web_server import Server
from web_memory import make_memory

from retriever.config import load_settings, unknown_variables

DEPLOY = Path(__file__).parent.parent / "deploy"
UNITS = sorted(path for path in DEPLOY.iterdir() if path.suffix in (".service", ".timer"))
ROOT = DEPLOY.parent


def variables_of(path: Path) -> dict[str, str]:
    """The variables of ours that a file sets."""
    return dict(re.findall(r"\b(LESSONS_[A-Z_]+)[=:] ?\"?([^\s\"\\]+)", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", [*UNITS, DEPLOY / "Dockerfile", DEPLOY / "compose.yaml"], ids=lambda path: path.name)
def test_a_file_sets_only_variables_that_exist_to_values_they_may_have(path: Path) -> None:
    given = {name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value) for name, value in variables_of(path).items()}
    assert unknown_variables(given) == ()
    load_settings({}, given)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_set_up_compiles_the_program_once_also_where_python_keeps_nothing(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "constraints.txt", "model.txt", "cli.py", "retriever/one.py", "ingest/one.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    for ready in ("bin/pip", "ready-run"):
        (tmp_path / ".venv" / ready).touch()
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(["make", "-f", ROOT / "Makefile", "setup"], cwd=tmp_path, env=environment, check=True)
    assert {path.parent.parent.name for path in tmp_path.rglob("*.pyc")} == {tmp_path.name, "retriever", "ingest"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_understands_the_unit(path: Path, tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/lessons/bin/lessons", shutil.which("true") or "true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / path.name)], capture_output=True, text=True, check=False
    )
    said = [line for line in done.stderr.splitlines() if path.stem in line]
    assert said == []


def test_the_image_copies_what_is_there_and_leaves_nothing_out() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE) for word in line.split()
    }
    assert all((ROOT / name).exists() for name in copied)
    assert {"retriever", "ingest", "examples", "cli.py", "pyproject.toml", "constraints.txt", "model.txt"} <= copied
    kept = re.findall(r"^!(.*)$", (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(kept) == copied


def test_the_container_gives_up_what_it_does_not_need() -> None:
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["lessons"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(str(port).startswith("127.0.0.1:") for port in service["ports"])


@pytest.fixture
def proxied(tmp_path: Path, models: Path) -> Iterator[str]:
    """The address of nginx with the configuration of deploy/, before a server of ours."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    with make_memory(tmp_path, models) as memory:
        home, token = memory.settings.home, memory.record.tokens.add("guest", "read")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    url = f"http://localhost:{port}/lessons"
    server = Server(home, "127.0.0.1", 0, {"public_url": url, "trusted_proxies": 1, "require_token": True})
    location = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    location = location.replace("http://127.0.0.1:8080", server.url).replace("Host $host", "Host $http_host")
    configuration = f"daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ access_log off;\n"
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        configuration += f"{kind}_temp_path {tmp_path}/{kind};\n"
    configuration += f"server {{ listen 127.0.0.1:{port};\n{location}\n}} }}\n"
    (tmp_path / "nginx.conf").write_text(configuration, encoding="utf-8")
    (tmp_path / "token").write_text(token)
    proxy = subprocess.Popen([nginx, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)], stderr=subprocess.PIPE)
    try:
        _wait_for(url + "/healthz")
        yield url
    finally:
        proxy.terminate()
        proxy.communicate(timeout=30)
        server.end()


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.URLError:
            time.sleep(0.1)
    pytest.fail(f"nothing answers at {url}")


def test_behind_nginx_everything_stays_below_the_prefix(proxied: str, tmp_path: Path) -> None:
    token = (tmp_path / "token").read_text()
    request = urllib.request.Request(proxied + "/api/v1/lessons?limit=1", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.headers["Link"].startswith("</lessons/api/v1/lessons?")
        assert response.headers["X-Request-Id"]
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with pytest.raises(urllib.error.HTTPError) as refused:
        opener.open(proxied + "/lessons?kind=cause", timeout=30)
    form = refused.value.read().decode()
    assert refused.value.code == 401
    assert 'action="/lessons/enter"' in form
    fields = {name: value.replace("&amp;", "&") for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
    body = urllib.parse.urlencode({**fields, "token": token}).encode()
    with opener.open(proxied + "/enter", data=body, timeout=30) as page:
        assert page.url == proxied + "/lessons?kind=cause"
        links = set(re.findall(r'(?:href|src|action)="(/[^"]*)"', page.read().decode()))
    assert links
    assert all(link.startswith("/lessons/") for link in links)
