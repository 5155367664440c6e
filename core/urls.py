"""Base URLs as people paste them: one spelling for verify, discovery and chat, or a refusal that says why. Pure."""

import ipaddress
import re
import unicodedata
from typing import NoReturn
from urllib.parse import quote

import idna

from core.errors import InvalidInput

URL_LIMIT = 2000

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_DEFAULT_PORTS = {"http": 80, "https": 443}
_WRAPPING = "\"'`<>“”‘’„«»"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# Not a host name in front of a port, whatever follows the colon.
_OTHER_SCHEMES = frozenset({"javascript", "vbscript", "data", "blob", "file", "ftp", "sftp", "mailto", "ws", "wss"})
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ENDPOINT = re.compile(r"/(chat/completions|completions|responses|messages|models|embeddings)$", re.IGNORECASE)
_DOUBLED_VERSION = re.compile(r"(/v\d+)\1+(?=/|$)")
_BAD_IN_PATH = re.compile(r"[\"'`<>{}|^]|%(?![0-9A-Fa-f]{2})")

# Names that only cloud machines resolve, to the service that hands out their credentials.
_METADATA_HOSTS = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")  # Alibaba, Azure, Oracle, AWS
)
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")


def normalise(text: str, protocol: str, *, allow_private: bool = True) -> str:
    """Return the base URL in its one spelling. Raises InvalidInput(field="base_url") with the reason.

    `/v1` is never added: GLM, Gemini and Azure have none. It is cut for the Anthropic protocols, whose SDK adds it.
    `allow_private=False` refuses loopback and private hosts by how they are written; nothing is resolved here.
    """
    url = _unwrap(text)
    scheme, rest = _split_scheme(url)
    authority, slash, path = rest.partition("/")
    _refuse_extras(authority, slash + path)
    host, port = _split_authority(authority)
    if scheme is None:
        if not port and not slash and "." not in host and len(host) >= 20:
            _refuse(
                "This is no address. Enter a base URL such as https://api.example.com/v1; keys have their own field."
            )
        scheme = "http" if _is_private(host) or port == 80 else "https"
    if not allow_private and _is_private(host):
        _refuse(f"{host} is an address of this machine or its own network, which is not allowed here.")
    return _of_sane_length(f"{scheme}://{_join(host, port, scheme)}{_clean_path(slash + path, protocol)}")


def origin(url: str) -> str:
    """Return scheme, host and port of a base URL, without a default port; empty for a protocol without a network.

    Two spellings of one address have one origin. Raises InvalidInput where `normalise` would.
    """
    if not url:
        return ""
    scheme, _, rest = normalise(url, "").partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _refuse(message: str) -> NoReturn:
    raise InvalidInput(message, field="base_url")


def _of_sane_length(url: str) -> str:
    if len(url) > URL_LIMIT:
        _refuse(f"The base URL has {len(url):,} characters; {URL_LIMIT:,} is the most.")
    return url


def _unwrap(text: str) -> str:
    """Return the text without blanks, quotes and brackets around it and without invisible characters."""
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    url = visible.strip()
    while url != (inner := url.strip(_WRAPPING).strip()):
        url = inner
    if not url:
        _refuse("Enter a base URL, for example https://api.example.com/v1.")
    _of_sane_length(url)
    if any(character.isspace() for character in url):
        _refuse("The base URL contains a blank or a line break.")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") for character in url):
        _refuse("The base URL contains an invalid character. Type it by hand.")
    if "\\" in url:
        _refuse("The base URL contains a backslash. Write it with / instead.")
    return url


def _split_scheme(url: str) -> tuple[str | None, str]:
    """Return the scheme, None where it is missing, and the rest without leading slashes."""
    url = re.sub(r"^(https?)//", r"\1://", url, flags=re.IGNORECASE)
    url = re.sub(r"^(?:https?:/+)+(?=https?:/)", "", url, flags=re.IGNORECASE)  # pasted behind a typed https://
    found = _SCHEME.match(url)
    if found is None:
        if url.startswith("/") and not url.startswith("//"):
            _refuse("The base URL has no host. Enter all of it, for example https://api.example.com/v1.")
        return None, url.lstrip("/")
    name, rest = found[1].lower(), url[found.end() :]
    if name in _DEFAULT_PORTS:
        return name, rest.lstrip("/")
    if name not in _OTHER_SCHEMES and _is_host_before_port(name, rest):
        return None, url
    if name not in _OTHER_SCHEMES and "@" in rest.partition("/")[0]:
        _refuse_credentials()
    shown = f", not with {name}:" if name.isalpha() and len(name) <= 12 else ""
    _refuse(f"A base URL begins with https:// or http://{shown}.")


def _is_host_before_port(name: str, rest: str) -> bool:
    """Say whether `name:rest` is a host, its port and a path, or an IPv6 address, rather than another scheme."""
    if re.match(r"[0-9]|/(?!/)|$", rest):
        return True
    if rest.startswith("//") or "@" in rest.partition("/")[0]:
        return False
    return "." in name or name == "localhost" or (re.fullmatch(r"[0-9a-f]+", name) is not None and ":" in rest)


def _refuse_credentials() -> NoReturn:
    _refuse("The base URL contains a user name or password. Leave it out and enter the key in its own field.")


def _refuse_extras(authority: str, path: str) -> None:
    if "@" in re.split(r"[?#]", authority)[0]:
        _refuse_credentials()
    if "?" in authority + path:
        _refuse("The base URL contains a query (?…), which is lost when a request's path is added. Leave it out.")
    if "#" in authority + path:
        _refuse("The base URL contains a fragment (#…), which is never sent to a server. Leave it out.")


def _split_authority(authority: str) -> tuple[str, int | None]:
    """Return the host in its one spelling, an IPv6 address without brackets, and the port."""
    if authority.startswith("["):
        literal, bracket, tail = authority[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            _refuse("The address in [brackets] is not complete.")
        host, port = _ipv6(literal), tail[1:]
    elif authority.count(":") > 1:
        _refuse("Put an IPv6 address in brackets, for example http://[::1]:8080.")
    else:
        name, _, port = authority.partition(":")
        host = _host(name)
    return host, _port(port)


def _port(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 8 and 1 <= int(text) <= 65535):
        _refuse("The port must be a number from 1 to 65535.")
    return int(text)


def _join(host: str, port: int | None, scheme: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None or port == _DEFAULT_PORTS[scheme] else f"{shown}:{port}"


def _ipv6(literal: str) -> str:
    if "%" in literal:
        _refuse("The address has a zone (%…): link-local addresses are not allowed.")
    try:
        address = ipaddress.IPv6Address(literal)
    except ValueError:
        _refuse("The address in [brackets] is not a valid IPv6 address.")
    return _checked(address)


def _host(name: str) -> str:
    if not name:
        _refuse("The base URL has no host. Enter all of it, for example https://api.example.com/v1.")
    host = (name if name.isascii() else _to_ascii(name)).lower().removesuffix(".")
    if _is_numeric(host):
        return _checked(_ipv4(host))
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        _refuse_host()
    if host in _METADATA_HOSTS:
        _refuse_metadata()
    return host


def _to_ascii(name: str) -> str:
    try:  # the package that httpx2 brings and uses: Python's own codec sends straße.de to strasse.de
        return idna.encode(name, uts46=True).decode("ascii")
    except UnicodeError:
        _refuse_host()


def _refuse_host() -> NoReturn:
    _refuse("The host name is not valid. Check the part between // and the next /.")


def _is_numeric(host: str) -> bool:
    """Say whether a resolver would read the name as an IPv4 address: its last label is a number."""
    return _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def _ipv4(host: str) -> ipaddress.IPv4Address:
    """Read an IPv4 address as resolvers do: 127.1, 2130706433, 0x7f.1 and 0177.0.0.1 are all 127.0.0.1."""
    parts = host.split(".")
    try:
        *leading, last = [_number(part) for part in parts]
        if len(parts) > 4 or any(value > 255 for value in leading) or last >= 256 ** (4 - len(leading)):
            raise ValueError
        value = sum(byte << 8 * (3 - index) for index, byte in enumerate(leading)) + last
        return ipaddress.IPv4Address(value)
    except ValueError:
        _refuse("The host is not a valid IPv4 address.")


def _number(part: str) -> int:
    if not _NUMBER.fullmatch(part):
        raise ValueError("not a number")
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") and len(part) > 1 else 10)


def _checked(address: _IPAddress) -> str:
    """Return the address in its one spelling; refuse what no provider can have."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    for seen in (address, *_embedded(address)):
        if seen.is_link_local or seen in _METADATA_ADDRESSES:
            _refuse_metadata()
        if seen.is_unspecified:
            _refuse(f"{address} is where a server listens, not where it is reached. Use localhost.")
        if (
            seen.is_multicast
            or seen in ipaddress.ip_network("0.0.0.0/8")
            or seen in ipaddress.ip_network("240.0.0.0/4")
        ):
            _refuse(f"{address} is not the address of a server.")
    return str(address)


def _embedded(address: _IPAddress) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address may lead to."""
    if isinstance(address, ipaddress.IPv4Address) or address in (
        ipaddress.IPv6Address("::"),
        ipaddress.IPv6Address("::1"),
    ):
        return []
    found = [address.sixtofour] if address.sixtofour else []
    if address in _NAT64 or address in _IPV4_COMPATIBLE:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def _refuse_metadata() -> NoReturn:
    _refuse("This address belongs to the machine's own network service (link-local or metadata), not to a provider.")


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_PRIVATE_SUFFIXES)
    return not all(seen.is_global for seen in (address, *_embedded(address)))


def _clean_path(path: str, protocol: str) -> str:
    """Return the path without pasted endpoints and doubled parts, empty or with a leading slash and no trailing one."""
    if _BAD_IN_PATH.search(path):
        _refuse(
            "The path contains a quote, a bracket or another character to be replaced. Check the end of the base URL."
        )
    path = quote(path, safe="/%:@!$&()*+,;=~")
    if any(segment in (".", "..") for segment in path.split("/")):
        _refuse("The path contains . or .. as a part. Write it out.")
    while path != (shorter := _cut(path, protocol)):
        path = shorter
    return path


def _cut(path: str, protocol: str) -> str:
    path = re.sub(r"/{2,}", "/", path).rstrip("/")
    path = _ENDPOINT.sub("", _DOUBLED_VERSION.sub(r"\1", path))
    # The Messages SDK and the agent add /v1/messages themselves.
    return path.removesuffix("/v1") if protocol in ("anthropic", "claude_agent") else path
