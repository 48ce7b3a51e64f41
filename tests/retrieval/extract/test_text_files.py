"""HTML, Markdown, JSON, CSV and plain text: structure kept, every encoding read."""

import codecs
from pathlib import Path

import pytest
from tests.retrieval.extract.documents import blocks_of, html_page, text_of, write

from understudy.retrieval.extract import Block
from understudy.retrieval.extract.encoding import encoding_of

SPANISH = "Mañana abrirán los comercios de Cádiz según la ordenanza; ¿y después? " * 3
CHINESE = "各地区的商店可以在节假日营业,具体时间由地方政府规定。" * 3


def test_html_has_headings_and_tables_and_no_scripts(tmp_path: Path) -> None:
    page = html_page(
        "<script>var secret = 1</script><style>p {}</style><!-- hidden -->"
        "<h1>Horarios <b>2026</b></h1><p>Abren los<br>domingos<b>,</b> y más.</p>"
        "<ul><li>Uno<li>Dos</ul>"
        "<table><caption>Zonas</caption><tr><th>Región<th>Días</tr>"
        "<tr><td rowspan=2>Galicia<td>lunes</tr><tr><td>martes</tr></table>después"
    )
    assert blocks_of(write(tmp_path / "p.html", page)) == [
        Block("Horarios 2026", None, "Horarios 2026"),
        Block("Abren los domingos, y más.", None, "Horarios 2026"),
        Block("- Uno\n", None, "Horarios 2026"),
        Block("- Dos\n", None, "Horarios 2026"),
        Block("Zonas", None, "Horarios 2026"),
        Block(
            "Región: Galicia; Días: lunes\nRegión: Galicia; Días: martes",
            None,
            "Horarios 2026",
            is_table=True,
            header="Región | Días",
        ),
        Block("después", None, "Horarios 2026"),
    ]


def test_a_table_for_layout_is_text(tmp_path: Path) -> None:
    page = html_page("<table><tr><td>menu<td><table><tr><td>a<td>b</table></table>")
    blocks = blocks_of(write(tmp_path / "p.html", page))
    assert [block.text for block in blocks] == ["menu", "a; b"]


def test_deeply_nested_html_is_read(tmp_path: Path) -> None:
    page = html_page("<div>" * 1_500 + "fondo" + "</div>" * 1_500)
    assert "fondo" in text_of(blocks_of(write(tmp_path / "p.html", page)))


def test_html_without_suffix_is_known_by_content(tmp_path: Path) -> None:
    blocks = blocks_of(write(tmp_path / "upload", html_page("<p>hola</p>")))
    assert [block.text for block in blocks] == ["hola"]


def test_markdown_keeps_headings_outside_code(tmp_path: Path) -> None:
    text = "intro\n# Uno\na\n```\n# no heading\n```\n## Dos ##\nb\n"
    blocks = blocks_of(write(tmp_path / "n.md", text))
    assert [(block.heading, block.text) for block in blocks] == [
        (None, "intro\n"),
        ("Uno", "# Uno\na\n```\n# no heading\n```\n"),
        ("Dos", "## Dos ##\nb\n"),
    ]


def test_json_values_have_their_path(tmp_path: Path) -> None:
    text = '{"name": "Ana", "debts": [{"sum": 12.50, "paid": true}, {"sum": 3}], "tags": ["a"]}'
    blocks = blocks_of(write(tmp_path / "d.json", text))
    assert [(block.heading, block.text.strip()) for block in blocks] == [
        ("name", "name: Ana"),
        ("debts[0]", "debts[0].sum: 12.5\ndebts[0].paid: true"),
        ("debts[1]", "debts[1].sum: 3"),
        ("tags", "tags[0]: a"),
    ]


def test_json_lines_have_a_record_a_line(tmp_path: Path) -> None:
    text = '{"q": "hola", "a": {"b": 1}}\nno json\n{"q": "adiós"}'
    blocks = blocks_of(write(tmp_path / "d.jsonl", text))
    assert text_of(blocks).split() == "q: hola; a.b: 1 no json q: adiós".split()


@pytest.mark.parametrize("text", ['{"a": "cut off', "[" * 100_000, "// note\n{}"])
def test_what_is_no_json_is_read_as_text(tmp_path: Path, text: str) -> None:
    assert text_of(blocks_of(write(tmp_path / "d.json", text))).replace("\n", "") == text.replace(
        "\n", ""
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    rows = [["Región", "Días", "Nota"], ["Lugo", "lunes", '"a, b; c"'], ["Vigo", "", "x"]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    (block,) = blocks_of(write(tmp_path / "t.csv", text))
    assert block.header == "Región | Días | Nota"
    assert block.text.splitlines() == [
        "Región: Lugo; Días: lunes; Nota: a, b; c",
        "Región: Vigo; Nota: x",
    ]


def test_decimal_commas_are_no_delimiters(tmp_path: Path) -> None:
    text = "Ciudad;Precio\nLugo;1,50\nVigo;2,75\n"
    (block,) = blocks_of(write(tmp_path / "t.csv", text))
    assert block.text.splitlines() == ["Ciudad: Lugo; Precio: 1,50", "Ciudad: Vigo; Precio: 2,75"]


def test_csv_without_names_keeps_every_row(tmp_path: Path) -> None:
    (block,) = blocks_of(write(tmp_path / "t.csv", "1,2\n3,4\n"))
    assert (block.header, block.text) == (None, "1; 2\n3; 4")


def test_a_cell_may_hold_line_ends(tmp_path: Path) -> None:
    (block,) = blocks_of(write(tmp_path / "t.csv", 'Ciudad,Nota\nLugo,"una\ndos"\n'))
    assert block.text == "Ciudad: Lugo; Nota: una dos"


def test_every_row_of_a_long_table_is_there_under_its_header(tmp_path: Path) -> None:
    text = "número,nota\n" + "".join(f"{n},nota {n}\n" for n in range(20_000))
    blocks = blocks_of(write(tmp_path / "t.csv", text))
    assert len(blocks) > 1
    assert {block.header for block in blocks} == {"número | nota"}
    assert text_of(blocks).splitlines() == [f"número: {n}; nota: nota {n}" for n in range(20_000)]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SPANISH, "utf-8"),
        (SPANISH, "utf-8-sig"),
        (SPANISH, "latin-1"),
        (SPANISH + "“5 €”", "cp1252"),
        ("año", "latin-1"),
        (SPANISH, "utf-16"),
        (SPANISH, "utf-16-le"),
        (SPANISH, "utf-16-be"),
        (SPANISH, "utf-32"),
        (CHINESE, "utf-8"),
        (CHINESE, "gb18030"),
        ("营业时间", "gb18030"),
        (CHINESE, "utf-16"),
        ("店舗は祝日に営業することができます。詳細は自治体が決定します。" * 3, "shift_jis"),
        ("Магазины могут работать в праздничные дни. " * 5, "cp1251"),
    ],
)
def test_encodings(tmp_path: Path, text: str, encoding: str) -> None:
    path = write(tmp_path / "t.txt", text.encode(encoding))
    assert text_of(blocks_of(path)) == text


def test_a_late_accent_decides_the_encoding(tmp_path: Path) -> None:
    text = "plain words\n" * 100_000 + "mañana"
    assert encoding_of(write(tmp_path / "t.txt", text.encode("latin-1"))) == "cp1252"


def test_a_cut_off_character_at_the_end_spoils_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "t.txt", codecs.BOM_UTF8 + SPANISH.encode() + "ñ".encode()[:1])
    assert text_of(blocks_of(path)).startswith(SPANISH)


def test_plain_text_is_kept_to_the_letter(tmp_path: Path) -> None:
    text = "".join(f"    indented line {n}\n\n" for n in range(20_000))
    assert "".join(b.text for b in blocks_of(write(tmp_path / "m.py", text))) == text


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("a.txt", b"uno\x00\x01dos\x0ctres"),
        ("a.json", b'{"a": "uno\\u0000\\u0001dos\\ftres"}'),
        ("a.csv", b"a,b\nuno\x00\x01dos,\x0ctres"),
        ("a.html", b"<p>uno&#1;&#2;dos&#12;tres"),
    ],
)
def test_control_characters_become_spaces(tmp_path: Path, filename: str, content: bytes) -> None:
    filler = b" mucho texto normal" * 20
    text = text_of(blocks_of(write(tmp_path / filename, content + filler)))
    assert "dos" in text
    assert not set(text) & {"\x00", "\x01", "\x02", "\x0c"}


def test_half_a_surrogate_pair_does_no_harm(tmp_path: Path) -> None:
    blocks = blocks_of(write(tmp_path / "a.json", '{"a": "x \\ud800 y"}'))
    text_of(blocks).encode()
