"""`understudy characters` as a process, against the real server."""

import json
from pathlib import Path

import pytest
from tests.characters.made_cards import V1, V2, png, text_chunk
from tests.cli.running import Workplace

PICTURE = png(text_chunk("chara", V2))


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card of Pedro's in a picture."""
    path = tmp_path / "card.png"
    path.write_bytes(PICTURE)
    return path


def test_a_card_becomes_a_character_and_a_card_again(
    served: tuple[Workplace, str], card: Path, tmp_path: Path
) -> None:
    workplace, _ = served
    ran = workplace.run("characters", "import", str(card), "--instance", "pedro", "--json")
    assert ran.code == 0, ran.err
    (made,) = ran.json
    assert made["name"] == "Pedro"
    assert "instance:pedro" in ran.err

    listed = workplace.run("characters", "list")
    assert [line.split() for line in listed.out.splitlines()] == [
        ["ID", "NAME", "INSTANCES"],
        [made["id"], "Pedro", "pedro"],
    ]
    out = tmp_path / "out.png"
    ran = workplace.run("characters", "export", "Pedro", "--output", str(out))
    assert (ran.code, ran.out.strip()) == (0, str(out))
    assert out.read_bytes() == PICTURE
    again = workplace.run("characters", "export", "Pedro", "--output", str(out))
    assert again.code == 1 and "is there already" in again.err
    assert workplace.run("characters", "export", made["id"]).out == V2
    printed = workplace.run("characters", "export", made["id"], "--version", "3")
    assert json.loads(printed.out)["spec"] == "chara_card_v3"


def test_a_card_that_is_none_keeps_back_no_other(
    served: tuple[Workplace, str], tmp_path: Path
) -> None:
    workplace, _ = served
    bad, good = tmp_path / "bad.json", tmp_path / "good.json"
    bad.write_text("[]")
    good.write_text(V1)
    ran = workplace.run("characters", "import", str(tmp_path / "gone"), str(bad), str(good))
    assert ran.code == 1
    gone, refused = ran.err.splitlines()
    assert gone.startswith(f"{tmp_path / 'gone'}: It cannot be read")
    assert refused.startswith(f"{bad}: ") and "no JSON object" in refused
    assert ran.out.split()[-1] == "Ada"


def test_what_cannot_be_exported(served: tuple[Workplace, str], tmp_path: Path) -> None:
    workplace, _ = served
    ran = workplace.run("characters", "export", "Nobody")
    assert ran.code == 1 and "no character 'Nobody'" in ran.err
    ran = workplace.run("characters", "export", "Nobody", "--output", str(tmp_path / "a.webp"))
    assert ran.code == 1 and "name it .png or .json" in ran.err
