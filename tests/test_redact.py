"""Every secret here is invented, and put together at run time so that no scanner sees a leak in this file."""

from __future__ import annotations

import base64
import dataclasses
import json
import random
import re
import signal
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import redact as redactor
from ingest.redact import RULES, Rule, redact

MEGABYTE = 1_000_000
_random = random.Random(6)
_ALNUM = string.ascii_letters + string.digits


def _some(length: int, characters: str = _ALNUM) -> str:
    """`length` random characters that begin with a letter, then a digit where there are any."""
    start = (
        next(c for c in characters if c.isalpha()),
        next((c for c in characters if c.isdigit()), characters[0]),
    )
    return "".join(start) + "".join(_random.choices(characters, k=length - 2))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


HEX = "0123456789abcdef"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
JWT = ".".join(_base64(part) for part in (b'{"alg": "HS256"}', b'{"sub": "1234567890"}', b"signed-by-nobody"))
KEY_LINES = "\n".join(_some(64) for _ in range(5))
BEGIN, END = ("-----" + word + " RSA PRIVATE" + " KEY-----" for word in ("BEGIN", "END"))
PASSWORD = "Tr0ub4dor" + "&3x"
URL = "postgres" + "://app:{}@db.corp.net:5432/main"
CARD, IBAN = "4929 1234 " + "5678 9015", "FR14 2004 1010 " + "0505 0001 3M02 606"

SECRETS = [
    ("aws-key", "id {}", "AK" + "IA" + _some(16, BASE32)),
    ("google-key", "https://maps.google.com/?key={}", "AI" + "za" + _some(35)),
    ("github-token", "token={}", "gh" + "p_" + _some(36)),
    ("github-token", "a log line\\n{}", "github" + "_pat_" + _some(70)),
    ("gitlab-token", "`{}`", "gl" + "pat-" + _some(20)),
    ("slack-token", "({})", "xo" + "xb-" + "123456789012-" + _some(24)),
    ("stripe-key", "{}", "sk" + "_live_" + _some(24)),
    ("npm-token", "//packages.example.org/:_authToken={}", "np" + "m_" + _some(36)),
    ("pypi-token", "password: {}", "py" + "pi-AgE" + _some(80)),
    ("sendgrid-key", "{}", "S" + "G." + _some(22) + "." + _some(43)),
    ("twilio-key", "{}", "S" + "K" + _some(32, HEX)),
    ("model-key", "OPENAI_API_KEY={}", "s" + "k-" + _some(48)),
    ("hugging-face-token", "{}", "h" + "f_" + _some(34, string.ascii_letters)),
    ("hashicorp-token", "VAULT_TOKEN={}", "hv" + "s." + _some(24)),
    ("other-token", "{}", "dop" + "_v1_" + _some(64, HEX)),
    ("jwt", "cookie: session={}; path=/", JWT),
    ("webhook", "curl https://hooks.slack.com/services/{}", "T0AB12CD3/B0EF45GH6/" + _some(24)),
    ("signed-url", "https://x.blob.core.windows.net/c/f?sv=2022&sig={}", _some(43) + "%3D"),
    ("url-token", "git clone https://{}@code.corp.net/a.git", _some(40, HEX)),
    ("url-password", URL, "correcthorse"),
    ("url-password", URL, "p@ss"),
    ("bearer-token", "-H 'Authorization: Bearer {}'", _some(40)),
    ("basic-login", "Authorization: Basic {}", base64.b64encode(b"deploy:" + PASSWORD.encode()).decode()),
    ("login-option", "curl -u deploy:{} https://ci.corp.net", PASSWORD),
    ("password", "password: {}", "hunter" + "22"),
    ("password", '"password": "{}",', "trustno" + "one"),
    ("password", '{{\\"passwd\\":\\"{}\\"}}', PASSWORD),
    ("password", "export DB_PASSWORD={}", "trustno" + "one"),
    ("password", "Server=db;Uid=app;Pwd={};Timeout=3", "Zebra" + "99x"),
    ("password", "**Password:** `{}`", PASSWORD),
    ("password", "| Password | {} |", PASSWORD),
    ("password", "the password was `{}` until May", PASSWORD),
    ("password-option", "login --db-password {} --yes", PASSWORD),
    ("secret", "aws_secret_access_key = {}", "/" + _some(39)),
    ("secret", "DefaultEndpointsProtocol=https;AccountKey={};", _some(86) + "=="),
    ("secret", "client-secret => '{}'", _some(24)),
    ("secret", "API key: {}", _some(32, HEX)),
    ("secret-option", "deploy --auth-token {}", _some(24)),
    ("card-number", "paid with {}.", CARD),
    ("card-number", "paid with {}, twice", CARD.replace(" ", "")),
    ("iban", "refund to {}.", IBAN),
    ("email", "ask <{}>", "jörg.lind" + "@" + "corp.co.uk"),
    ("email", "[write](mailto:{})", "mara+oncall" + "@" + "corp.io"),
]

KEPT = [
    "password: was rotated",
    "Password: see 1Password",
    "password: <password>, password=${DB_PASSWORD}, PASSWORD=$PW, password='{{ vault }}', password: xxxxxxxx",
    "POSTGRES_PASSWORD: postgres",
    "the password was left at `changeme`",
    "password = getpass.getpass(), password=os.environ['PW1'], password: RFC 2898, password: sha256",
    "token: my-service-token-v2, secret: tls-cert-2024, secret name: s3cr",
    "max_tokens: 150000000, next token = response.json()",
    "api_key = 'YOUR_API_KEY_HERE_1234', API_KEY=...",
    "Authorization: Bearer $TOKEN and Bearer YOUR_ACCESS_TOKEN_1",
    "a basic approach, Basic English",
    "postgres" + "://user:password@localhost and http://host:8080/path",
    "perldoc -u Some::Module2, docker run -u 1000:1000 -v $(pwd):/code2",
    "AK" + "IAIOSFODNN7EXAMPLE",
    "s" + "k-very-long-name-of-a-task-2024",
    "eyJ" + "ust.eyJsomething.else" * 2,
    "git clone git@github.com:org/repo.git, ssh://git@host.corp.net/x, ssh -p 22 root@host.corp.net",
    "rsync a.txt deploy@host.corp.net:/srv",
    "@ines and @ines@social.corp.net, user@example.com, bot@db.example.org, x@svc.cluster.local",
    "noreply@corp.com, 1+x@users.noreply.github.com",
    "icon@2x.png, getty@tty1.service, lodash@4.17.21, actions/checkout@v4.1.x",
    "order 4929 1234 5678 9017, build 49291234567890151, https://status.corp.net/5660850647990272",
    "4242 4242 4242 4242, GB82 WEST 1234 5698 7654 32",
    f"It starts with {BEGIN} and ends with {END}.",
]


def _names(text: str) -> list[str]:
    return [name for name, _ in redact(text).counts]


@pytest.mark.parametrize(("name", "around", "secret"), SECRETS)
def test_a_secret_is_replaced_and_what_is_around_it_stays(name: str, around: str, secret: str) -> None:
    redacted = redact(f"# Title\n\nBefore. {around.format(secret)}\nAfter.\n")
    assert redacted.text == f"# Title\n\nBefore. {around.format(f'[redacted:{name}]')}\nAfter.\n"
    assert redacted.counts == ((name, 1),)


@pytest.mark.parametrize("text", KEPT)
def test_placeholders_prose_and_what_reaches_nobody_stay(text: str) -> None:
    redacted = redact(text)
    assert redacted.text is text
    assert redacted.counts == ()


def test_every_rule_has_a_secret_that_shows_it() -> None:
    shown = {name for name, _, _ in SECRETS} | {"private-key"}
    assert shown == {rule.name for rule in RULES}


def test_the_page_on_redaction_names_every_rule() -> None:
    page = (Path(__file__).parent.parent / "docs" / "redaction.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)[: len(RULES)] == [rule.name for rule in RULES]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("prefix", ["", "> ", "    "])
def test_a_private_key_goes_whole_and_its_lines_stay(newline: str, prefix: str) -> None:
    block = f"\n{BEGIN}\n{KEY_LINES}\n{END}\n".replace("\n", newline + prefix)
    text = f"Before{block}After"
    redacted = redact(text)
    assert redacted.counts == (("private-key", 1),)
    assert not re.search(r"[A-Za-z0-9]{20}", redacted.text)
    assert redacted.text.count("\n") == text.count("\n")
    assert redacted.text.split(newline)[-1] == text.split(newline)[-1]


def test_a_private_key_on_one_line_of_json_goes() -> None:
    account = json.dumps({"type": "service_account", "private_key": f"{BEGIN}\n{KEY_LINES}\n{END}\n", "id": 1})
    assert json.loads(redact(account).text) == {
        "type": "service_account",
        "private_key": "[redacted:private-key]\n",
        "id": 1,
    }


def test_a_private_key_cut_off_takes_no_prose_with_it() -> None:
    redacted = redact(f"{BEGIN}\n{KEY_LINES}\n\nThe rest of the report.\n")
    assert redacted.text == "[redacted:private-key]" + "\n" * 7 + "The rest of the report.\n"


def test_counts_come_by_rule_in_the_order_of_the_table() -> None:
    mail = "mara" + "@" + "corp.io"
    key = SECRETS[0][2]
    assert redact(f"{mail} {key} {mail}").counts == (("aws-key", 1), ("email", 2))


def test_a_link_around_a_secret_stays_a_link() -> None:
    redacted = redact("[mail us](mailto:" + "mara" + "@" + "corp.io)")
    assert redacted.text == "[mail us](mailto:[redacted:email])"


@pytest.mark.parametrize("seed", range(20))
def test_redacting_twice_changes_nothing_and_lines_are_kept(seed: int) -> None:
    shuffled = random.Random(seed)
    pool = [text.format(secret) for _, text, secret in SECRETS] + [secret for _, _, secret in SECRETS] + KEPT
    pool += [BEGIN, KEY_LINES, END, "password=", "token: '", "://", "@", "\r\n", "[redacted:email]", "\u0130"]
    for _ in range(100):
        glue = shuffled.choice(["", "", " ", "\n", ":", "@", "-", '"', "="])
        text = glue.join(shuffled.choices(pool, k=shuffled.randint(2, 8)))
        once = redact(text)
        assert redact(once.text).text == once.text
        assert once.text.count("\n") == text.count("\n")


@pytest.fixture
def _cpu_guard() -> Iterator[None]:
    """Ends a test after 60 s of processor time: quadratic work on a megabyte would take hours."""

    def give_up(_signal: int, _frame: object) -> None:
        raise TimeoutError("more than 60 s of processor time: a pattern is not linear")

    signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, 60)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)


HOSTILE = [
    *"a@:-.1= \n",
    *[
        "a@",
        "a.",
        "a-",
        "://a:",
        "://",
        "a@b.",
        "eyJ",
        "eyJa.",
        "sk-a-1-",
        "s" + "k-",
        "SG.a",
        "4929 ",
        "FR14 ",
    ],
    *[
        "password",
        "password=",
        'password="',
        "password: 'a",
        "token|",
        "--password ",
        "secret_",
        "-u a:",
        "ssh -a ",
    ],
    *[
        "Bearer ",
        "Basic a",
        BEGIN,
        BEGIN + "\n",
        BEGIN + " a",
        f"{BEGIN}\n{'A' * 64}\n",
        "-----BEGIN ",
        "%%%3D",
    ],
]


def _counting(rule: Rule, work: list[int]) -> Rule:
    def is_real(match: re.Match[str]) -> bool:
        work[0] += 100 + len(match[0])
        return rule.is_real(match)

    return dataclasses.replace(rule, is_real=is_real)


@pytest.mark.usefixtures("_cpu_guard")
@pytest.mark.parametrize("unit", HOSTILE)
def test_work_on_a_hostile_megabyte_is_linear(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    work = [0]
    monkeypatch.setattr(redactor, "RULES", tuple(_counting(rule, work) for rule in RULES))
    text = "sk- AKIA @ eyJ :// -u PRIVATE KEY Bearer Basic SG. " + unit * (MEGABYTE // len(unit))
    redacted = redact(text)
    assert work[0] < 100 * len(text)
    assert len(redacted.text) < 3 * len(text)
    assert redacted.text.count("\n") == text.count("\n")


def test_hints_are_found_at_the_same_place_in_any_alphabet() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert len(redactor._views(every)["lower"]) == len(every)
    assert redact("\u0130" * 50 + " password: " + PASSWORD).text.endswith(" password: [redacted:password]")


def test_measuring_counts_and_shows_no_secret(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"password: {PASSWORD}\npassword: {PASSWORD}2\n", encoding="utf-8")
    (tmp_path / "b.bin").write_bytes(b"\0password: " + PASSWORD.encode())
    lines = list(redactor._measure((str(tmp_path),)))
    assert [line.split() for line in lines] == [["1", "text", "files"], ["password", "2", "in", "1", "files"]]
