import pytest

from understudy.speech.languages import base_code, language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How much do I owe you?", "en"),
        ("¿Cuánto le debo a usted?", "es"),
        ("我还欠多少钱", "zh"),
        ("我用 Python 写代码。", "zh"),
        ("今日はとても良い天気ですね。", "ja"),
        ("The word すし is Japanese for sushi.", "en"),
        ("안녕하세요", "ko"),
        ("Сколько я вам должен?", "ru"),
        ("Πόσα σας χρωστάω;", "el"),
        ("मुझे कितना देना है?", "hi"),
        ("12345 !?", "en"),
        ("", "en"),
    ],
)
def test_the_language_of_a_text(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("tag", ["pt", "PT", "pt-BR", "pt_BR", " pt-br "])
def test_regions_do_not_count(tag: str) -> None:
    assert base_code(tag) == "pt"
