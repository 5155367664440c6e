"""Every form of a base URL that people paste, and every one that is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.urls import URL_LIMIT, normalise, origin

ACCEPTED = [
    # (pasted, protocol, base URL)
    ("https://api.openai.com/v1", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1/", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1///", "openai", "https://api.openai.com/v1"),
    ("  https://api.openai.com/v1\n", "openai", "https://api.openai.com/v1"),
    ("\ufeffhttps://api.openai.com\u200b/v1\u200b", "openai", "https://api.openai.com/v1"),
    ('"https://api.openai.com/v1"', "openai", "https://api.openai.com/v1"),
    ("'https://api.openai.com/v1'", "openai", "https://api.openai.com/v1"),
    ("`https://api.openai.com/v1`", "openai", "https://api.openai.com/v1"),
    ("“https://api.openai.com/v1”", "openai", "https://api.openai.com/v1"),
    ("<https://api.openai.com/v1>", "openai", "https://api.openai.com/v1"),
    ('<"https://api.openai.com/v1"> ', "openai", "https://api.openai.com/v1"),
    ("api.openai.com/v1", "openai", "https://api.openai.com/v1"),
    ("//api.openai.com/v1", "openai", "https://api.openai.com/v1"),
    ("HTTPS://API.OpenAI.COM/v1", "openai", "https://api.openai.com/v1"),
    ("https:api.openai.com/v1", "openai", "https://api.openai.com/v1"),
    ("https:/api.openai.com/v1", "openai", "https://api.openai.com/v1"),
    ("https:///api.openai.com/v1", "openai", "https://api.openai.com/v1"),
    ("https//api.openai.com/v1", "openai", "https://api.openai.com/v1"),
    ("https://https://api.openai.com/v1", "openai", "https://api.openai.com/v1"),
    ("https://http://localhost:1234/v1", "openai", "http://localhost:1234/v1"),
    ("https://api.openai.com:443/v1", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com:/v1", "openai", "https://api.openai.com/v1"),
    ("http://api.example.com:80", "openai", "http://api.example.com"),
    ("http://api.example.com:443", "openai", "http://api.example.com:443"),
    ("https://api.example.com:08443/v1", "openai", "https://api.example.com:8443/v1"),
    ("api.example.com:443/v1", "openai", "https://api.example.com/v1"),
    ("api.example.com:80/v1", "openai", "http://api.example.com/v1"),
    ("api.example.com:8443", "openai", "https://api.example.com:8443"),
    ("https://api.example.com.", "openai", "https://api.example.com"),
    ("https://api.openai.com/v1/v1", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com//v1//", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1/chat/completions", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1/chat/completions/", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1/v1/chat/completions", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1/Chat/Completions", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1/completions", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1/responses", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1/models", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1/embeddings", "openai", "https://api.openai.com/v1"),
    ("https://api.openai.com", "openai", "https://api.openai.com"),
    ("https://api.z.ai/api/paas/v4/chat/completions", "openai", "https://api.z.ai/api/paas/v4"),
    ("https://api.z.ai/api/paas/v4/v4", "openai", "https://api.z.ai/api/paas/v4"),
    (
        "https://generativelanguage.googleapis.com/v1beta/openai/",
        "openai",
        "https://generativelanguage.googleapis.com/v1beta/openai",
    ),
    ("https://x.openai.azure.com/openai/v1/", "openai", "https://x.openai.azure.com/openai/v1"),
    ("https://api.example.com/Team%20A/v1", "openai", "https://api.example.com/Team%20A/v1"),
    ("https://api.example.com/équipe/v1", "openai", "https://api.example.com/%C3%A9quipe/v1"),
    ("https://api.example.com/@cf/v1", "openai", "https://api.example.com/@cf/v1"),
    ("https://api.anthropic.com/v1", "anthropic", "https://api.anthropic.com"),
    ("https://api.anthropic.com/v1/messages", "anthropic", "https://api.anthropic.com"),
    ("https://api.anthropic.com/v1/v1/models", "anthropic", "https://api.anthropic.com"),
    ("https://api.deepseek.com/anthropic/v1/messages", "anthropic", "https://api.deepseek.com/anthropic"),
    ("https://api.z.ai/api/anthropic", "anthropic", "https://api.z.ai/api/anthropic"),
    ("https://api.z.ai/api/anthropic/v1", "claude_agent", "https://api.z.ai/api/anthropic"),
    ("localhost:11434", "openai", "http://localhost:11434"),
    ("localhost:11434/v1/", "openai", "http://localhost:11434/v1"),
    ("localhost", "openai", "http://localhost"),
    ("https://localhost:8443", "openai", "https://localhost:8443"),
    ("127.0.0.1:8080/v1", "openai", "http://127.0.0.1:8080/v1"),
    ("127.1:8080", "openai", "http://127.0.0.1:8080"),
    ("http://2130706433/", "openai", "http://127.0.0.1"),
    ("http://0x7f.0.0.1", "openai", "http://127.0.0.1"),
    ("http://0177.0.0.1", "openai", "http://127.0.0.1"),
    ("192.168.1.20:1234/v1", "openai", "http://192.168.1.20:1234/v1"),
    ("10.0.0.5", "openai", "http://10.0.0.5"),
    ("8.8.8.8:4000", "openai", "https://8.8.8.8:4000"),
    ("litellm:4000", "openai", "http://litellm:4000"),
    ("my_proxy:4000", "openai", "http://my_proxy:4000"),
    ("host.docker.internal:11434", "openai", "http://host.docker.internal:11434"),
    ("studio.local:1234", "openai", "http://studio.local:1234"),
    ("[::1]:8080/v1", "openai", "http://[::1]:8080/v1"),
    ("http://[0:0:0:0:0:0:0:1]", "openai", "http://[::1]"),
    ("https://[2606:4700::1111]:443/v1", "openai", "https://[2606:4700::1111]/v1"),
    ("[2606:4700::1111]", "openai", "https://[2606:4700::1111]"),
    ("http://[::ffff:127.0.0.1]:9000", "openai", "http://127.0.0.1:9000"),
    ("https://münchen.example/v1", "openai", "https://xn--mnchen-3ya.example/v1"),
    ("https://straße.example", "openai", "https://xn--strae-oqa.example"),
    ("https://api。example。com", "openai", "https://api.example.com"),
    ("http://１２７.0.0.1", "openai", "http://127.0.0.1"),
]

REFUSED = [
    # (pasted, words of the reason)
    ("", "Enter a base URL"),
    (" \u200b\n", "Enter a base URL"),
    ('""', "Enter a base URL"),
    ("https://", "no host"),
    ("https://:8080", "no host"),
    ("/v1/chat/completions", "no host"),
    ("javascript:alert(1)", "not with javascript:"),
    ("JavaScript:1", "not with javascript:"),
    ("javascript://example.com/%0aalert(1)", "not with javascript:"),
    ("file:///etc/passwd", "not with file:"),
    ("ftp://example.com", "not with ftp:"),
    ("data:text/html,x", "not with data:"),
    ("wss://example.com", "not with wss:"),
    ("foo://example.com", "not with foo:"),
    ("mailto:me@example.com", "not with mailto:"),
    ("https://user:hunter2@example.com/v1", "user name or password"),
    ("https://hunter2@example.com", "user name or password"),
    ("user:hunter2@example.com", "user name or password"),
    ("user.name:hunter2@example.com", "user name or password"),
    ("https://example.com/v1?api-version=hunter2", "query"),
    ("https://example.com?key=hunter2", "query"),
    ("https://example.com/v1#hunter2", "fragment"),
    ("https://exa mple.com", "blank"),
    ("https://example.com/a b", "blank"),
    ("https://example\n.com", "blank"),
    ("https://example.com/\x00", "invalid character"),
    ("https://example.com/\ud800", "invalid character"),
    ("https:\\\\example.com\\v1", "backslash"),
    ("https://example.com:99999", "port"),
    ("https://example.com:0", "port"),
    ("https://example.com:80a", "port"),
    ("https://example.com:-1", "port"),
    ("https://example.com:٨٠", "port"),
    ("example.com:port/v1", "port"),
    ("localhost:port", "port"),
    ("https://exa..mple.com", "host name"),
    ("https://-example.com", "host name"),
    ("https://example.com%2f@x", "user name or password"),
    ("https://exa%6dple.com", "host name"),
    ("https://{resource}.openai.azure.com", "host name"),
    ("https://" + "a" * 64 + ".com", "host name"),
    ("https://\u2100.com", "host name"),
    ("https://example.com/{account}/v1", "path"),
    ("https://example.com/v1%", "path"),
    ("https://example.com/v1/../admin", ". or .."),
    ("https://example.com/" + "a" * URL_LIMIT, "2,000"),
    ("https://example.com/" + "é" * 1000, "2,000"),
    ("sk-hunter2hunter2hunter2", "no address"),
    ("::1", "brackets"),
    ("::1:8080", "brackets"),
    ("fe80::1", "brackets"),
    ("2606:4700::1111", "brackets"),
    ("http://[::1", "not complete"),
    ("http://[::1]8080", "not complete"),
    ("http://[example.com]", "IPv6"),
    ("http://[fe80::1%25eth0]", "link-local"),
    ("http://[fe80::1]", "link-local"),
    ("http://169.254.169.254/latest/meta-data", "link-local"),
    ("169.254.1.1:8080", "link-local"),
    ("http://2852039166", "link-local"),
    ("http://0xA9FEA9FE", "link-local"),
    ("http://0251.0376.0251.0376", "link-local"),
    ("http://169.16689662", "link-local"),
    ("http://１６９。２５４。１６９。２５４", "link-local"),
    ("http://0xａ9fea9fe", "link-local"),
    ("http://[::ffff:169.254.169.254]", "link-local"),
    ("http://[::ffff:a9fe:a9fe]", "link-local"),
    ("http://[::169.254.169.254]", "link-local"),
    ("http://[64:ff9b::169.254.169.254]", "link-local"),
    ("http://[2002:a9fe:a9fe::1]", "link-local"),
    ("http://[fd00:ec2::254]", "metadata"),
    ("http://100.100.100.200", "metadata"),
    ("http://metadata.google.internal/computeMetadata/v1", "metadata"),
    ("http://METADATA.google.internal.", "metadata"),
    ("0.0.0.0:8000", "Use localhost"),
    ("http://[::]:8000", "Use localhost"),
    ("http://0.1.2.3", "not the address of a server"),
    ("http://224.0.0.1", "not the address of a server"),
    ("http://255.255.255.255", "not the address of a server"),
    ("http://256.1.1.1", "IPv4"),
    ("http://1.2.3.4.5", "IPv4"),
    ("http://08.0.0.1", "IPv4"),
    ("http://1_0.0.0.1", "IPv4"),
    ("http://4294967296", "IPv4"),
]


@pytest.mark.parametrize(("pasted", "protocol", "expected"), ACCEPTED)
def test_a_pasted_form_becomes_the_one_base_url(pasted: str, protocol: str, expected: str) -> None:
    assert normalise(pasted, protocol) == expected


@pytest.mark.parametrize(("pasted", "protocol", "expected"), ACCEPTED)
def test_normalising_twice_changes_nothing(pasted: str, protocol: str, expected: str) -> None:
    assert normalise(expected, protocol) == expected


@pytest.mark.parametrize(("pasted", "reason"), REFUSED)
def test_a_bad_form_is_refused_with_its_reason_and_without_its_secrets(pasted: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        normalise(pasted, "openai")
    assert reason in caught.value.message
    assert caught.value.field == "base_url"
    assert "hunter2" not in caught.value.message


PRIVATE = [
    "localhost:11434",
    "app.localhost",
    "127.0.0.1",
    "127.1",
    "2130706433",
    "http://0x7f000001",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "[::1]",
    "[fd12::1]",
    "[::ffff:192.168.0.1]",
    "[64:ff9b::10.0.0.1]",
    "[2002:0a00:0001::1]",
    "litellm:4000",
    "host.docker.internal",
    "studio.local",
]


@pytest.mark.parametrize("pasted", PRIVATE)
def test_a_private_address_is_refused_only_where_it_is_not_allowed(pasted: str) -> None:
    assert normalise(pasted, "openai").startswith("http://")
    with pytest.raises(InvalidInput, match="not allowed here"):
        normalise(pasted, "openai", allow_private=False)


@pytest.mark.parametrize("pasted", ["https://api.openai.com/v1", "8.8.8.8", "[2606:4700::1111]"])
def test_a_public_address_is_allowed_everywhere(pasted: str) -> None:
    assert normalise(pasted, "openai", allow_private=False) == normalise(pasted, "openai")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com"),
        ("https://API.openai.com:443/other", "https://api.openai.com"),
        ("http://localhost:11434/v1", "http://localhost:11434"),
        ("http://[::1]:8080/v1", "http://[::1]:8080"),
        ("", ""),
    ],
)
def test_two_spellings_of_an_address_have_one_origin(url: str, expected: str) -> None:
    assert origin(url) == expected


def test_scheme_host_and_port_each_make_another_origin() -> None:
    urls = ["https://a.example", "http://a.example", "https://b.example", "https://a.example:8443"]
    assert len({origin(url) for url in urls}) == len(urls)


_WORDS = """http https : / // :// v1 /v1 /v4 chat/completions /messages /models localhost 127.1 0x7f [::1] [ ]
api.example.com münchen.de a é 8080 443 . .. 。 - _ " ' < > “ % %20 @ ? # \\ ９ ß İ"""
_PIECES = st.sampled_from([*_WORDS.split(), " ", "\n", "\u200b"])


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(_PIECES, max_size=12).map("".join)), st.sampled_from(["openai", "anthropic"]))
def test_normalise_is_idempotent_or_refuses(text: str, protocol: str) -> None:
    try:
        once = normalise(text, protocol)
    except InvalidInput:
        return
    assert normalise(once, protocol) == once
    assert once.isascii()
    assert origin(once) == origin(origin(once))


@settings(deadline=None)
@given(st.lists(_PIECES, max_size=8).map(lambda pieces: "https://api.example.com/" + "".join(pieces)))
def test_a_path_never_changes_where_the_request_goes(text: str) -> None:
    try:
        url = normalise(text, "openai")
    except InvalidInput:
        return
    assert origin(url) == "https://api.example.com"
