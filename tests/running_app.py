"""Start Switchboard as a user does, in a process of its own, on a fresh data folder and a free port."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from core.catalog import load_catalog
from core.config import load_config
from core.providers import ProviderForm
from core.types import Model
from core.workbench import Workbench

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "streamlit_app.py"
WAIT_S = 30.0
ASK_AGAIN_S = 8.0
# A launcher that knows nothing of st.App and runs the file as a plain script.
_PLAIN = """
import json, sys
from streamlit.web import bootstrap
script, options = sys.argv[1], json.loads(sys.argv[2])
bootstrap.load_config_options(options)
bootstrap.run(script, False, [], options)
"""


class RunningApp:
    """A context manager; `output` is everything the server printed."""

    def __init__(
        self, data_dir: Path, *, is_plain_script: bool = False, address: str = "127.0.0.1", **variables: str
    ) -> None:
        self.data_dir = data_dir
        self.port = _free_port()
        self._address = address
        self._is_plain_script = is_plain_script
        self._variables = variables
        self._log = data_dir.parent / f"server-{self.port}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        keys = {variable for provider in load_catalog().providers for variable in provider.key_variables}
        environment = {name: value for name, value in os.environ.items() if name not in keys}
        environment |= {"SWITCHBOARD_DATA_DIR": str(self.data_dir), "SWITCHBOARD_RETRIES": "0", **self._variables}
        options: dict[str, object] = {
            "server.headless": True,
            "server.port": self.port,
            "server.address": self._address,
            "server.fileWatcherType": "none",
        }
        if self._address != "127.0.0.1":
            options["browser.serverAddress"] = "localhost"  # else Streamlit asks the network for its public address
        if self._is_plain_script:
            command = [sys.executable, "-c", _PLAIN, str(SCRIPT), json.dumps(options)]
        else:
            flags = [f"--{name}={str(value).lower()}" for name, value in options.items()]
            command = [sys.executable, "-m", "streamlit", "run", str(SCRIPT), *flags]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Ask it to stop, and wait.

        As a plain script the server may wait for a connection without end, as Streamlit's own does (seen 2026-11-24):
        then it is asked again, as somebody does who presses Ctrl+C twice.
        """
        if self._is_plain_script and self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(ASK_AGAIN_S)
            self._end(signal.SIGINT)
        else:
            self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def complaints(self) -> list[str]:
        """Return the lines of the output that no normal session may print."""
        words = ("WARNING", "ERROR", "Traceback", "Exception", "Error:", "Warning")
        return [line for line in self.output.splitlines() if any(word in line for word in words)]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _end(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise

    def _wait_until_it_answers(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"The server did not start:\n{self.output}")


def prepare(data_dir: Path, *providers: tuple[ProviderForm, tuple[str, ...]]) -> None:
    """Fill a data folder with providers and the ids of their models, before a server opens it."""
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(data_dir)}, {}))
    try:
        for form, models in providers:
            provider = workbench.providers.add(form)
            for model in models:
                workbench.providers.save_model(Model(provider.id, model, model), is_new=True)
    finally:
        workbench.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
