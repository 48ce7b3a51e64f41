import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from understudy.store.sealing import SealBroken, Sealer


def test_what_is_sealed_is_read_by_who_has_the_key(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "data").seal("a secret, ein Schlüssel, 密钥")
    assert "secret" not in sealed
    assert Sealer(tmp_path / "data").open(sealed) == "a secret, ein Schlüssel, 密钥"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    Sealer(tmp_path).seal("a secret")
    (key,) = tmp_path.iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "one").seal("a secret")
    with pytest.raises(SealBroken, match="not the one it was sealed with"):
        Sealer(tmp_path / "two").open(sealed)


def test_a_changed_text_is_not_opened(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path)
    sealed = sealer.seal("a secret")
    with pytest.raises(SealBroken):
        sealer.open(sealed[:-6] + "AAAA==")


def test_a_damaged_key_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "seal.key").write_bytes(b"not a key")
    with pytest.raises(SealBroken, match="remove it"):
        Sealer(tmp_path).seal("a secret")


def test_those_who_come_at_once_agree_on_a_key(tmp_path: Path) -> None:
    sealers = [Sealer(tmp_path) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda sealer: sealer.seal("a secret"), sealers))
    assert [sealers[0].open(one) for one in sealed] == ["a secret"] * 8
    assert [path.name for path in tmp_path.iterdir()] == ["seal.key"]
