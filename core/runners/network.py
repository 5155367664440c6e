"""Network failures in words: what a request that got no answer, or half of one, ran into. Pure."""

import errno
import socket
import ssl
from collections.abc import Callable, Iterator

import httpx2

from core.errors import ErrorKind, ProviderError
from core.runners.failures import Failures


def broken(error: BaseException, failures: Failures) -> ProviderError:
    """Return what an exception after the first byte of an answer means."""
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, httpx2.DecodingError):
        return failures.malformed(detail)
    if isinstance(error, httpx2.TimeoutException):
        return failures.error(ErrorKind.TIMEOUT, "{provider} stopped sending. Try again.", detail=detail)
    return failures.interrupted(detail)


def unreachable(error: BaseException, failures: Failures) -> ProviderError:
    """Return why a request got no answer: the name, the port, the certificate, the proxy or the time."""
    found = list(causes(error))
    detail = " / ".join(dict.fromkeys(f"{type(cause).__name__}: {cause}".rstrip(": ") for cause in found))
    for kind, message, applies in _NETWORK:
        if any(applies(cause) for cause in found):
            return failures.error(kind, message, detail=detail)
    return failures.error(
        ErrorKind.NETWORK, "{provider} cannot be reached. Check your network and try again.", detail=detail
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the exception and what caused it, from the outside in, groups included."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        cause = waiting.pop(0)
        if cause is None or id(cause) in seen or len(seen) > 30:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [cause.__cause__ or cause.__context__]
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions


def _is(*kinds: type[BaseException]) -> Callable[[BaseException], bool]:
    return lambda cause: isinstance(cause, kinds)


def _has_errno(*numbers: int) -> Callable[[BaseException], bool]:
    return lambda cause: isinstance(cause, OSError) and cause.errno in numbers


_CHECK_URL = "Check the base URL on the Providers page"
# From the precise to the vague: a refused connection is also an OSError, a certificate also a TLS error.
_NETWORK: tuple[tuple[ErrorKind, str, Callable[[BaseException], bool]], ...] = (
    (
        ErrorKind.NETWORK,
        f"The server name of {{provider}} was not found (DNS). {_CHECK_URL}, and your network.",
        _is(socket.gaierror),
    ),
    (
        ErrorKind.NETWORK,
        "The proxy in front of {provider} failed. Check HTTPS_PROXY and HTTP_PROXY in this server's environment.",
        _is(httpx2.ProxyError),
    ),
    (
        ErrorKind.NETWORK,
        f"The certificate of {{provider}} is not trusted (TLS). {_CHECK_URL}; a company network may need its own"
        " certificate in SSL_CERT_FILE.",
        _is(ssl.SSLCertVerificationError),
    ),
    (
        ErrorKind.NETWORK,
        f"No secure connection to {{provider}} (TLS). {_CHECK_URL}: does it begin with https where it should be http?",
        _is(ssl.SSLError),
    ),
    (
        ErrorKind.NETWORK,
        f"{{provider}} refused the connection. {_CHECK_URL}, and whether the server is running.",
        _has_errno(errno.ECONNREFUSED),
    ),
    (
        ErrorKind.NETWORK,
        f"There is no way to the server of {{provider}} from here. {_CHECK_URL}, and your network.",
        _has_errno(errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN),
    ),
    (
        ErrorKind.TIMEOUT,
        f"{{provider}} did not accept a connection in time. {_CHECK_URL}, and your network.",
        _is(httpx2.ConnectTimeout),
    ),
    (ErrorKind.TIMEOUT, "{provider} did not answer in time. Try again.", _is(httpx2.TimeoutException)),
    (
        ErrorKind.BAD_REQUEST,
        f"The base URL of {{provider}} cannot be used. {_CHECK_URL}.",
        _is(httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.LocalProtocolError, ValueError, OverflowError),
    ),
    (
        ErrorKind.NETWORK,
        f"{{provider}} closed the connection without an answer. Try again; if it stays so: {_CHECK_URL}.",
        _is(httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError, ConnectionError),
    ),
)
