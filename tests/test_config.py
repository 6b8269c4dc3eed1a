from __future__ import annotations

from pathlib import Path

import pytest

from retriever.config import Settings, default_home, load_settings, unknown_variables
from retriever.errors import SettingError


def test_option_beats_environment_beats_file_beats_default(tmp_path):
    (tmp_path / "config.toml").write_text("k = 3\nport = 9000\nhost = '127.0.0.2'\n")
    environment = {"LESSONS_HOME": str(tmp_path), "LESSONS_K": "4", "LESSONS_PORT": "9001"}
    settings = load_settings({"k": 5, "port": None}, environment)
    assert (settings.k, settings.port, settings.host, settings.per_document) == (5, 9001, "127.0.0.2", 2)


def test_a_setting_that_cannot_be_used_is_an_error(tmp_path):
    with pytest.raises(SettingError, match="'port' must be a number"):
        load_settings({}, {"LESSONS_HOME": str(tmp_path), "LESSONS_PORT": "eighty"})
    for text, sentence in (
        ("prot = 80\n", "no setting"),
        ("port = = 80\n", "not valid TOML"),
        ("allowed_hosts = ['a', 'b']\n", "'allowed_hosts' must be text"),
        ("k = 2.5\n", "'k' must be a number"),
    ):
        (tmp_path / "config.toml").write_text(text)
        with pytest.raises(SettingError, match=sentence):
            load_settings({}, {"LESSONS_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("k", ("1", "100"), ("0", "101", "-3")),
        ("per_document", ("1", "100"), ("0", "101")),
        ("port", ("0", "65535"), ("-1", "65536")),
        ("max_file_mb", ("0.1", "1000"), ("0", "-1", "nan", "inf")),
        ("threads", ("0", "8"), ("-1",)),
    ],
)
def test_numbers_stay_in_their_range(tmp_path, name, allowed, refused):
    for value in allowed:
        settings = load_settings({}, {"LESSONS_HOME": str(tmp_path), f"LESSONS_{name.upper()}": value})
        assert getattr(settings, name) == float(value)
    for value in refused:
        with pytest.raises(SettingError, match=f"'{name}' must be .*, not '{value}'"):
            load_settings({}, {"LESSONS_HOME": str(tmp_path), f"LESSONS_{name.upper()}": value})


def test_a_switch_is_on_or_off_and_nothing_else(tmp_path):
    for value, is_on in (("true", True), ("Yes", True), ("1", True), ("off", False), ("false", False), ("0", False)):
        environment = {"LESSONS_HOME": str(tmp_path), "LESSONS_REQUIRE_TOKEN": value}
        assert load_settings({}, environment).require_token is is_on
    (tmp_path / "config.toml").write_text("require_token = true\n")
    assert load_settings({}, {"LESSONS_HOME": str(tmp_path)}).require_token
    with pytest.raises(SettingError, match="'require_token' must be true or false, not 'maybe'"):
        load_settings({}, {"LESSONS_HOME": str(tmp_path), "LESSONS_REQUIRE_TOKEN": "maybe"})


def test_an_empty_variable_counts_as_not_set_and_an_empty_folder_is_refused():
    assert load_settings({}, {"LESSONS_HOME": "", "LESSONS_PORT": ""}).home == default_home()
    with pytest.raises(SettingError, match="'home' must name a folder"):
        load_settings({"home": ""}, {})


@pytest.mark.parametrize(
    "address",
    ["lessons.example/memory", "https://", "ftp://lessons.example", "https://a:b", "http://[", "https://a:99999"],
)
def test_a_public_address_that_is_none_is_refused(address):
    with pytest.raises(SettingError, match="'public_url' must be an address such as"):
        load_settings({}, {"LESSONS_PUBLIC_URL": address})


def test_a_homes_tilde_is_the_users_folder_for_its_file_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text("k = 3\n")
    settings = load_settings({"home": "~"}, {})
    assert (settings.home, settings.k) == (Path(tmp_path), 3)


def test_unknown_variables_are_named_and_those_of_kubernetes_are_not():
    environment = {
        "LESSONS_COLOUR": "red",
        "LESSONS_PORT": "tcp://10.0.0.1:80",
        "LESSONS_PORT_80_TCP": "tcp://10.0.0.1:80",
        "LESSONS_SERVICE_HOST": "10.0.0.1",
        "LESSONS_K": "3",
        "LESSONS_TAG": "dns",
        "LESSONS_REQUIRE_BROWSER": "1",
        "LESSONS_COMPLETE": "bash_source",
    }
    assert unknown_variables(environment, {"LESSONS_TAG"}) == ("LESSONS_COLOUR",)
    assert unknown_variables(environment) == ("LESSONS_COLOUR", "LESSONS_TAG")
    assert load_settings({}, environment).port == Settings().port
