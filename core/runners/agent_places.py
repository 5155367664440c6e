"""So many agents at once: each is a program of about 200 MB. Who comes first is served first."""

import asyncio
from collections import deque


class Places:
    def __init__(self) -> None:
        self.taken = 0
        self._queue: deque[object] = deque()
        self._changed = asyncio.Condition()

    def enter(self) -> object:
        """Stand in the queue; give what comes back to `wait` and `leave`."""
        ticket = object()
        self._queue.append(ticket)
        return ticket

    def ahead(self, ticket: object) -> int:
        return self._queue.index(ticket)

    async def wait(self, ticket: object, *, at_once: int, timeout_s: float) -> bool:
        """Return whether there was a place in time."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self.taken < at_once and self._queue[0] is ticket)
                self._queue.popleft()
                self.taken += 1
                self._changed.notify_all()
                return True
        except TimeoutError:
            return False

    async def leave(self, ticket: object) -> None:
        """Give the place back, or stop waiting for one."""
        async with self._changed:
            if ticket in self._queue:
                self._queue.remove(ticket)
            else:
                self.taken -= 1
            self._changed.notify_all()
