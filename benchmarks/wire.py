"""How fast a stream is read, next to the loop in the documentation of each SDK.

A server in another process has the whole answer ready and sends it at once, so that the reader is what is measured.
Both read in this process, one after the other by turns: ours through the runner, as a turn does it, and the SDK's own
loop over `create(stream=True)`. Chunks per second by the clock, and processor time per 1,000 tokens, medians of the
rounds; the SDK's model answers nothing more than a text, which is its best case.

    python -m benchmarks.wire [tokens] [rounds]
"""

import asyncio
import multiprocessing
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from functools import partial
from multiprocessing.synchronize import Event
from statistics import median

import anthropic
import openai

from benchmarks.apps import print_table, ratio, watching_load
from core.events import Completed, TextDelta
from core.runners import RUNNERS, Runner, Timeouts
from core.types import ChatMessage, ChatRequest, Key, KeySource, Model, Provider, Role, Route, Secret
from tests.servers import anthropic_server, openai_server
from tests.servers.base import Reply

TOKENS = 20_000
ROUNDS = 9
KEY = "sk-loopback-0123456789"
QUESTION = "Why?"


def body(protocol: str, tokens: int) -> bytes:
    words = [f"word{number} " for number in range(tokens)]
    reply: Reply = (openai_server if protocol == "openai" else anthropic_server).stream_reply(*words)
    return b"".join(step for step in reply.steps if isinstance(step, bytes))


def serve(listener: socket.socket, answers: dict[str, bytes], is_over: Event) -> None:
    """Answer each request by its path with the whole stream, one connection after the other."""
    listener.settimeout(0.2)
    while not is_over.is_set():
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        with connection:
            request, wanted = b"", None
            while wanted is None or len(request) < wanted:  # all of it: closing over unread bytes resets
                request += connection.recv(65_536)
                head, blank, _ = request.partition(b"\r\n\r\n")
                if blank and (found := re.search(rb"(?i)content-length: (\d+)", head)):
                    wanted = len(head) + len(blank) + int(found[1])
            answer = answers["anthropic" if b"/messages" in request.split(b"\r\n", 1)[0] else "openai"]
            lines = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(answer)}\r\n"
            connection.sendall(lines.encode() + b"Connection: close\r\n\r\n" + answer)


async def through_runner(runner: Runner, route: Route) -> AsyncIterator[str]:
    request = ChatRequest((ChatMessage(Role.USER, QUESTION),))
    is_complete = False
    async for event in runner.stream(route, request):
        if isinstance(event, TextDelta):
            yield event.text
        is_complete = is_complete or isinstance(event, Completed)
    assert is_complete


async def through_openai(client: openai.AsyncOpenAI) -> AsyncIterator[str]:
    stream = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            yield chunk.choices[0].delta.content


async def through_anthropic(client: anthropic.AsyncAnthropic) -> AsyncIterator[str]:
    stream = await client.messages.create(
        model="m", max_tokens=8192, messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    async for event in stream:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            yield event.delta.text


async def measure(read: Callable[[], AsyncIterator[str]], tokens: int) -> tuple[float, float]:
    """Return chunks per second and processor seconds per 1,000 tokens of one answer."""
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    count = 0
    async for _ in read():
        count += 1
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    assert count == tokens, count
    return count / took_s, cpu_s * 1000 / count


async def compare(protocol: str, port: int, tokens: int, rounds: int) -> None:
    url = f"http://127.0.0.1:{port}"
    runner = RUNNERS[protocol].load(Timeouts())
    route = Route(
        Provider("p", "Loopback", protocol, url), Model("p", "m", "M"), Key(Secret(KEY), KeySource.STORED), "chosen"
    )
    if protocol == "openai":
        chat = openai.AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0)
        sdk: Callable[[], AsyncIterator[str]] = partial(through_openai, chat)
    else:
        messages = anthropic.AsyncAnthropic(api_key=KEY, base_url=url, max_retries=0)
        sdk = partial(through_anthropic, messages)
    readers: dict[str, Callable[[], AsyncIterator[str]]] = {
        "Switchboard": partial(through_runner, runner, route),
        f"{protocol} SDK": sdk,
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    for round_ in range(rounds + 1):
        for name, read in readers.items():
            figures = await measure(read, tokens)
            if round_:  # the first loads and connects
                found[name].append(figures)
    rates, costs = ({name: [row[n] for row in rows] for name, rows in found.items()} for n in (0, 1))
    print_table(
        f"{protocol}: {tokens:,} tokens, median of {rounds}",
        ("chunks per second", "CPU ms per 1,000 tokens"),
        [(name, (f"{median(rates[name]):,.0f}", f"{median(costs[name]) * 1000:.1f}")) for name in readers],
    )
    ours, theirs = readers
    speed, cost = ratio(rates[ours], rates[theirs]), ratio(costs[ours], costs[theirs])
    print(f"Switchboard / SDK: {speed} the chunks per second, {cost} the CPU")
    await runner.close()


def main(tokens: int = TOKENS, rounds: int = ROUNDS) -> None:
    context = multiprocessing.get_context("spawn")
    is_over = context.Event()
    answers = {protocol: body(protocol, tokens) for protocol in ("openai", "anthropic")}
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        server = context.Process(target=serve, args=(listener, answers, is_over), daemon=True)
        server.start()
        with watching_load():
            for protocol in answers:
                asyncio.run(compare(protocol, listener.getsockname()[1], tokens, rounds))
        is_over.set()
        server.join(5)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
