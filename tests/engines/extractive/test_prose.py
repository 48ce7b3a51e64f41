"""Answers in words: courtesy, verbatim requests, quotations with citations, and honest refusals."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import pytest

from understudy.wire import passages

HOTEL = (
    "You are Pedro, an agent of Hotel Sol. Always be polite. Never mention competitors. "
    "Check-in is at 15:00 and check-out at 11:00. Breakfast is served from 7 to 10. "
    "Dogs up to 10 kg are welcome for 12 euros a night. Parking costs 18 euros a day."
)
HOTEL_ES = (
    "Eres Lucía, la asistente del Hotel Sol. Responde siempre con amabilidad. "
    "El desayuno se sirve de 7 a 10. El aparcamiento cuesta 18 euros al día. "
    "Se admiten perros de hasta 10 kg."
)
HOTEL_ZH = (
    "你是小李，阳光酒店的客服。请始终礼貌。早餐时间是7点到10点。停车费每天18元。可以携带小狗。"
)

EXACT = [
    ("Hello!", "Hello! How can I help you?"),
    ("hola, buenas tardes", "¡Hola! ¿En qué puedo ayudarte?"),
    ("你好！", "你好！有什么可以帮您？"),
    ("Thank you very much!", "You are welcome."),
    ("muchas gracias", "De nada."),
    ("谢谢", "不客气。"),
    ("goodbye", "Goodbye!"),
    ("adiós", "¡Hasta luego!"),
    ("再见", "再见！"),
    ("Say this is a test", "this is a test"),
    ("Say exactly: pong", "pong"),
    ("Reply with the word pong", "pong"),
    ("Reply with exactly 'all good' and nothing else.", "all good"),
    ("Please respond only with OK", "OK"),
    ("repeat: one two three", "one two three"),
    ("Answer with just the word \"yes\".", "yes"),
    ("Responde solo con OK", "OK"),
    ("Di exactamente: buenos días", "buenos días"),
    ("Repite la palabra árbol", "árbol"),
    ("contesta únicamente con la palabra sí", "sí"),
    ("只回复：好的", "好的"),
    ("请重复：一二三", "一二三"),
    ("what is 12*7?", "84"),
    ("¿Cuánto es 15 + 27?", "42"),
    ("3加5等于多少？", "8"),
    ("How much is 10 / 4?", "2.5"),
    ("Count from 1 to 5", "1, 2, 3, 4, 5"),
    ("Cuenta hasta 3", "1, 2, 3"),
]  # fmt: skip

QUOTED = [
    (HOTEL, "What time is breakfast?", "Breakfast is served from 7 to 10."),
    (HOTEL, "When is check-in?", "Check-in is at 15:00 and check-out at 11:00."),
    (HOTEL, "Can I bring my dog?", "Dogs up to 10 kg are welcome for 12 euros a night."),
    (HOTEL, "How much does parking cost?", "Parking costs 18 euros a day."),
    (HOTEL_ES, "¿A qué hora es el desayuno?", "El desayuno se sirve de 7 a 10."),
    (HOTEL_ES, "¿Puedo llevar a mi perro?", "Se admiten perros de hasta 10 kg."),
    (HOTEL_ES, "¿Cuánto cuesta aparcar? ¿Tenéis aparcamiento?",
     "El aparcamiento cuesta 18 euros al día."),
    (HOTEL_ZH, "早餐几点？", "早餐时间是7点到10点。"),
    (HOTEL_ZH, "停车多少钱？", "停车费每天18元。"),
    (HOTEL_ES, "What time is breakfast?", "El desayuno se sirve de 7 a 10."),
]  # fmt: skip

UNKNOWN = [
    (HOTEL, "Who won the world cup in 1998?", "I cannot answer"),
    (HOTEL, "Do you have a swimming pool?", "I cannot answer"),
    ("The hotel has forty rooms.", "Which famous painter lived near the hotel?", "I cannot answer"),
    (HOTEL_ES, "¿Quién ganó el mundial?", "No puedo responder"),
    (HOTEL_ZH, "谁发明了电灯？", "我无法回答"),
    ("", "Write a poem about the sea", "I cannot answer"),
    ("", "Escribe un cuento sobre un dragón", "No puedo responder"),
    ("", "写一首诗", "我无法回答"),
]

PERSONAS = [
    (HOTEL, "Who are you?", "I am Pedro, an agent of Hotel Sol."),
    (HOTEL, "Hi!", "Hello! I am Pedro, an agent of Hotel Sol. How can I help you?"),
    (HOTEL, "¿Quién eres?", "Soy Pedro."),
    (HOTEL_ES, "¿Cómo te llamas?", "Soy Lucía, la asistente del Hotel Sol."),
    (HOTEL_ZH, "你是谁？", "我是小李。"),
]


def messages(system: str, user: str) -> list[dict[str, str]]:
    head = [{"role": "system", "content": system}] if system else []
    return [*head, {"role": "user", "content": user}]


@pytest.mark.parametrize(("message", "expected"), EXACT)
def test_what_needs_no_source(ask, message: str, expected: str) -> None:
    assert ask(message).text == expected


@pytest.mark.parametrize(("system", "question", "expected"), QUOTED)
def test_quotes_the_system_prompt(ask, system: str, question: str, expected: str) -> None:
    assert ask(messages(system, question)).text == expected


@pytest.mark.parametrize(("system", "question", "expected"), UNKNOWN)
def test_says_that_it_cannot_answer(ask, system: str, question: str, expected: str) -> None:
    answer = ask(messages(system, question)).text
    assert expected in answer
    assert "Understudy" in answer
    assert "DASHSCOPE_API_KEY" in answer
    assert "dashscope/qwen-plus" in answer


@pytest.mark.parametrize(("system", "question", "expected"), PERSONAS)
def test_persona(ask, system: str, question: str, expected: str) -> None:
    assert ask(messages(system, question)).text == expected


def test_without_a_persona_it_says_what_it_is(ask) -> None:
    answer = ask(messages("You are a helpful assistant.", "Who are you?")).text
    assert "embedded model of Understudy" in answer


def test_instructions_are_not_quoted(ask) -> None:
    answer = ask(messages(HOTEL, "Are you always polite? Do you mention competitors?")).text
    assert "Always be polite" not in answer
    assert "Never mention" not in answer


@pytest.mark.parametrize("role", ["system", "user", "developer"])
def test_passages_are_quoted_with_their_markers(ask, role: str) -> None:
    found = [
        passages.Passage(1, "rates.pdf", "The annual fee is 40 euros. It is charged in May.", "3"),
        passages.Passage(2, "terms.pdf", "The contract ends after 24 months.", "7"),
    ]
    block = passages.render(found)
    question = "When does the contract end?"
    if role == "user":
        prompt = [{"role": "user", "content": f"{block}\n\n{question}"}]
    else:
        prompt = [{"role": role, "content": block}, {"role": "user", "content": question}]

    assert ask(prompt).text == "The contract ends after 24 months. 【2】"


def test_nothing_in_the_passages(ask) -> None:
    block = passages.render([passages.Passage(1, "a.pdf", "The contract ends after 24 months.")])
    answer = ask(messages(block, "Who painted the ceiling of the chapel?")).text
    assert answer.startswith("I did not find that in the documents.")


def test_a_pasted_document_is_quoted(ask) -> None:
    document = (
        "Minutes of the meeting. Ana presented the results of the first quarter. Sales rose by "
        "12 percent. The new warehouse in Zaragoza opens in June. Luis will write the report."
    )
    answer = ask(f"{document}\n\nWhen does the warehouse open?").text
    assert answer == "The new warehouse in Zaragoza opens in June."


def test_a_pasted_document_is_summarised_by_its_own_sentences(ask) -> None:
    sentences = [
        "The city council approved the new bicycle plan on Monday.",
        "The bicycle plan adds forty kilometres of bicycle lanes to the city.",
        "A dog barked outside.",
        "The council expects the lanes of the plan to be ready in two years.",
        "Lunch was served at two.",
    ]
    answer = ask("Summarize this text:\n" + " ".join(sentences)).text
    assert answer == " ".join((sentences[0], sentences[1], sentences[3]))


def test_remembers_a_name(ask) -> None:
    turns = ["My name is Ana", "Nice to meet you", "What is my name?"]
    roles = ["user", "assistant", "user"]
    prompt = [{"role": r, "content": c} for r, c in zip(roles, turns, strict=True)]
    assert ask(prompt).text == "Your name is Ana."


def test_remembers_what_the_user_stated(ask) -> None:
    prompt = [
        {"role": "user", "content": "Mi coche es un Seat rojo de 2012."},
        {"role": "assistant", "content": "De acuerdo."},
        {"role": "user", "content": "¿De qué color es mi coche?"},
    ]
    assert ask(prompt).text == "Mi coche es un Seat rojo de 2012."


def test_answers_in_the_language_of_the_last_message(ask) -> None:
    prompt = [
        {"role": "user", "content": "Hola, buenos días"},
        {"role": "assistant", "content": "¡Hola!"},
        {"role": "user", "content": "Thanks!"},
    ]
    assert ask(prompt).text == "You are welcome."
