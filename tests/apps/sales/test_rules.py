"""What the sales agent decides without a database or a model."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import httpx2
import openai
import pytest
from pypdfium2 import PdfDocument

from understudy_apps.sales import csv_files, quote_files
from understudy_apps.sales.agent_functions import next_working_day
from understudy_apps.sales.briefing import KnowledgeFault, KnowledgeFolder, system_prompt
from understudy_apps.sales.channels.lengths import parts_of
from understudy_apps.sales.health import Health, KeyInUse, Trouble, diagnose
from understudy_apps.sales.languages import language_of_tag, language_of_text
from understudy_apps.sales.pipeline import Stage, advanced, conversion_percent
from understudy_apps.sales.products import parse_catalogue
from understudy_apps.sales.quotes import make_quote
from understudy_apps.sales.shapes import ContactFields

SHIPPED = files("understudy_apps.sales") / "knowledge"
CATALOGUE = parse_catalogue((SHIPPED / "products.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeFolder:
    return KnowledgeFolder(tmp_path_factory.mktemp("knowledge"))


@pytest.mark.parametrize(
    ("wanted", "product_id"),
    [
        ("pro", "pro"),
        ("¿Cuánto vale el PLAN BASICO?", "basic"),
        ("我想了解专业版", "pro"),
        ("training", "training"),
        ("a product", None),
        ("procedure", None),
    ],
)
def test_a_product_is_found_by_any_of_its_names(wanted: str, product_id: str | None) -> None:
    found = CATALOGUE.find(wanted)
    assert (found and found.id) == product_id


def test_a_quote_counts_in_cents_and_taxes_the_sum_once() -> None:
    text = (SHIPPED / "products.toml").read_text(encoding="utf-8")
    catalogue = parse_catalogue(text.replace("price = 19.00", "price = 0.15"))
    basic, pro = catalogue.product[:2]
    quote = make_quote(catalogue, [(basic, 3), (pro, 1)], "en", date(2026, 11, 21))
    # 0.45 + 49.00 = 49.45; 21 % of it is 10.3845, and by line it would be 0.09 + 10.29 = 10.38.
    assert (quote.net, quote.tax, quote.total) == (
        Decimal("49.45"),
        Decimal("10.38"),
        Decimal("59.83"),
    )
    assert (quote.made_on, quote.valid_until) == (date(2026, 11, 21), date(2026, 12, 21))
    half = make_quote(catalogue, [(basic, 10)], "en", date(2026, 11, 21))
    assert half.tax == Decimal("0.32")  # 0.315, half up.
    with pytest.raises(ValueError, match="from 1 to 10,000"):
        make_quote(catalogue, [(basic, 0)], "en", date(2026, 11, 21))


@pytest.mark.anyio
async def test_a_pdf_has_the_day_of_its_quote_and_names_of_any_language() -> None:
    quote = make_quote(CATALOGUE, [(CATALOGUE.product[0], 1)], "es", date(2027, 1, 1))
    row = {
        "id": 7, "customer": "Łukasz Żółw", "language": "es", "currency": "EUR",
        "tax_percent": "21", "lines": [], "made_on": quote.made_on,
        "valid_until": quote.valid_until, "created_at": 1_798_758_000,
    }  # fmt: skip
    text = PdfDocument(await quote_files.pdf_of(row, "Faro"))[0].get_textpage().get_text_bounded()
    for shown in ("2027-00007", "2027-01-01", "Łukasz Żółw"):
        assert shown in text
    assert quote_files.name_of(row) == "quote-2027-00007.pdf"


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Hola, ¿qué precios tenéis?", "price"),
        ("Es DEMASIADO caro para mí", "objection_price"),
        ("No tengo tiempo", "objection_time"),
        ("¿Me puedo fiar?", "objection_trust"),
        ("I don't need it", "objection_need"),
        ("Could you make me a quote for the Pro plan?", "quote"),
        ("Please call me tomorrow", "follow_up"),
        ("我叫王芳", "contact"),
        ("转人工", "person"),
        ("太贵了", "objection_price"),
        ("what is this thing", "other"),
        ("this is it", "other"),
        ("Soy Carolina, ¿qué características tiene?", "other"),
        ("I'm John, john@baker.co.uk", "contact"),
        ("Are you human?", "program"),
        ("Sí, por favor", "yes"),
        ("Sí, pero es caro", "objection_price"),
        ("si", "yes"),
        ("Silla de oficina", "other"),
        ("Sí que me gustaría saber algo más de ustedes", "other"),
        ("好的，谢谢", "yes"),
    ],
)
def test_the_intent_is_told_by_the_signs_in_the_file(
    folder: KnowledgeFolder, text: str, intent: str
) -> None:
    assert folder.current().intents.intent_of(text) == intent


def test_the_prompt_has_facts_technique_objections_and_closings(folder: KnowledgeFolder) -> None:
    for language, words in {
        "es": ("Técnica de venta", "Cierres", "49.00 EUR", "permanencia", "confianza", "necesidad"),
        "en": ("Sales technique", "Closings", "49.00 EUR", "minimum term", "trust", "need"),
        "zh": ("销售技巧", "成交", "49.00 EUR", "最低合约期", "信任", "需求"),
    }.items():
        prompt = system_prompt(folder.current(), language, "name: Ana", date(2026, 11, 21))
        for word in (*words, "name: Ana", "2026-11-21", "hand_over"):
            assert word in prompt


def test_an_edited_file_counts_at_once_and_a_broken_one_not_at_all(tmp_path: Path) -> None:
    folder = KnowledgeFolder(tmp_path)
    path = tmp_path / "products.toml"
    assert folder.current().catalogue.company.name == "Faro"
    folder.replace("products.toml", folder.text("products.toml").replace('"Faro"', '"Lumen"'))
    assert folder.current().catalogue.company.name == "Lumen"
    with pytest.raises(
        KnowledgeFault, match=r"products\.toml cannot be used: product 'pro'|lacks zh"
    ):
        folder.replace("products.toml", folder.text("products.toml").replace('zh = "专业版"', ""))
    path.write_text("price = ", encoding="utf-8")
    assert folder.current().catalogue.company.name == "Lumen"
    with pytest.raises(KnowledgeFault):
        KnowledgeFolder(tmp_path).current()
    with pytest.raises(KeyError):
        folder.replace("../products.toml", "")


# --- contacts as CSV --------------------------------------------------------------------------


def test_an_export_has_no_formulas_and_can_be_imported_again() -> None:
    contact = ContactFields(name="=1+1", company="@cmd", phone="+34 600 100 200", notes='a "b"\nc')
    text = csv_files.written([contact.model_dump()])
    cells = text.splitlines()[1].split(",")
    assert cells[:2] == ["'=1+1", "'@cmd"] and "'+34 600 100 200" in cells
    assert csv_files.read(text.encode()).contacts == [contact]


def test_cells_that_a_spreadsheet_leaves_empty_do_no_harm() -> None:
    assert [one.name for one in csv_files.read(b"name,email\nAna,,,\n").contacts] == ["Ana"]


def test_an_import_tells_which_lines_are_wrong_and_why() -> None:
    text = (
        "Nombre;Correo;Etapa;Interés;Color\n"
        "Ana;ana@gomez.es;QUOTED;high;red\n"
        ";nobody@example.com;new;low;\n"
        "\n"
        "Luis;not an address;new;low;\n"
        "Eva;;somewhere;low;\n"
        "Zoe;;;;;;;red\n"
    )
    found = csv_files.read(text.encode("cp1252"))
    assert [(one.name, one.email, one.stage) for one in found.contacts] == [
        ("Ana", "ana@gomez.es", Stage.QUOTED)
    ]
    assert [(bad.line, bad.reason.split(":")[0]) for bad in found.bad_lines] == [
        (3, "name"), (5, "email"), (6, "stage"), (7, "8 cells under 5 columns"),
    ]  # fmt: skip
    assert found.ignored_columns == ["color"]


@pytest.mark.parametrize("content", [b"", b"company\nFaro\n", b'name\n"open', b"name\nA\x00na\n"])
def test_a_file_that_is_no_table_of_contacts_is_refused(content: bytes) -> None:
    with pytest.raises(csv_files.CsvFault):
        csv_files.read(content)


# --- small decisions --------------------------------------------------------------------------


def test_the_agent_brings_contacts_forward_only() -> None:
    assert advanced(Stage.NEW, Stage.QUOTED) is Stage.QUOTED
    assert advanced(Stage.QUOTED, Stage.QUALIFIED) is Stage.QUOTED
    assert advanced(Stage.LOST, Stage.QUOTED) is Stage.LOST
    assert (conversion_percent(0, 0), conversion_percent(1, 2)) == (None, 33.3)


def test_a_follow_up_without_a_day_is_for_the_next_working_day() -> None:
    assert next_working_day(date(2026, 11, 20)) == date(2026, 11, 23)
    assert next_working_day(date(2026, 11, 24)) == date(2026, 11, 25)


def test_languages_are_told_by_text_and_tag() -> None:
    texts = {"¿Cuánto cuesta?": "es", "how much is it": "en", "多少钱": "zh", "ok 12": None}
    assert {text: language_of_text(text) for text in texts} == texts
    tags = {"es-MX": "es", "zh_Hans": "zh", "de": None, None: None}
    assert {tag: language_of_tag(tag) for tag in tags} == tags


def test_a_long_text_is_cut_where_something_ends_and_nothing_is_lost() -> None:
    text = f"{'a' * 30} {'b' * 20}.\n\n{'😀' * 30}"
    parts = parts_of(text, 56)
    assert parts == [f"{'a' * 30} {'b' * 20}.", "😀" * 28, "😀" * 2]
    assert parts_of("  ", 10) == []


# --- what is wrong with a model ---------------------------------------------------------------

REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1/chat/completions")


def refused(status: int, code: str | None, message: str) -> openai.APIStatusError:
    body = {"message": message, "code": code}
    return openai.APIStatusError(
        message, response=httpx2.Response(status, request=REQUEST), body=body
    )


@pytest.mark.parametrize(
    ("error", "kind", "variable"),
    [
        (refused(401, "provider_key_missing", "set A_API_KEY."), "missing_key", "A_API_KEY"),
        (refused(401, "provider_key_rejected", "in B_API_KEY"), "rejected_key", "B_API_KEY"),
        (refused(401, "provider_region_mismatch", "else"), "rejected_key", "SALES_API_KEY"),
        (refused(429, "insufficient_quota", "Provider 'qwen-cn' says no"), "quota", "QWEN_API_KEY"),
        (refused(401, "invalid_api_key", "wrong"), "rejected_key", "SALES_API_KEY"),
        (refused(429, "insufficient_quota", "no more"), "quota", "SALES_API_KEY"),
        (refused(400, "Arrearage", "account overdue"), "quota", "SALES_API_KEY"),
        (refused(402, None, "pay"), "quota", "SALES_API_KEY"),
        (refused(429, "rate_limit_exceeded", "slow down"), "overload", None),
        (refused(502, "provider_unreachable", "no route"), "network", None),
        (refused(404, "model_not_found", "no such model"), "unknown_model", None),
        (refused(400, "data_inspection_failed", "content"), "refused", None),
        (refused(500, None, "oops"), "failure", None),
        (openai.APITimeoutError(REQUEST), "network", None),
    ],
)  # fmt: skip
def test_troubles_are_told_apart(
    error: openai.OpenAIError, kind: str, variable: str | None
) -> None:
    trouble = diagnose(error, KeyInUse("SALES_API_KEY", is_set=True))
    assert (trouble.kind, trouble.variable) == (kind, variable)


def test_a_key_that_was_never_set_is_missing_and_not_rejected() -> None:
    trouble = diagnose(
        refused(401, "invalid_api_key", "no"), KeyInUse("SALES_API_KEY", is_set=False)
    )
    assert (trouble.kind, trouble.variable) == ("missing_key", "SALES_API_KEY")


def test_a_model_in_trouble_is_tried_again_after_a_while() -> None:
    health = Health()
    trouble = Trouble("network", "away")
    assert health.failed(trouble, now_s=100) and not health.failed(trouble, now_s=101)
    assert (health.status, health.since_s) == ("degraded", 100)
    assert not health.may_try(now_s=110) and health.may_try(now_s=116)
    health.fallback_failed(trouble)
    assert health.status == "down"
    assert health.succeeded("seller", now_s=120)
    assert (health.status, health.since_s, health.answered_by) == ("ok", 120, "seller")


def test_a_content_that_was_refused_says_nothing_of_the_model() -> None:
    health = Health()
    assert not health.failed(Trouble("refused", "content"), now_s=1)
    assert health.status == "ok"
