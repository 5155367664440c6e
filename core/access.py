"""Who may come in: the password, the signed cookie, and what counts as the user of this very machine."""

import base64
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
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
# Any of these means that somebody else's request was passed on to us.
_FORWARDING = ("forwarded", "via", "x-real-ip", "true-client-ip")
_FORWARDING_PREFIXES = ("x-forwarded", "cf-")


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known of a request. Header names are lower case."""

    listening: str | None  # the address the server is bound to; None: all of them
    peer: str | None
    headers: Mapping[str, str]
    session: str | None  # the cookie


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
        resolve to 127.0.0.1. So the Host and the Origin have to be this machine's as well.
        """
        if any(name in _FORWARDING or name.startswith(_FORWARDING_PREFIXES) for name in visit.headers):
            return False
        origin = visit.headers.get("origin")
        if not _is_loopback(_host(visit.headers.get("host", ""))) or (
            origin and not _is_loopback(_origin_host(origin))
        ):
            return False
        if visit.listening and _is_loopback(visit.listening):
            return True
        return self.password_hash is None and self.is_open_on_loopback and _is_loopback(visit.peer or "")

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

    def wait_s(self, peer: str, *, now_s: float) -> float:
        """Return how long this address has to wait before its next try."""
        count, last_s = self._failures.get(peer, (0, 0.0))
        if count < _FREE_TRIES:
            return 0.0
        return max(last_s + min(2.0 ** (count - _FREE_TRIES), _LONGEST_WAIT_S) - now_s, 0.0)

    def failed(self, peer: str, *, now_s: float) -> None:
        count, _ = self._failures.get(peer, (0, 0.0))
        if len(self._failures) > 10_000:
            self._failures.clear()
        self._failures[peer] = (count + 1, now_s)

    def succeeded(self, peer: str) -> None:
        self._failures.pop(peer, None)


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
    except ValueError:
        return False


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "replace"), salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=32)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _host(header: str) -> str:
    """Return the host of a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def _origin_host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
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
