"""Settings: where each is read from, what wins, and what is refused."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from core.catalog import load_catalog
from core.config import ROOT, SETTINGS, Config, load_config
from core.errors import ConfigError


def _load(environ: Mapping[str, str] | None = None, app: Mapping[str, Any] | None = None) -> Config:
    return load_config(environ or {}, {"app": app} if app is not None else {})


def test_without_any_setting_the_defaults_hold() -> None:
    config = _load()
    assert config.data_dir == ROOT / "data"
    assert config.encryption_key is None
    assert (config.timeouts.connect_s, config.timeouts.first_event_s, config.timeouts.idle_s) == (5.0, 120.0, 60.0)
    assert not config.provider_keys


def test_the_environment_wins_over_the_secrets() -> None:
    environ = {"SWITCHBOARD_IDLE_TIMEOUT_S": "7", "OPENAI_API_KEY": "from-environment"}
    config = _load(environ, {"idle_timeout_s": 9, "OPENAI_API_KEY": "from-secrets"})
    assert config.timeouts.idle_s == 7.0
    assert config.provider_keys["OPENAI_API_KEY"] == "from-environment"


@pytest.mark.parametrize("name", ["idle_timeout_s", "IDLE_TIMEOUT_S", "SWITCHBOARD_IDLE_TIMEOUT_S"])
def test_a_secret_may_be_named_like_the_setting_or_its_variable(name: str) -> None:
    assert _load(app={name: 9}).timeouts.idle_s == 9.0


def test_an_empty_value_is_no_value() -> None:
    config = _load({"SWITCHBOARD_DATA_DIR": "  ", "ENCRYPTION_KEY": "", "OPENAI_API_KEY": " "}, {"data_dir": ""})
    assert config.data_dir == ROOT / "data"
    assert config.encryption_key is None
    assert not config.provider_keys


def test_a_blank_environment_variable_does_not_hide_the_secret() -> None:
    config = _load({"OPENAI_API_KEY": " ", "ENCRYPTION_KEY": " "}, {"OPENAI_API_KEY": "kept", "encryption_key": "kept"})
    assert config.provider_keys == {"OPENAI_API_KEY": "kept"}
    assert config.encryption_key == "kept"


def test_a_relative_data_folder_lies_in_the_project_and_a_home_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert _load({"SWITCHBOARD_DATA_DIR": "elsewhere"}).data_dir == ROOT / "elsewhere"
    assert _load({"SWITCHBOARD_DATA_DIR": "~/switchboard"}).data_dir == Path("/home/ada/switchboard")
    assert _load({"SWITCHBOARD_DATA_DIR": "/srv/switchboard"}).data_dir == Path("/srv/switchboard")


def test_a_home_that_cannot_be_found_is_refused() -> None:
    with pytest.raises(ConfigError, match="SWITCHBOARD_DATA_DIR"):
        _load({"SWITCHBOARD_DATA_DIR": "~nobody-of-that-name/x"})


@pytest.mark.parametrize("value", ["0", "-1", "3601", "nan", "inf", "soon", "5 s"])
def test_a_bad_number_is_refused_naming_setting_and_variable(value: str) -> None:
    with pytest.raises(ConfigError, match=r"connect_timeout_s \(SWITCHBOARD_CONNECT_TIMEOUT_S\)"):
        _load({"SWITCHBOARD_CONNECT_TIMEOUT_S": value})


@pytest.mark.parametrize("secrets", [{}, {"app": "text"}, {"app": 5}, {"other": {"data_dir": "x"}}])
def test_secrets_of_another_shape_are_ignored(secrets: Mapping[str, Any]) -> None:
    assert load_config({}, secrets).data_dir == ROOT / "data"


def test_only_variables_of_the_catalogue_are_kept_as_provider_keys() -> None:
    environ = {"ZHIPUAI_API_KEY": " zhipu ", "DEEPSEEK_API_KEY": "deep", "AWS_SECRET_ACCESS_KEY": "not ours"}
    assert _load(environ, {"dashscope_api_key": "dash"}).provider_keys == {
        "ZHIPUAI_API_KEY": "zhipu",
        "DEEPSEEK_API_KEY": "deep",
        "DASHSCOPE_API_KEY": "dash",
    }


def test_a_config_prints_no_keys() -> None:
    config = _load({"OPENAI_API_KEY": "sk-canary", "ENCRYPTION_KEY": "canary-key"})
    assert "canary" not in repr(config)


def test_reading_the_settings_changes_no_environment() -> None:
    before = dict(os.environ)
    _load({"OPENAI_API_KEY": "sk-canary"}, {"ANTHROPIC_API_KEY": "sk-canary"})
    assert dict(os.environ) == before


def test_every_setting_has_its_own_name_variable_and_a_sentence() -> None:
    assert (
        len({setting.name for setting in SETTINGS}) == len({setting.variable for setting in SETTINGS}) == len(SETTINGS)
    )
    assert all(setting.help.endswith(".") for setting in SETTINGS)


def test_the_example_of_the_secrets_file_names_every_setting_and_works_as_it_is() -> None:
    text = (ROOT / ".streamlit" / "secrets.toml.example").read_text(encoding="utf-8")
    for setting in SETTINGS:
        assert f"# {setting.name} =" in text or f"# {setting.variable} =" in text
    for provider in load_catalog().providers:
        for variable in provider.key_variables:
            assert f"# {variable} =" in text
    assert load_config({}, tomllib.loads(text)).data_dir == ROOT / "data"

    uncommented = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    assert load_config({}, tomllib.loads(uncommented)).timeouts == _load().timeouts
