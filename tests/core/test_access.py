"""Who is let in: passwords, cookies, and what counts as this machine's own user."""

import os
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from core import access
from core.access import SESSION_S, Door, Throttle, Visit, hash_password, is_of_other_user, is_password
from core.errors import InvalidInput

PASSWORD = "correct horse"
HASH = hash_password(PASSWORD)
NOW = 1_800_000_000.0


def visit(
    *,
    listening: str | None = None,
    peer: str = "127.0.0.1",
    host: str = "localhost:8501",
    session: str | None = None,
    **headers: str,
) -> Visit:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Visit(listening=listening, peer=peer, headers={"host": host, **named}, session=session)


@pytest.mark.parametrize(
    ("who", "is_let_in"),
    [
        (visit(listening="127.0.0.1"), True),
        (visit(listening="localhost", host="127.0.0.1:8501", origin="http://127.0.0.1:8501"), True),
        (visit(listening="::1", peer="::1", host="[::1]:8501"), True),
        (visit(), True),
        (visit(peer="::ffff:127.0.0.1"), True),
        (visit(peer="192.0.2.7"), False),
        (visit(host="192.0.2.2:8501"), False),
        (visit(host="evil.example"), False),
        (visit(host="localhost.evil.example"), False),
        (visit(origin="https://evil.example"), False),
        (visit(origin="null"), False),
        (visit(origin="http://localhost:8501"), True),
        (visit(origin="http://localhost:3000"), False),
        (visit(origin="http://127.0.0.1:8501"), False),
        (visit(origin="http://[::1"), False),
        (visit(host="localhost:8501@evil.example"), False),
        (visit(host="localhost:8501, evil.example"), False),
        (visit(host="[::1]evil.example"), False),
        (visit(x_client_ip="127.0.0.1"), False),
        (visit(x_original_host="chat.example"), False),
        (visit(x_forwarded_for="127.0.0.1"), False),
        (visit(forwarded="for=127.0.0.1"), False),
        (visit(x_real_ip="127.0.0.1"), False),
        (visit(cf_connecting_ip="1.2.3.4"), False),
        (visit(via="1.1 proxy"), False),
        (visit(listening="127.0.0.1", x_forwarded_for="1.2.3.4"), False),
        (visit(listening="127.0.0.1", host="evil.example"), False),
        (visit(host=""), False),
        (visit(peer=""), False),
        (visit(listening="127.0.0.1", peer="192.0.2.7"), False),
        (replace(visit(listening="127.0.0.1"), http_version="1.0"), False),
        (replace(visit(listening="127.0.0.1"), is_of_other_user=True), False),
        (replace(visit(), is_of_other_user=True), False),
    ],
)
def test_only_the_user_of_this_machine_is_let_in_without_a_password(who: Visit, is_let_in: bool) -> None:
    assert Door().admits(who, now_s=NOW) is is_let_in


def test_with_a_password_a_server_open_to_all_lets_nobody_in_unsigned() -> None:
    assert not Door(HASH).admits(visit(), now_s=NOW)
    assert Door(HASH).admits(visit(listening="127.0.0.1"), now_s=NOW)
    assert not Door(is_open_on_loopback=False).admits(visit(), now_s=NOW)


def test_a_session_is_good_until_it_expires_or_the_password_changes() -> None:
    door = Door(HASH)
    session = door.new_session(now_s=NOW)
    stranger = visit(peer="192.0.2.7", host="chat.example", session=session)
    assert door.admits(stranger, now_s=NOW + SESSION_S - 1)
    assert not door.admits(stranger, now_s=NOW + SESSION_S + 1)
    assert not Door(hash_password(PASSWORD)).admits(stranger, now_s=NOW)
    assert not Door().admits(stranger, now_s=NOW)


@pytest.mark.parametrize("forged", ["", ".", "9999999999", "9999999999.", "x.y", "9999999999.é", "-1.x", "²."])
def test_a_forged_session_is_none(forged: str) -> None:
    assert not Door(HASH).admits(visit(peer="192.0.2.7", session=forged), now_s=NOW)


def test_a_longer_life_cannot_be_written_into_a_session() -> None:
    expires, _, signature = Door(HASH).new_session(now_s=NOW).partition(".")
    longer = f"{int(expires) + 1}.{signature}"
    assert not Door(HASH).admits(visit(peer="192.0.2.7", session=longer), now_s=NOW)


def test_a_password_is_known_by_its_hash_alone() -> None:
    assert is_password(PASSWORD, HASH)
    assert not is_password(PASSWORD + " ", HASH)
    assert not is_password("", HASH)
    assert PASSWORD not in HASH
    assert hash_password(PASSWORD) != HASH


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "plain",
        "scrypt:1:2",
        "md5:1:1:1:a:b",
        "scrypt:x:8:1:a:b",
        "scrypt:3:8:1:YQ==:YQ==",
        f"scrypt:{2**70}:8:1:YQ==:YQ==",
    ],
)
def test_a_hash_that_cannot_be_read_admits_nobody(damaged: str) -> None:
    assert not is_password(PASSWORD, damaged)


def test_a_short_password_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 8"):
        hash_password("1234567")


def test_each_wrong_password_costs_more_time_than_the_last() -> None:
    throttle = Throttle()
    waits = []
    for _ in range(14):
        waits.append(throttle.wait_s("a", now_s=NOW))
        throttle.failed("a", now_s=NOW)
    assert waits[:3] == [0, 0, 0]
    assert waits[3:7] == [1, 2, 4, 8]
    assert waits[-1] == 60
    assert throttle.wait_s("b", now_s=NOW) == 0
    assert throttle.wait_s("a", now_s=NOW + 61) == 0
    throttle.succeeded("a")
    assert throttle.wait_s("a", now_s=NOW) == 0


def test_wrong_passwords_sent_at_once_are_not_one_try_each() -> None:
    throttle = Throttle()
    answers: list[str] = []

    def send() -> None:
        try:
            answers.append(str(throttle.is_right("192.0.2.7", "wrong horse", HASH, now_s=NOW)))
        except InvalidInput:
            answers.append("wait")

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["False"] * 3 + ["wait"] * 5
    with pytest.raises(InvalidInput, match="Try again in 1 s"):
        throttle.is_right("192.0.2.7", PASSWORD, HASH, now_s=NOW)
    assert throttle.is_right("192.0.2.7", PASSWORD, HASH, now_s=NOW + 2)


def test_all_addresses_of_one_ipv6_network_wait_together() -> None:
    throttle = Throttle()
    for number in range(4):
        throttle.failed(f"2001:db8::{number}", now_s=NOW)
    assert throttle.wait_s("2001:db8::ffff", now_s=NOW) == 2
    assert throttle.wait_s("2001:db8:0:1::1", now_s=NOW) == 0


def socket_line(local: str, remote: str, *, owner: int, inode: int = 4711) -> str:
    return f"   1: {local} {remote} 01 00000000:00000000 00:00000000 00000000  {owner}  0 {inode} 1 0000 20 0 0 10 -1\n"


@pytest.mark.parametrize(
    ("line", "peer", "is_other"),
    [
        (socket_line("0100007F:C350", "0100007F:2135", owner=33_333), "127.0.0.1", True),
        (socket_line("0100007F:C350", "0100007F:2135", owner=33_333), "::ffff:127.0.0.1", True),
        (
            socket_line("00000000000000000000000001000000:C350", f"{'0' * 24}01000000:2135", owner=33_333),
            "::1",
            True,
        ),
        (
            socket_line("0000000000000000FFFF00000100007F:C350", "0000000000000000FFFF00000100007F:2135", owner=33_333),
            "::ffff:127.0.0.1",
            True,
        ),
        (socket_line("0100007F:C350", "0100007F:2135", owner=0), "127.0.0.1", False),
        (socket_line("0100007F:C350", "0100007F:2135", owner=os.geteuid()), "127.0.0.1", False),
        (socket_line("0100007F:C350", "0100007F:2135", owner=33_333, inode=0), "127.0.0.1", False),
        (socket_line("0100007F:C351", "0100007F:2135", owner=33_333), "127.0.0.1", False),
        (socket_line("0100007F:C350", "0100007F:2136", owner=33_333), "127.0.0.1", False),
        (socket_line("020200C0:C350", "0100007F:2135", owner=33_333), "127.0.0.1", False),
        (socket_line("0100007F:C350", "0100007F:2135", owner=33_333), "192.0.2.7", False),
        ("", "127.0.0.1", False),
    ],
)
def test_a_connection_of_another_user_of_this_machine_is_told_from_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, peer: str, is_other: bool
) -> None:
    table = tmp_path / "tcp"
    table.write_text(f"  sl  local_address rem_address\n{line}")
    monkeypatch.setattr(access, "_SOCKETS", (tmp_path / "missing", table))
    assert is_of_other_user(peer, port=0x2135, peer_port=0xC350) is is_other


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells who holds a socket")
def test_ones_own_connection_is_found_in_the_systems_tables() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            mine = ("127.0.0.1", client.getsockname()[1], port, os.geteuid())
            assert mine in list(access._connections())
            assert not is_of_other_user("127.0.0.1", port=port)
