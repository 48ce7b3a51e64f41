import ipaddress

import pytest

from understudy.responses.mcp.addresses import UrlRefused, is_public, server_url


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001::1"],
)
def test_an_address_of_the_public_network_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254"),
        *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1"),
        *("192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
        *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::7f00:1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1"),
        *("fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1"),
    ],
)
def test_an_address_of_another_network_is_not(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


def test_a_url_is_shown_without_what_may_be_secret() -> None:
    url = server_url("https://mcp.example.com:8443/key-1/mcp?token=2", is_private_allowed=False)
    assert (url.host, url.port) == ("mcp.example.com", 8443)
    assert url.shown == "https://mcp.example.com:8443"
    assert server_url("http://[::1]/mcp", is_private_allowed=True).shown == "http://[::1]"


@pytest.mark.parametrize(
    "text",
    [
        *("", "mcp.example.com", "//mcp.example.com", "file:///etc/passwd", "https://"),
        *("https://[::1", "https://a b.example/", "https://m\u00fcnchen.example/", "https://x\n"),
        *("https://127.0.0.1/", "https://10.0.0.1:8080/", "https://[::ffff:8.8.8.8]/"),
        *("https://LOCALHOST./", "https://api.localhost/", "https://0.0.0.0/"),
        "https://example.com/" + "x" * 2048,
    ],
)
def test_a_url_that_leads_nowhere_or_home_is_refused(text: str) -> None:
    with pytest.raises(UrlRefused):
        server_url(text, is_private_allowed=False)
