"""New requests, pending ones, forbidden ones, and values that are easily misread."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import json
from typing import Any

import pytest

from understudy.engines.extractive.phrases import enumerate_items


def tool(name: str, description: str, **parameters: tuple[str, str]) -> dict[str, Any]:
    properties = {
        key: {"type": kind, "description": label} for key, (kind, label) in parameters.items()
    }
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    definition = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": definition}


WEATHER = tool("get_weather", "Get the weather for a city", city=("string", "City"))
INVOICES = {
    "es": tool(
        "create_invoice",
        "Crear una factura",
        customer=("string", "Nombre del cliente"),
        amount=("number", "Importe en euros"),
    ),
    "en": tool(
        "create_invoice",
        "Create an invoice for a customer",
        customer=("string", "Name of the customer"),
        amount=("number", "Amount in euros"),
    ),
    "zh": tool(
        "create_invoice",
        "开发票",
        customer=("string", "客户姓名"),
        amount=("number", "金额"),
    ),
}
MONEY = tool(
    "send_money",
    "Send money to a bank account",
    amount=("number", "Amount"),
    iban=("string", "IBAN of the recipient"),
)
ORDERS = {
    "en": tool(
        "create_order",
        "Place an order for a product",
        product=("string", "Product name"),
        quantity=("integer", "Quantity"),
    ),
    "zh": tool(
        "create_order",
        "下订单购买商品",
        product=("string", "商品名称"),
        quantity=("integer", "数量"),
    ),
}


def finished(tool: dict[str, Any], asked: str, given: dict[str, Any], result: Any) -> list[Any]:
    """Return a conversation in which `asked` was answered by a call and its result."""
    name = tool["function"]["name"]
    call = {"name": name, "arguments": json.dumps(given)}
    return [
        {"role": "user", "content": asked},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": call}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": json.dumps(result)},
        {"role": "assistant", "content": "..."},
    ]


INVOICED = {"customer": "Ana Ruiz", "amount": 100}
NEW_REQUESTS = [
    ("es", "Haz una factura", ["para Pedro Gómez", "de 300 euros"], "Pedro Gómez"),
    ("es", "Crea otra factura", ["300 euros", "para Acme"], "Acme"),
    ("es", "Necesito una factura nueva", ["Es para Luis Soto", "300,00 €"], "Luis Soto"),
    ("es", "Haz una factura", ["de 300 euros para Eva Gil"], "Eva Gil"),
    ("en", "Create an invoice", ["for Peter Pan", "300 euros"], "Peter Pan"),
    ("en", "Make a new invoice please", ["300 euros", "for Mary Jones"], "Mary Jones"),
    ("en", "I need another invoice", ["The customer is Bob Hope", "300"], "Bob Hope"),
    ("zh", "再开一张发票", ["客户李雷", "300元"], "李雷"),
    ("zh", "开发票", ["300元", "给韩梅开"], "韩梅"),
    ("zh", "我要开一张新发票", ["客户是王芳", "金额300元"], "王芳"),
]


@pytest.mark.parametrize(("language", "request_text", "answers", "customer"), NEW_REQUESTS)
def test_a_new_request_takes_nothing_from_a_finished_one(
    ask, language: str, request_text: str, answers: list[str], customer: str
) -> None:
    tools = [INVOICES[language], WEATHER]
    messages = finished(tools[0], "invoice", INVOICED, {"number": "F-1", "total": 100})
    for text in (request_text, *answers[:-1]):
        messages.append({"role": "user", "content": text})
        answer = ask(messages, tools=tools)
        assert answer.calls == []
        messages.append({"role": "assistant", "content": answer.text})
    messages.append({"role": "user", "content": answers[-1]})
    expected = {"customer": customer, "amount": 300}
    assert ask(messages, tools=tools).calls == [("create_invoice", expected)]


def test_a_second_pending_request_replaces_the_first(ask) -> None:
    tools = [INVOICES["en"], WEATHER]
    messages: list[dict[str, Any]] = []
    for text in ("Create an invoice", "What's the weather?"):
        messages.append({"role": "user", "content": text})
        messages.append({"role": "assistant", "content": ask(messages, tools=tools).text})
    messages.append({"role": "user", "content": "Oslo"})
    assert ask(messages, tools=tools).calls == [("get_weather", {"city": "Oslo"})]


TOLD = [
    (INVOICES["es"], "¿Cuál era el número de la factura?", "Número: F-1."),
    (INVOICES["es"], "¿Qué número tiene la factura?", "Número: F-1."),
    (INVOICES["es"], "¿Y cuál fue el total?", "Total: 100."),
    (INVOICES["en"], "What was the number of the invoice?", "Number: F-1."),
    (INVOICES["en"], "What is the invoice number?", "Number: F-1."),
    (INVOICES["en"], "What was the total?", "Total: 100."),
    (INVOICES["zh"], "发票号码是多少？", "编号：F-1。"),
    (INVOICES["zh"], "发票的编号是什么？", "编号：F-1。"),
    (INVOICES["zh"], "总计是多少？", "总计：100。"),
]


@pytest.mark.parametrize(("definition", "question", "expected"), TOLD)
def test_a_question_about_a_result_is_answered_from_it(
    ask, definition: dict[str, Any], question: str, expected: str
) -> None:
    messages = finished(definition, "invoice", INVOICED, {"number": "F-1", "total": 100})
    messages.append({"role": "user", "content": question})
    answer = ask(messages, tools=[definition, WEATHER])
    assert (answer.calls, answer.text) == ([], expected)


@pytest.mark.parametrize(
    "question", ["What's the weather in Madrid?", "What is the temperature in Paris?"]
)
def test_a_question_for_something_new_still_calls(ask, question: str) -> None:
    told = {"city": "Madrid", "temperature": 18}
    messages = finished(WEATHER, "weather in Madrid", {"city": "Madrid"}, told)
    messages.append({"role": "user", "content": question})
    assert ask(messages, tools=[WEATHER, MONEY]).names == ["get_weather"]


@pytest.mark.parametrize(
    ("message", "product", "quantity"),
    [
        ("商品苹果，数量3", "苹果", 3),
        ("下单：商品是香蕉，数量是5", "香蕉", 5),
        ("数量2，商品橙子，下订单", "橙子", 2),
        ("产品：牛奶，数量：4，下订单", "牛奶", 4),
    ],
)
def test_a_label_is_no_value(ask, message: str, product: str, quantity: int) -> None:
    expected = {"product": product, "quantity": quantity}
    tools = [ORDERS["zh"], WEATHER]
    assert ask(message, tools=tools).calls == [("create_order", expected)]


FORBIDDEN = [
    "Don't get the weather in Paris",
    "Please do not check the weather in Rome",
    "Never get the weather for Oslo",
    "You must not look up the weather in Lima",
    "No busques el tiempo en París",
    "Por favor, no me digas el tiempo de Lugo",
    "No mires el tiempo en Vigo",
    "Nunca consultes el tiempo de Roma",
    "不要查北京的天气",
    "别查上海天气",
    "请不要查询广州天气",
]


@pytest.mark.parametrize("message", FORBIDDEN)
def test_what_is_forbidden_is_not_called(ask, message: str) -> None:
    assert ask(message, tools=[WEATHER, MONEY]).calls == []
    assert ask(message, tools=[WEATHER], tool_choice="required").names == ["get_weather"]


@pytest.mark.parametrize(
    ("message", "city"),
    [
        ("Don't get the weather in Paris, get it in Rome", "Rome"),
        ("Don't forget to get the weather in Paris", "Paris"),
        ("Why don't you get the weather in Paris?", "Paris"),
        ("I don't know the weather in Paris, what is it?", "Paris"),
        ("¿No hace frío en Madrid?", "Madrid"),
        ("No olvides mirar el tiempo en Vigo", "Vigo"),
        ("别忘了查北京的天气", "北京"),
    ],
)
def test_a_negation_that_forbids_nothing_calls(ask, message: str, city: str) -> None:
    assert ask(message, tools=[WEATHER, MONEY]).calls == [("get_weather", {"city": city})]


@pytest.mark.parametrize(
    ("language", "message", "customer"),
    [
        ("es", "Haz una factura para Acme S.L. de 300 euros", "Acme S.L."),
        ("es", "Haz una factura de 300 € para Obras Pérez S.A.", "Obras Pérez S.A."),
        ("es", "Haz una factura para la Sra. Gómez de 300 euros", "Sra. Gómez"),
        ("es", "Factura de 300 euros para J. R. Ramírez. Gracias.", "J. R. Ramírez"),
        ("en", "Create an invoice for Acme Inc. of 300 euros", "Acme Inc."),
        ("en", "Create an invoice for Dr. Smith, 300 euros", "Dr. Smith"),
        ("en", "Create an invoice for Foo Ltd. for 300 euros", "Foo Ltd."),
        ("en", "Create an invoice of 300 euros for J. P. Morgan & Co.", "J. P. Morgan & Co."),
        ("zh", "给客户Acme S.L.开发票，金额300元", "Acme S.L."),
    ],
)
def test_abbreviations_stay_whole(ask, language: str, message: str, customer: str) -> None:
    (call,) = ask(message, tools=[INVOICES[language]]).calls
    assert call == ("create_invoice", {"customer": customer, "amount": 300})


@pytest.mark.parametrize(
    ("message", "iban"),
    [
        ("Send 50 euros to DE89370400440532013000", "DE89370400440532013000"),
        ("Transfer 50 euros to DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("Envía 50 euros a ES9121000418450200051332", "ES9121000418450200051332"),
        ("向DE89370400440532013000转账50欧元", "DE89370400440532013000"),
    ],
)
def test_values_choose_a_function_that_is_hardly_named(ask, message: str, iban: str) -> None:
    expected = {"amount": 50, "iban": iban}
    assert ask(message, tools=[MONEY, WEATHER]).calls == [("send_money", expected)]


@pytest.mark.parametrize(
    "message", ["Did you get 50 euros from DE89370400440532013000?", "Order ORD-12 has 3 items"]
)
def test_values_alone_choose_no_function(ask, message: str) -> None:
    assert ask(message, tools=[MONEY, WEATHER]).calls == []


NAMED_KEYS = [
    ("Answer in JSON with keys name and age. Ana is 41 years old.", {"name": "Ana", "age": 41}),
    ("JSON with keys `name`, `email`: I am Bob, bob@x.org", {"name": "Bob", "email": "bob@x.org"}),
    ("Give me a JSON object with name, age and city: Bob, 33, lives in Rome",
     {"name": "Bob", "age": 33, "city": "Rome"}),
    ("Tell me a joke. Return it as a JSON with 'setup' and 'punchline' keys.",
     {"setup": None, "punchline": None}),
    ("Responde en JSON con las claves nombre y edad. Me llamo Luis y tengo 30 años",
     {"nombre": "Luis", "edad": 30}),
    ("Responde en JSON con las claves nombre y edad", {"nombre": None, "edad": None}),
    ("JSON con los campos ciudad y fecha: vivo en Lugo", {"ciudad": "Lugo", "fecha": None}),
    ("用JSON回答，键为姓名和年龄。我叫王伟，今年30岁", {"姓名": "王伟", "年龄": 30}),
    ("用JSON回答，键为姓名和年龄。", {"姓名": None, "年龄": None}),
    ("请输出JSON，字段包括姓名、年龄。我叫李雷，25岁", {"姓名": "李雷", "年龄": 25}),
]  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), NAMED_KEYS)
def test_json_mode_gives_the_named_keys(ask, message: str, expected: dict[str, Any]) -> None:
    answer = ask(message, response_format={"type": "json_object"})
    assert json.loads(answer.text) == expected


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (["cliente", "importe"], "cliente e importe"),
        (["padres", "hijos"], "padres e hijos"),
        (["Nombre", "Índice"], "Nombre e Índice"),
        (["agua", "hielo"], "agua y hielo"),
        (["cliente", "fecha"], "cliente y fecha"),
        (["a", "importe", "yeso"], "a, importe y yeso"),
    ],
)
def test_spanish_lists(items: list[str], expected: str) -> None:
    assert enumerate_items(items, "es") == expected


@pytest.mark.parametrize(
    ("aside", "first", "last"),
    [
        ("Who are you?", "for Bob Stone", "30 euros"),
        ("thanks", "30 euros", "for Bob Stone"),
        ("¿Quién eres?", "para Bob Stone", "30 euros"),
        ("你是谁？", "客户是Bob Stone", "30元"),
    ],
)
def test_small_talk_does_not_end_a_request(ask, aside: str, first: str, last: str) -> None:
    tools = [INVOICES["en"], WEATHER]
    messages: list[dict[str, Any]] = []
    for text in ("Create an invoice", aside, first):
        messages.append({"role": "user", "content": text})
        messages.append({"role": "assistant", "content": ask(messages, tools=tools).text})
    messages.append({"role": "user", "content": last})
    expected = {"customer": "Bob Stone", "amount": 30}
    assert ask(messages, tools=tools).calls == [("create_invoice", expected)]


def test_a_half_named_function_asks_for_the_rest(ask) -> None:
    tools = [MONEY, WEATHER]
    messages = [{"role": "user", "content": "Send 20 euros"}]
    messages.append({"role": "assistant", "content": ask(messages, tools=tools).text})
    assert "IBAN" in messages[-1]["content"]
    messages.append({"role": "user", "content": "DE89370400440532013000"})
    expected = {"amount": 20, "iban": "DE89370400440532013000"}
    assert ask(messages, tools=tools).calls == [("send_money", expected)]


@pytest.mark.parametrize(
    "message", ["Try again", "Order the same again", "otra vez", "再试一次", "do it once more"]
)
def test_a_call_is_repeated_when_asked_for(ask, message: str) -> None:
    lamps = {"product": "lamps", "quantity": 3}
    messages = finished(ORDERS["en"], "Order 3 lamps", lamps, {"error": "out of stock"})
    messages.append({"role": "user", "content": message})
    assert ask(messages, tools=[ORDERS["en"], WEATHER]).calls == [("create_order", lamps)]


def test_requests_that_were_answered_are_not_quoted(ask) -> None:
    lamps = {"product": "lamps", "quantity": 3}
    messages = finished(ORDERS["en"], "Order 3 brass lamps", lamps, {"order_number": "A-1"})
    messages.append({"role": "user", "content": "Tell me about brass lamps"})
    assert "3 brass" not in ask(messages).text


@pytest.mark.parametrize("message", ["No, mejor no", "better not", "还是算了"])
def test_a_changed_mind_ends_a_request(ask, message: str) -> None:
    messages = [{"role": "user", "content": "Create an invoice"}]
    messages.append({"role": "assistant", "content": ask(messages, tools=[INVOICES["en"]]).text})
    messages.append({"role": "user", "content": message})
    answer = ask(messages, tools=[INVOICES["en"]])
    assert answer.calls == []
    assert "?" not in answer.text
