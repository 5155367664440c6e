"""Leave when asked: running answers are stored at the first signal, and no open connection can hold the server up."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

# uvicorn waits without end for every connection to close, and one in thirty stops hung on a request whose browser had
# gone (measured 2026-11-24). A second SIGINT makes it leave.
GRACE_S = 3.0


def leave_promptly(close: Callable[[], None]) -> None:
    """Call `close` at the first SIGTERM or SIGINT, at once and in a thread, and end the server soon after.

    To be called where the server has set its own handlers, which go on working. Elsewhere than in the main thread,
    where no handler can be set, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    leaving = threading.Thread(target=_leave, args=(close,), name="switchboard-leaving", daemon=True)

    def set_handler(number: signal.Signals) -> None:
        servers_own = signal.getsignal(number)

        def handle(received: int, frame: FrameType | None) -> None:
            if leaving.ident is None:
                leaving.start()
            if callable(servers_own):
                servers_own(received, frame)

        signal.signal(number, handle)

    set_handler(signal.SIGTERM)
    set_handler(signal.SIGINT)


def _leave(close: Callable[[], None]) -> None:
    close()
    time.sleep(GRACE_S)
    os.kill(os.getpid(), signal.SIGINT)
