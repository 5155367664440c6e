"""Who may come in: the password, the signed cookie, and what counts as the user of this very machine."""

import base64
import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import InvalidInput

COOKIE = "switchboard_session"
SESSION_S = 30 * 24 * 3600
SHORTEST_PASSWORD = 8
# OWASP's recommendation for scrypt (cheat sheet, 2026-11): 17 doublings take 0.3 s and 128 MB; 2**15 needs 32 MB, which
# a small hosted app can spare.
_N, _R, _P = 2**15, 8, 3
_MEMORY = 128 * _N * _R * 2
_FREE_TRIES = 3
_LONGEST_WAIT_S = 60.0
_ONE_AT_A_TIME = threading.Lock()  # each hash takes its memory: a flood of forms shall not take it many times over
# Any of these means that somebody else's request was passed on to us.
_FORWARDING = ("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip")
_FORWARDING_PREFIXES = ("x-forwarded", "x-original-", "x-envoy-", "x-amz", "fly-", "cf-")
_HOST = re.compile(r"(?:\[([^\]]*)\]|([^:\[\]]*))(?::\d*)?")
_SOCKETS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known of a request. Header names are lower case."""

    listening: str | None  # the address the server is bound to; None: all of them
    peer: str | None
    headers: Mapping[str, str]
    session: str | None  # the cookie
    http_version: str = "1.1"
    is_of_other_user: bool = False  # the system says that another of its users holds the other end


@dataclass(frozen=True, slots=True)
class Door:
    """How the app is guarded."""

    password_hash: str | None = None
    is_open_on_loopback: bool = True

    def admits(self, visit: Visit, *, now_s: float) -> bool:
        return self._is_own_user(visit) or self._is_signed_in(visit.session, now_s=now_s)

    def _is_own_user(self, visit: Visit) -> bool:
        """Whether the request comes from this machine and was not passed on by anything.

        An address alone proves nothing: a proxy on this machine is loopback too, and a foreign page can make its name
        resolve to 127.0.0.1. So the Host has to be this machine's as well, and the Origin the same: another program's
        page on this machine is foreign too. nginx's defaults forward no trace of their client, but speak HTTP/1.0, as
        no browser does, and run as a user of their own (tried 2026-11-24 with 1.22).
        """
        if any(name in _FORWARDING or name.startswith(_FORWARDING_PREFIXES) for name in visit.headers):
            return False
        if visit.http_version == "1.0" or visit.is_of_other_user or not _is_loopback(visit.peer or ""):
            return False
        host, origin = visit.headers.get("host", ""), visit.headers.get("origin")
        if not _is_loopback(_host(host)) or (origin and _authority(origin) != host.lower()):
            return False
        if visit.listening and _is_loopback(visit.listening):
            return True
        return self.password_hash is None and self.is_open_on_loopback

    def _is_signed_in(self, session: str | None, *, now_s: float) -> bool:
        if not self.password_hash or not session:
            return False
        expires, _, signature = session.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(expires).encode()):
            return False
        return expires.isdigit() and int(expires) > now_s

    def new_session(self, *, now_s: float) -> str:
        """Return a cookie's value that is good for 30 days, or until the password changes."""
        expires = str(int(now_s) + SESSION_S)
        return f"{expires}.{self._sign(expires)}"

    def _sign(self, text: str) -> str:
        # The key comes from the password's hash: another password signs everybody out, and there is no second secret.
        key = hashlib.sha256(b"switchboard-session:" + (self.password_hash or "").encode()).digest()
        return base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).decode().rstrip("=")


class Throttle:
    """Makes each wrong password from one address cost more time than the last."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, float]] = {}  # address -> how many in a row, when the last
        self._lock = threading.Lock()

    def is_right(self, peer: str, password: str, password_hash: str, *, now_s: float) -> bool:
        """Try a password, and count it if it is wrong. Raises InvalidInput if this address has to wait first.

        One try at a time: many sent at once are not one try each.
        """
        with self._lock:
            if (wait_s := self.wait_s(peer, now_s=now_s)) > 0:
                raise InvalidInput(f"Too many wrong passwords. Try again in {wait_s:.0f} s.", field="password")
            if is_password(password, password_hash):
                self.succeeded(peer)
                return True
            self.failed(peer, now_s=now_s)
            return False

    def wait_s(self, peer: str, *, now_s: float) -> float:
        """Return how long this address has to wait before its next try."""
        count, last_s = self._failures.get(_network(peer), (0, 0.0))
        if count < _FREE_TRIES:
            return 0.0
        return max(last_s + min(2.0 ** (count - _FREE_TRIES), _LONGEST_WAIT_S) - now_s, 0.0)

    def failed(self, peer: str, *, now_s: float) -> None:
        count, _ = self._failures.get(_network(peer), (0, 0.0))
        if len(self._failures) > 10_000:
            self._failures.clear()
        self._failures[_network(peer)] = (count + 1, now_s)

    def succeeded(self, peer: str) -> None:
        self._failures.pop(_network(peer), None)


def hash_password(password: str) -> str:
    """Return what may stand in the secrets: scrypt with its parameters and salt. Raises InvalidInput if too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(f"A password has at least {SHORTEST_PASSWORD} characters.", field="password")
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, _N, _R, _P)
    return f"scrypt:{_N}:{_R}:{_P}:{_text(salt)}:{_text(digest)}"


def is_password(password: str, password_hash: str) -> bool:
    """Compare in constant time. A hash that cannot be read admits nobody."""
    try:
        kind, n, r, p, salt, digest = password_hash.split(":")
        if kind != "scrypt":
            return False
        found = _scrypt(password, base64.urlsafe_b64decode(salt), int(n), int(r), int(p))
        return hmac.compare_digest(found, base64.urlsafe_b64decode(digest))
    except (ValueError, TypeError):  # TypeError: scrypt's word for a number that is too large
        return False


def is_of_other_user(peer: str, *, port: int, peer_port: int | None = None) -> bool:
    """Whether the system says that another of its users, root apart, holds the peer's end of a connection to our port.

    Without `peer_port`: of any connection from that address. Linux only; elsewhere nothing is known of it, and False.
    """
    if not _is_loopback(peer):
        return False
    owners = {
        owner
        for address, from_port, to_port, owner in _connections()
        if to_port == port and from_port == (peer_port or from_port) and _is_loopback(address)
    }
    return bool(owners) and not owners <= {0, os.geteuid()}  # without the tables there is no geteuid() either


def _connections() -> Iterator[tuple[str, int, int, int]]:
    """Yield address, port, the other end's port and the owner of every open TCP socket of this machine."""
    for table in _SOCKETS:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            (address, _, port), (_, _, to_port) = fields[1].partition(":"), fields[2].partition(":")
            if fields[9] != "0":  # the inode: a socket that nobody holds any more belongs to nobody
                yield _address(address), int(port, 16), int(to_port, 16), int(fields[7])


def _address(field: str) -> str:
    """Return the address that the kernel writes as 32-bit words in the machine's byte order."""
    words = [int(field[at : at + 8], 16) for at in range(0, len(field), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))


def _network(peer: str) -> str:
    """Return whom a try is counted for: who has one IPv6 address has 2**64."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    return str(ipaddress.ip_network(f"{peer}/64", strict=False)) if _is_wide(address) else peer


def _is_wide(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    with _ONE_AT_A_TIME:
        return hashlib.scrypt(password.encode("utf-8", "replace"), salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=32)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _host(header: str) -> str:
    """Return the host of a Host header, without its port; of what is no host, nothing."""
    match = _HOST.fullmatch(header)
    return (match.group(1) or match.group(2)) if match else ""


def _authority(origin: str) -> str:
    """Return the host and port of an Origin header as they stand in a Host header."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    name = host.strip().lower().rstrip(".")
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback
