"""Every setting: its name, where it is read, its default and its check, in one table. Reads no file by itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.access import Door
from core.catalog import load_catalog
from core.errors import ConfigError
from core.runners import Timeouts

ROOT = Path(__file__).resolve().parent.parent


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise ValueError("it must be above 0 and at most 3600 seconds")
    return value


def _retries(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 10:
        raise ValueError("it must be from 0 to 10")
    return value


def _days(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 30:  # as long as the trash keeps a conversation: nothing outlives its deletion for good
        raise ValueError("it must be from 0 to 30")
    return value


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("it has to be true or false")
    return text.lower() == "true"


def _disk_lasts(text: str) -> bool:
    # Community Cloud checks an app out under /mount/src and gives it a fresh disk at each restart (seen 2026-11).
    return not ROOT.is_relative_to("/mount/src") if text.lower() == "auto" else _flag(text)


def _allowed(text: str) -> bool | None:
    return None if text.lower() == "auto" else _flag(text)


def _at_once(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 50:
        raise ValueError("it must be from 1 to 50")
    return value


def _folder(text: str) -> Path:
    path = Path(text).expanduser()
    return path if path.is_absolute() else ROOT / path


def _first(*texts: str | None) -> str:
    """Return the first text that is more than blanks."""
    return next((text.strip() for text in texts if text and text.strip()), "")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. Read from the environment variable, else from `[app]` in the secrets under the name."""

    name: str
    variable: str
    default: str | None
    parse: Callable[[str], Any]
    help: str


SETTINGS = (
    Setting("data_dir", "SWITCHBOARD_DATA_DIR", "data", _folder, "Folder of the two databases and the key file."),
    Setting(
        "encryption_key",
        "ENCRYPTION_KEY",
        None,
        str,
        "Fernet keys that encrypt stored API keys, comma separated, newest first. Unset: a file in the data folder.",
    ),
    Setting(
        "disk_lasts",
        "SWITCHBOARD_DISK_LASTS",
        "auto",
        _disk_lasts,
        "Whether the data folder outlives a restart: true, false, or auto, which knows Streamlit Community Cloud.",
    ),
    Setting(
        "password_hash",
        "SWITCHBOARD_PASSWORD_HASH",
        None,
        str,
        "Hash of the password that lets people in from other machines; the sign-in page makes it from a password.",
    ),
    Setting(
        "open_on_loopback",
        "SWITCHBOARD_OPEN_ON_LOOPBACK",
        "true",
        _flag,
        "Whether this machine's own user gets in without signing in when the server listens on all addresses.",
    ),
    Setting("connect_timeout_s", "SWITCHBOARD_CONNECT_TIMEOUT_S", "5", _seconds, "Time to reach a provider."),
    Setting("first_event_timeout_s", "SWITCHBOARD_FIRST_EVENT_TIMEOUT_S", "120", _seconds, "Time to the first token."),
    Setting("idle_timeout_s", "SWITCHBOARD_IDLE_TIMEOUT_S", "60", _seconds, "Longest silence inside an answer."),
    Setting(
        "agents_allowed",
        "SWITCHBOARD_AGENTS_ALLOWED",
        "auto",
        _allowed,
        "Whether agents may work on this machine: true, false, or auto: where no password lets others in.",
    ),
    Setting(
        "agents_at_once",
        "SWITCHBOARD_AGENTS_AT_ONCE",
        "2",
        _at_once,
        "Agents that may work at the same time; each needs about 200 MB, and others wait.",
    ),
    Setting("retries", "SWITCHBOARD_RETRIES", "2", _retries, "Further tries when a provider fails before its answer."),
    Setting(
        "keep_raw_days",
        "SWITCHBOARD_KEEP_RAW_DAYS",
        "0",
        _days,
        "Days for which requests and answers are kept as sent, without keys, for the Log page, up to 30; 0 keeps none.",
    ),
)


@dataclass(frozen=True, slots=True)
class AgentConfig:
    is_allowed: bool
    at_once: int


@dataclass(frozen=True, slots=True, repr=False)
class Config:
    data_dir: Path
    encryption_key: str | None
    disk_lasts: bool
    door: Door
    timeouts: Timeouts
    retries: int
    keep_raw_days: int
    agents: AgentConfig
    provider_keys: Mapping[str, str]  # environment variable or secret -> API key, for the catalogue's variables only


def load_config(environ: Mapping[str, str], secrets: Mapping[str, Any]) -> Config:
    """Read all settings; `secrets` is the whole secrets file, ours lie under `[app]`.

    Streamlit copies top-level secrets into the environment of this process, and so into its children's: provider keys
    are taken from `[app]` too, where it does not. Raises ConfigError naming the setting and its variable.
    """
    nested = secrets.get("app", {})
    app = {str(name).lower(): str(value) for name, value in nested.items()} if isinstance(nested, Mapping) else {}
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text = _first(environ.get(setting.variable), app.get(setting.name), app.get(setting.variable.lower()))
        text = text or setting.default or ""
        try:
            values[setting.name] = setting.parse(text) if text else None
        except (ValueError, RuntimeError) as error:  # RuntimeError: a ~name that nobody has
            raise ConfigError(f"The setting {setting.name} ({setting.variable}) cannot be used: {error}.") from error
    variables = [variable for provider in load_catalog().providers for variable in provider.key_variables]
    found = {variable: _first(environ.get(variable), app.get(variable.lower())) for variable in variables}
    return Config(
        data_dir=values["data_dir"],
        encryption_key=values["encryption_key"],
        disk_lasts=values["disk_lasts"],
        door=Door(values["password_hash"], is_open_on_loopback=values["open_on_loopback"]),
        timeouts=Timeouts(
            connect_s=values["connect_timeout_s"],
            first_event_s=values["first_event_timeout_s"],
            idle_s=values["idle_timeout_s"],
        ),
        retries=values["retries"],
        keep_raw_days=values["keep_raw_days"],
        agents=AgentConfig(_are_agents_allowed(values), values["agents_at_once"]),
        provider_keys={variable: key for variable, key in found.items() if key},
    )


def _are_agents_allowed(values: Mapping[str, Any]) -> bool:
    """Whoever gets in could use them: on an app that others may open, that is for its owner to say."""
    if values["agents_allowed"] is not None:
        return bool(values["agents_allowed"])
    return values["password_hash"] is None and bool(values["disk_lasts"])
