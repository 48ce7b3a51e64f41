"""What a person states about themselves, what becomes of it in a memory, and what is answered."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

from datetime import datetime

import pytest

from understudy.characters import learning, recall, statements
from understudy.characters.memory import EMPTY, Block, Blocks, apply
from understudy.engines.extractive.language import detect_last

NOW = datetime(2026, 11, 21, 10)


def facts(text: str) -> list[tuple[str, str]]:
    read = statements.read(text, NOW)
    signs = {"told": "", "denied": "not "}
    return [(signs[one.saying] + one.fact.key, one.fact.value) for one in read]


def told(*texts: str, blocks: Blocks = EMPTY) -> Blocks:
    for text in texts:
        read, gone = statements.read(text, NOW), statements.wanted_gone(text)
        for edit in learning.changed(blocks, read, gone):
            blocks = apply(blocks, edit)
    return blocks


def known(*texts: str) -> list[str]:
    return [line for block in told(*texts) for line in block.lines]


def answer(question: str, *texts: str) -> str | None:
    return recall.answer(question, known(*texts), detect_last([question]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hola, me llamo Ana y vivo en Madrid.", [("name", "Ana"), ("home", "Madrid")]),
        ("me llamo ana garcía, ¿y tú?", [("name", "Ana García")]),
        ("Soy médica y trabajo en La Paz", [("job", "médica"), ("workplace", "La Paz")]),
        ("Tengo 30 años. Soy de Valencia.", [("age", "30"), ("origin", "Valencia")]),
        (
            "Me gusta el té, el chocolate y los gatos.",
            [("like", "el té"), ("like", "el chocolate"), ("like", "los gatos")],
        ),
        (
            "Me encanta viajar pero no me gusta el café",
            [("like", "viajar"), ("dislike", "el café")],
        ),
        ("No me llamo Ana, me llamo Eva.", [("not name", "Ana"), ("name", "Eva")]),
        ("No me llamo Ana sino Eva", [("not name", "Ana"), ("name", "Eva")]),
        ("Ya no vivo en Madrid", [("not home", "Madrid")]),
        ("Mi color favorito es el azul", [("favourite/color favorito", "azul")]),
        (
            "Mi perro se llama Toby y mi hermana es Laura",
            [("called/perro", "Toby"), ("own/hermana", "Laura")],
        ),
        ("Soy alérgica a los cacahuetes", [("allergy", "cacahuetes")]),
        ("El viernes tengo un examen", [("event", "2026-11-27, un examen")]),
        ("Recuerda que mi contrato vence en marzo", [("note", "mi contrato vence en marzo")]),
        (
            "Hi, I'm Bob and I live in Paris. I don't like coffee.",
            [("name", "Bob"), ("home", "Paris"), ("dislike", "coffee")],
        ),
        ("My name is John Smith, what's yours?", [("name", "John Smith")]),
        ("My name isn't Ana, it's Eva", [("not name", "Ana"), ("name", "Eva")]),
        (
            "I'm a nurse. I work at Google. I'm 34 years old.",
            [("job", "nurse"), ("workplace", "Google"), ("age", "34")],
        ),
        ("hi my name is ana garcía nice to meet you", [("name", "Ana García")]),
        ("My name is Ana from accounting", [("name", "Ana")]),
        ("Mi nombre no es Pedro, es Juan", [("not name", "Pedro"), ("name", "Juan")]),
        ("My name is not Pedro but Juan", [("not name", "Pedro"), ("name", "Juan")]),
        ("You can call me Al", [("name", "Al")]),
        ("I prefer tea to coffee", [("like", "tea")]),
        ("Prefiero el té al café", [("like", "el té")]),
        ("My birthday is on May 3rd", [("birthday", "May 3rd")]),
        ("I no longer live in Paris", [("not home", "Paris")]),
        ("I like tea, tell me more", [("like", "tea")]),
        ("I like tea, thanks", [("like", "tea")]),
        ("I'm flying to Tokyo next Friday", [("event", "2026-11-27, flying to Tokyo")]),
        ("我叫小明，我住在北京。", [("name", "小明"), ("home", "北京")]),
        ("我喜欢喝茶，不喜欢咖啡", [("like", "喝茶"), ("dislike", "咖啡")]),
        ("我不叫小明，我叫小红", [("not name", "小明"), ("name", "小红")]),
        ("我最喜欢的颜色是蓝色", [("favourite/颜色", "蓝色")]),
        ("我的生日是五月三日。我今年30岁。", [("birthday", "五月三日"), ("age", "30")]),
        ("我的名字不叫小明，叫小红", [("not name", "小明"), ("name", "小红")]),
        ("我叫 Ana Smith。", [("name", "Ana Smith")]),
        ("Ya no soy vegetariana", [("not diet", "vegetariana")]),
        ("No me gustan ni el té ni el café", [("dislike", "el té"), ("dislike", "el café")]),
        (
            "Mi nombre es Ana María de los Ángeles Pérez",
            [("name", "Ana María de los Ángeles Pérez")],
        ),
        ("你可以叫我小李", [("name", "小李")]),
        ("我妹妹叫小芳", [("called/妹妹", "小芳")]),
        ("我对海鲜过敏，也不能喝牛奶", [("allergy", "海鲜")]),
        ("我后天要去上海", [("event", "2026-11-23, 去上海")]),
    ],
)
def test_statements_are_read(text: str, expected: list[tuple[str, str]]) -> None:
    assert facts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "¿Me llamo Ana?",
        "Do I like tea?",
        "我叫什么名字？",
        "我喜欢茶吗？",
        "Si me llamo Ana, ¿qué pasa?",
        "If I live in Madrid, I pay more.",
        "Mi amigo dice que me llamo Ana",
        "Traduce al inglés: me llamo Ana",
        "Translate this:\nMy name is John",
        "Quiero pagar mi deuda en tres cuotas",
        "Necesito ayuda, mi pedido no ha llegado",
        "I would like a refund",
        "I have a question",
        "I'm tired",
        "I'M TIRED",
        "I'm Spanish",
        "Soy feliz",
        "我想要退款",
        "Imagina que vivo en Marte",
        "Imagina que es de noche, vivo en Marte",
        "If I were you, I live in Rome.",
        "如果是这样，我住在北京",
        "Call me a taxi",
        "Call me back tomorrow",
        "Llámame mañana",
        "Me llamo igual que mi padre",
        '"My name is Ana" is a sentence',
        "I am from now on your boss",
        "I love you",
        "I'm Hungry",
        "I have a headache",
        "My birthday is tomorrow",
        "Trabajo de noche",
        "我叫了外卖",
        "我叫你帮忙",
        "我喜欢你",
        "我是好人",
        "我有一个问题",
    ],
)
def test_questions_suppositions_requests_and_others_words_state_nothing(text: str) -> None:
    assert facts(text) == []


def test_a_corrected_fact_takes_the_place_of_the_old_one() -> None:
    assert known("Vivo en Madrid", "Me gusta el té", "Me he mudado a Sevilla") == [
        "Vive en: Sevilla",
        "Le gusta: el té",
    ]
    assert known("Me llamo Ana", "my name is Eva") == ["Name: Eva"]


def test_a_denied_fact_is_forgotten_and_another_of_its_kind_is_not() -> None:
    assert known("Vivo en Madrid", "Ya no vivo en Sevilla") == ["Vive en: Madrid"]
    assert known("Vivo en Madrid", "Ya no vivo en Madrid") == []


def test_a_dislike_replaces_the_like_of_the_same_thing() -> None:
    assert known("Me gusta el café y el té", "Ya no me gusta el café") == [
        "No le gusta: el café",
        "Le gusta: el té",
    ]


def test_what_was_said_before_changes_nothing() -> None:
    blocks = told("Me llamo Ana y me gusta el té")
    said = statements.read("me llamo ANA, me gusta el té", NOW)
    assert learning.changed(blocks, said, ()) == []


@pytest.mark.parametrize(
    ("wish", "left"),
    [
        ("Olvida mi nombre", ["Le gusta: los gatos"]),
        ("Forget my name", ["Le gusta: los gatos"]),
        ("Olvida lo de los gatos", ["Nombre: Ana"]),
        ("Olvida todo lo que sabes de mí", []),
        ("忘记我的名字", ["Le gusta: los gatos"]),
        ("No olvides llamarme", ["Nombre: Ana", "Le gusta: los gatos"]),
    ],
)
def test_a_wish_to_forget_is_granted(wish: str, left: list[str]) -> None:
    assert known("Me llamo Ana y me gustan los gatos", wish) == left


def test_a_full_memory_lets_its_oldest_lines_go_to_the_archive() -> None:
    blocks: Blocks = (Block("human", "Le gusta: el té\nNombre: Ana", 30),)
    edits = learning.changed(blocks, statements.read("Vivo en Madrid", NOW), ())
    assert [(edit.operation, edit.removed, edit.added) for edit in edits] == [
        ("archive", ("Le gusta: el té",), ()),
        ("remember", (), ("Vive en: Madrid",)),
    ]


TOLD = (
    "Me llamo Ana y vivo en Madrid. Me gusta el té. No me gusta el café. Tengo 30 años.",
    "Mi color favorito es el azul y mi perro se llama Toby.",
    "Recuerda que mi contrato vence en marzo",
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("¿Cómo me llamo?", "Te llamas Ana."),
        ("What's my name?", "Your name is Ana."),
        ("我叫什么名字？", "你叫Ana。"),
        ("¿Dónde vivo?", "Vives en Madrid."),
        ("¿Cuántos años tengo?", "Tienes 30 años."),
        ("¿Me gusta el café?", "No: no te gusta el café."),
        ("¿Me gusta el té?", "Sí: te gusta el té."),
        ("¿Cuál es mi color favorito?", "Tu color favorito: azul."),
        ("¿Cómo se llama mi perro?", "Tu perro se llama Toby."),
        ("¿Cuándo vence mi contrato?", "Mi contrato vence en marzo."),
        ("¿Cuándo es mi cumpleaños?", "Todavía no sé eso de ti."),
        ("¿Qué hora es?", None),
        ("Quiero pagar mi deuda", None),
    ],
)
def test_questions_are_answered_from_memory(question: str, expected: str | None) -> None:
    assert answer(question, *TOLD) == expected


@pytest.mark.parametrize(
    ("question", "told_before"),
    [
        ("When is my wife's birthday?", "My birthday is May 3rd"),
        ("¿Cuándo es el cumpleaños de mi mujer?", "Mi cumpleaños es el 3 de mayo"),
        ("Where does my sister live?", "I live in Rome"),
        ("我老婆的生日是什么时候？", "我的生日是5月3日"),
    ],
)
def test_a_fact_of_the_person_is_no_answer_about_others(question: str, told_before: str) -> None:
    assert known(told_before)
    assert answer(question, told_before) is None


def test_a_question_after_a_statement_is_the_question() -> None:
    assert answer("Me gusta el mate. ¿Cómo me llamo?", "Me llamo Ana") == "Te llamas Ana."


def test_everything_that_is_known_can_be_asked_for() -> None:
    said = answer("¿Qué sabes de mí?", *TOLD)
    assert said is not None
    for part in ("Ana", "Madrid", "el té", "azul", "Toby", "marzo"):
        assert part in said
    assert answer("What do you know about me?") == "I do not know that about you yet."
