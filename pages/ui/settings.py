"""Read the configuration from the environment and Streamlit's secrets."""

import os
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from core.config import Config, load_config


def read_config() -> Config:
    """Return the configuration as it is now. Raises ConfigError."""
    return load_config(os.environ, _secrets())


def _secrets() -> Mapping[str, Any]:
    try:
        return st.secrets.to_dict()
    except StreamlitSecretNotFoundError:
        return {}
