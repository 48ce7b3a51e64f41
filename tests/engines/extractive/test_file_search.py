"""Nine functions of a debt collector's assistant beside file_search: which one a message is for."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

from typing import Any

import pytest
from tests.engines.extractive.conftest import CATALOGUE, Ask, function, text
from tests.engines.extractive.test_choice import ONE_CALL

from understudy.runs.tools import offered
from understudy.wire import passages
from understudy.wire.passages import Passage

FUNCTIONS = [
    function(
        "get_debt_balance",
        "Get the outstanding balance of a customer's debt",
        "customer_id",
        customer_id=text("Id of the customer, e.g. C-1042"),
    ),
    function(
        "create_payment_plan",
        "Create a plan to pay the debt in monthly installments",
        "installments",
        installments={"type": "integer", "description": "Number of monthly installments"},
        monthly_amount={"type": "number", "description": "Amount paid each month"},
        start_date=text("Date of the first payment", format="date"),
    ),
    function(
        "propose_settlement",
        "Make an offer to settle the debt with a single amount",
        "amount",
        amount={"type": "number", "description": "Amount offered in euros"},
    ),
    function(
        "register_payment",
        "Record a payment that the customer has made",
        "amount",
        amount={"type": "number", "description": "Amount paid in euros"},
        date=text("Day of the payment", format="date"),
    ),
    function(
        "send_payment_link",
        "Send a payment link by email",
        "email amount",
        email=text("Email address of the customer", format="email"),
        amount={"type": "number", "description": "Amount to pay in euros"},
    ),
    function(
        "schedule_call",
        "Schedule a phone call with an adviser",
        "date time",
        date=text("Day of the call", format="date"),
        time=text("Time of the call, HH:MM"),
        phone=text("Phone number to call"),
    ),
    function(
        "open_complaint",
        "Open a complaint about how the customer was treated",
        "description",
        description=text("What happened"),
    ),
    function(
        "get_office_schedule",
        "Opening hours of an office",
        "city",
        city=text("City of the office"),
    ),
    function(
        "transfer_to_agent",
        "Hand the conversation over to a human agent",
        reason=text("Why"),
    ),
]

CONTENT = [
    "What does the contract say about late payment fees?",
    "How long do I have to appeal a decision?",
    "According to the manual, who signs the delivery note?",
    "Which documents do I need to prove my income?",
    "Can they seize my car if I don't pay?",
    "Summarise the chapter on data protection.",
    "Tell me what the guide says about guarantors.",
    "Explain clause 7",
    "¿Qué dice la ley sobre el plazo de prescripción de una deuda?",
    "¿Qué días pueden abrir los comercios en Galicia?",
    "¿Cuáles son los derechos del consumidor frente a un cobrador?",
    "¿Es obligatorio avisar antes de incluirme en un fichero de morosos?",
    "Explícame el artículo 12 del reglamento",
    "Según el documento, ¿qué multa se aplica?",
    "¿Pueden embargarme la nómina?",
    "Resume el capítulo de garantías",
    "合同里关于违约金是怎么规定的？",
    "根据手册，保修期是多久？",
    "消费者有哪些权利？",
    "员工可以休多少天年假？",
    "请解释第七条。",
]

ACTIONS = [
    ("I want to pay in 6 installments of 100 euros starting May 1st", "create_payment_plan"),
    ("I can offer 1500 euros to settle everything", "propose_settlement"),
    ("What is the outstanding balance of customer C-1042?", "get_debt_balance"),
    ("Call me tomorrow at 10am on +34 600 111 222", "schedule_call"),
    ("I want to file a complaint: the collector insulted me", "open_complaint"),
    ("Can I talk to a human agent?", "transfer_to_agent"),
    ("Can you create a payment plan with 10 installments?", "create_payment_plan"),
    ("Quiero pagar en 12 cuotas desde el 1 de abril", "create_payment_plan"),
    ("Ofrezco 800 euros para cerrar la deuda", "propose_settlement"),
    ("Mándame el enlace de pago a ana@ejemplo.es por 250 euros", "send_payment_link"),
    ("¿A qué hora abre la oficina de Valencia?", "get_office_schedule"),
    ("Registra un pago de 120 euros hecho el 2 de marzo", "register_payment"),
    ("¿Cuánto debe el cliente C-77?", "get_debt_balance"),
    ("¿Podrías llamarme el lunes a las 16:30?", "schedule_call"),
    ("我想分12期还款", "create_payment_plan"),
    ("我出1500欧元和解", "propose_settlement"),
    ("马德里办事处几点开门？", "get_office_schedule"),
    ("明天上午十点给我打电话，号码是13800138000", "schedule_call"),
    ("客户C-88的欠款余额是多少？", "get_debt_balance"),
    ("请转人工客服", "transfer_to_agent"),
]

SHOP = [
    function(
        "search_products",
        "Search the catalogue for products",
        "query",
        query=text("What kind of product"),
        max_price={"type": "number", "description": "Highest price in euros"},
    ),
    function(
        "get_stock",
        "Check how many units of a product are in stock",
        "product",
        product=text("Name of the product"),
    ),
    function(
        "add_to_cart",
        "Add a product to the shopping cart",
        "product",
        product=text("Name of the product"),
        quantity={"type": "integer", "description": "How many units"},
    ),
    function("show_cart", "Show what is in the shopping cart"),
    function(
        "apply_coupon",
        "Apply a discount coupon to the cart",
        "code",
        code=text("Code of the coupon"),
    ),
    function(
        "track_order",
        "Tell where an order is",
        "order_id",
        order_id=text("Number of the order, e.g. P-2031"),
    ),
    function(
        "start_return",
        "Start the return of an order",
        "order_id",
        order_id=text("Number of the order, e.g. P-2031"),
        reason=text("Why it is returned"),
    ),
    function(
        "book_visit",
        "Book a visit to the showroom",
        "date",
        date=text("Day of the visit", format="date"),
    ),
    function(
        "send_invoice",
        "Send the invoice of an order by email",
        "order_id",
        order_id=text("Number of the order, e.g. P-2031"),
        email=text("Email address", format="email"),
    ),
]

SHOP_CONTENT = [
    "How many days do customers have to send something back?",
    "Is the oak table suitable for outdoor use?",
    "What does the warranty cover?",
    "Tell me about your privacy policy",
    "Who pays the shipping costs of a return?",
    "¿Cómo se limpia una mesa de roble?",
    "¿Qué materiales lleva el sofá Lisboa?",
    "¿La garantía incluye los daños por agua?",
    "Explícame las condiciones de devolución",
    "¿Hacéis envíos a Canarias y cuánto tardan?",
    "橡木桌怎么保养？",
    "退货的运费由谁承担？",
    "保修包括水渍损坏吗？",
]

SHOP_ACTIONS = [
    ("Where is my order P-2031?", "track_order"),
    ("Add two oak chairs to my cart", "add_to_cart"),
    ("What's in my cart?", "show_cart"),
    ("How many units of the Lisboa sofa are in stock?", "get_stock"),
    ("I want to return order P-77 because it is broken", "start_return"),
    ("Apply the coupon SPRING10", "apply_coupon"),
    ("¿Dónde está mi pedido P-2031?", "track_order"),
    ("Busca productos de menos de 500 euros", "search_products"),
    ("¿Qué hay en mi carrito?", "show_cart"),
    ("Mándame la factura del pedido P-12 a eva@ejemplo.es", "send_invoice"),
    ("Quiero reservar una visita para el viernes", "book_visit"),
    ("我的订单P-2031到哪里了？", "track_order"),
    ("购物车里有什么？", "show_cart"),
    ("使用优惠券SPRING10", "apply_coupon"),
]

NEITHER = [
    "Hola, buenas tardes",
    "Thanks a lot!",
    "你是谁？",
    "What can you do?",
    "My name is Ana",
    "vale",
    "What is 12 + 30?",
    "再见",
]

TOOLS = offered([{"type": "file_search"}, *FUNCTIONS]).tools


@pytest.mark.parametrize("message", CONTENT)
def test_a_question_about_content_is_searched_for(ask: Ask, message: str) -> None:
    assert ask(message, tools=TOOLS).calls == [("file_search", {"queries": [message]})]


@pytest.mark.parametrize(("message", "name"), ACTIONS)
def test_a_function_is_preferred_where_it_is_meant(ask: Ask, message: str, name: str) -> None:
    assert ask(message, tools=TOOLS).names == [name]


SHOP_TOOLS = offered([*SHOP, {"type": "file_search"}]).tools


@pytest.mark.parametrize("message", SHOP_CONTENT)
def test_a_shop_searches_for_a_question_about_content(ask: Ask, message: str) -> None:
    assert ask(message, tools=SHOP_TOOLS).calls == [("file_search", {"queries": [message]})]


@pytest.mark.parametrize(("message", "name"), SHOP_ACTIONS)
def test_a_shop_prefers_the_function_that_is_meant(ask: Ask, message: str, name: str) -> None:
    assert ask(message, tools=SHOP_TOOLS).names == [name]


@pytest.mark.parametrize("message", NEITHER)
def test_small_talk_searches_nothing(ask: Ask, message: str) -> None:
    assert ask(message, tools=TOOLS).calls == []


@pytest.mark.parametrize(
    ("message", "name", "arguments"), ONE_CALL, ids=[case[0] for case in ONE_CALL]
)
def test_file_search_takes_nothing_from_other_functions(
    ask: Ask, message: str, name: str, arguments: dict[str, Any]
) -> None:
    tools = offered([*CATALOGUE, {"type": "file_search"}]).tools
    [(called, given)] = ask(message, tools=tools).calls
    assert called == name
    assert arguments.items() <= given.items()


# --- turn by turn -----------------------------------------------------------------------------

RATES = Passage(1, "rates.pdf", "Late payments cost 40 euros. Interest is 5 percent.", "3")
COURTS = Passage(
    2, "law.pdf", "Los tribunales abren a las nueve. Las deudas prescriben a los 5 años."
)


def called(
    name: str, output: str, arguments: str = "{}", id_: str = "call_1"
) -> list[dict[str, Any]]:
    call = {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": id_, "content": output},
    ]


def user(content: str) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How much does a late payment cost?", "Late payments cost 40 euros. 【1】"),
        ("According to the guide, what is the interest?", "Interest is 5 percent. 【1】"),
        ("¿Cuándo prescriben las deudas?", "Las deudas prescriben a los 5 años. 【2】"),
    ],
)
def test_the_answer_quotes_the_passages_that_were_found(
    ask: Ask, question: str, answer: str
) -> None:
    found = passages.render([RATES, COURTS])
    answered = ask([user(question), *called("file_search", found)], tools=TOOLS)
    assert (answered.calls, answered.text) == ([], answer)


def test_passages_of_a_second_search_keep_their_numbers(ask: Ask) -> None:
    messages = [
        user("When do debts expire, and ¿cuándo prescriben las deudas?"),
        *called("file_search", passages.render([RATES])),
        *called("file_search", passages.render([COURTS]), id_="call_2"),
    ]
    assert ask(messages, tools=TOOLS).text.endswith("Las deudas prescriben a los 5 años. 【2】")


@pytest.mark.parametrize("found", [passages.NONE_FOUND, passages.render([COURTS])])
def test_it_says_when_the_documents_do_not_answer(ask: Ask, found: str) -> None:
    messages = [user("What is the capital of Mongolia?"), *called("file_search", found)]
    answered = ask(messages, tools=TOOLS)
    assert answered.calls == []
    assert answered.text.startswith("I did not find that in the documents.")


def test_the_closest_passage_is_quoted_when_no_sentence_has_all_of_it(ask: Ask) -> None:
    text = "Solenta Plus\nThe annual service is compulsory.\nIts warranty runs for seven years."
    found = passages.render([Passage(1, "boilers.pdf", text), RATES])
    messages = [
        user("How long does the Solenta Plus enjoy full coverage by warranty?"),
        *called("file_search", found),
    ]
    assert ask(messages, tools=TOOLS).text == "Its warranty runs for seven years. 【1】"


def test_a_summary_of_what_was_found_cites_it(ask: Ask) -> None:
    found = passages.render([RATES, COURTS])
    messages = [user("Summarise the rules on late payments."), *called("file_search", found)]
    assert ask(messages, tools=TOOLS).text == f"{RATES.text} 【1】"


def test_each_question_is_searched_for(ask: Ask) -> None:
    messages = [
        user("What does the guide say about interest?"),
        {"role": "assistant", "content": "Interest is 5 percent."},
        user("How long do I have to appeal a decision?"),
    ]
    assert ask(messages, tools=TOOLS).names == ["file_search"]


def test_a_follow_up_is_searched_for_with_its_question(ask: Ask) -> None:
    messages = [
        user("¿Qué días pueden abrir los comercios en Galicia?"),
        {"role": "assistant", "content": "Ocho domingos."},
        user("¿Y en Madrid?"),
    ]
    [(_, arguments)] = ask(messages, tools=TOOLS).calls
    assert arguments["queries"] == [
        "¿Y en Madrid?",
        "¿Qué días pueden abrir los comercios en Galicia? ¿Y en Madrid?",
    ]


def test_passages_that_are_there_already_are_not_searched_for(ask: Ask) -> None:
    asked = "How much does a late payment cost?"
    prompt = [{"role": "system", "content": passages.render([RATES])}, user(asked)]
    assert ask(prompt, tools=TOOLS).text == "Late payments cost 40 euros. 【1】"
    [system, _] = prompt
    assert ask([system, user("Who appoints the judges?")], tools=TOOLS).names == ["file_search"]


def test_a_file_that_a_function_names_is_read(ask: Ask) -> None:
    asked = user("What is the outstanding balance of customer C-1042?")
    named = called("get_debt_balance", '{"statement": "file-k2Jd83hdA"}')
    assert ask([asked, *named], tools=TOOLS).names == ["file_search"]

    found = Passage(1, "s.pdf", "The outstanding balance of customer C-1042 is 310 euros.")
    searched = called("file_search", passages.render([found]), id_="call_2")
    answered = ask([asked, *named, *searched], tools=TOOLS)
    assert (answered.calls, answered.text) == ([], f"{found.text} 【1】")


def test_an_answer_of_a_function_is_told_without_a_search(ask: Ask) -> None:
    asked = user("What is the outstanding balance of customer C-1042?")
    answered = ask([asked, *called("get_debt_balance", '{"balance": 310}')], tools=TOOLS)
    assert (answered.calls, answered.text) == ([], "Balance: 310.")


def test_a_search_can_be_forced_and_forbidden(ask: Ask) -> None:
    named = {"type": "function", "function": {"name": "file_search"}}
    forced = ask("Hola", tools=TOOLS, tool_choice=named)
    assert forced.calls == [("file_search", {"queries": ["Hola"]})]
    assert ask(CONTENT[0], tools=TOOLS, tool_choice="none").calls == []
    assert ask(CONTENT[0], tools=TOOLS, tool_choice="required").names == ["file_search"]


def test_under_another_name_it_is_known_by_what_it_does(ask: Ask) -> None:
    own = function("file_search", "Find a file on the disk", "path", path=text("Path"))
    tools = offered([own, {"type": "file_search"}]).tools
    [(name, _)] = ask(CONTENT[1], tools=tools).calls
    assert name == "search_attached_files"
