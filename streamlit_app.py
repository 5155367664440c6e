"""The server: headers, health and the engine's life around the pages. No page code."""

import runpy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pages.ui.gate import SIGN_IN, SIGN_OUT, Gate, sign_in, sign_out
from pages.ui.headers import SecurityHeaders
from pages.ui.leaving import leave_promptly

MAIN = Path(__file__).parent / "pages" / "app" / "main.py"


async def healthz(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    from pages.ui.enter import stop_workbench  # cached functions must be made after the runtime has started

    leave_promptly(stop_workbench)
    yield
    stop_workbench()


if hasattr(st, "App") and not st.runtime.exists():
    app = st.App(
        MAIN,
        lifespan=lifespan,
        middleware=[Middleware(SecurityHeaders), Middleware(Gate)],
        routes=[
            Route("/healthz", healthz),
            Route(SIGN_IN, sign_in, methods=["GET", "POST"]),
            Route(SIGN_OUT, sign_out),
        ],
    )
else:  # a launcher that runs this file as a plain script
    runpy.run_path(str(MAIN), run_name="__main__")
