"""Who is let in: passwords, cookies, and what counts as this machine's own user."""

import pytest

from core.access import SESSION_S, Door, Throttle, Visit, hash_password, is_password
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
        (visit(x_forwarded_for="127.0.0.1"), False),
        (visit(forwarded="for=127.0.0.1"), False),
        (visit(x_real_ip="127.0.0.1"), False),
        (visit(cf_connecting_ip="1.2.3.4"), False),
        (visit(via="1.1 proxy"), False),
        (visit(listening="127.0.0.1", x_forwarded_for="1.2.3.4"), False),
        (visit(listening="127.0.0.1", host="evil.example"), False),
        (visit(host=""), False),
        (visit(peer=""), False),
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
    "damaged", ["", "plain", "scrypt:1:2", "md5:1:1:1:a:b", "scrypt:x:8:1:a:b", "scrypt:3:8:1:YQ==:YQ=="]
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
