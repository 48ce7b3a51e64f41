import pytest

from understudy.cli.client import ApiClient, RequestFailed, base_url_of


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        ("localhost:8000", "http://localhost:8000/v1"),
        ("https://host/compatible-mode/v1", "https://host/compatible-mode/v1"),
    ],
)
def test_a_url_becomes_a_base_url(given: str, base_url: str) -> None:
    assert base_url_of(given) == base_url


@pytest.mark.parametrize("given", ["ftp://host", "http://", "http://[broken", "://"])
def test_what_is_no_url_is_said(given: str) -> None:
    with pytest.raises(RequestFailed, match="is no URL of a server"):
        base_url_of(given)


def test_a_key_that_cannot_be_sent_is_said() -> None:
    with pytest.raises(RequestFailed, match="copy it again"):
        ApiClient("http://127.0.0.1:1/v1", "sk-“typographic”")
