"""Which function a message calls, in three languages, over one catalogue of fourteen."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

from typing import Any

import pytest

ONE_CALL: list[tuple[str, str, dict[str, Any]]] = [
    # English
    ("What's the weather in Madrid?", "get_weather", {"city": "Madrid"}),
    ("Will it rain in New York tomorrow?", "get_weather", {"city": "New York"}),
    ("weather in berlin please", "get_weather", {"city": "berlin"}),
    ("Tell me the forecast for Paris in fahrenheit",
     "get_weather", {"city": "Paris", "unit": "fahrenheit"}),
    ("Can you find the orders of ana@example.com?",
     "search_orders", {"customer_email": "ana@example.com"}),
    ("Where is my order ORD-1234?", "search_orders", {"order_id": "ORD-1234"}),
    ("Show me all delivered orders", "search_orders", {"status": "delivered"}),
    ("I'd like to pay my debt in 6 installments", "create_payment_plan", {"installments": 6}),
    ("Set up a payment plan of twelve installments starting on May 1st", "create_payment_plan",
     {"installments": 12, "start_date": "2026-05-01"}),
    ("I can offer $1,500 to settle the debt", "propose_settlement", {"amount": 1500}),
    ("When does the store in Valencia open?", "getStoreSchedule", {"store": "Valencia"}),
    ("What are your opening hours on Saturday?", "getStoreSchedule", {}),
    ("How much does the blue chair cost?", "get_product_price", {"product": "blue chair"}),
    ("What is the price of 3 office lamps?", "get_product_price", {"quantity": 3}),
    ("Open a high priority ticket: the printer does not print", "create_ticket",
     {"priority": "high", "title": "the printer does not print"}),
    ("Please cancel my appointment CITA-12", "cancel_appointment", {"appointment_id": "CITA-12"}),
    ("Cancel appointment CITA-7 because I am ill", "cancel_appointment",
     {"appointment_id": "CITA-7", "reason": "I am ill"}),
    ("Convert 100 dollars to euros", "convert_currency",
     {"amount": 100, "from_currency": "USD", "to_currency": "EUR"}),
    ("How many euros is 250.50 USD?", "convert_currency",
     {"amount": 250.5, "from_currency": "USD", "to_currency": "EUR"}),
    ("Send an email to bob@example.org saying the meeting is at noon", "send_email",
     {"to": "bob@example.org", "body": "the meeting is at noon"}),
    ("Book a table for 4 people tomorrow at 8pm", "book_table",
     {"people": 4, "date": "2026-03-05", "time": "20:00"}),
    ("Track package 1Z999AA10123456784",
     "track_shipment", {"tracking_number": "1Z999AA10123456784"}),
    ("What is my account balance?", "get_account_balance", {}),
    ("Search the web for the history of the Panama canal", "search_web",
     {"query": "the history of the Panama canal"}),
    # Spanish
    ("¿Qué tiempo hace en Sevilla?", "get_weather", {"city": "Sevilla"}),
    ("¿Va a llover mañana en Buenos Aires?", "get_weather", {"city": "Buenos Aires"}),
    ("Dime el pronóstico para Bogotá", "get_weather", {"city": "Bogotá"}),
    ("Busca los pedidos de luis@ejemplo.es",
     "search_orders", {"customer_email": "luis@ejemplo.es"}),
    ("¿Dónde está mi pedido ORD-99?", "search_orders", {"order_id": "ORD-99"}),
    ("Quiero pagar mi deuda en 12 cuotas", "create_payment_plan", {"installments": 12}),
    ("Puedo pagar 250 euros al mes en doce cuotas", "create_payment_plan",
     {"installments": 12, "monthly_amount": 250}),
    ("Hazme un plan de pagos a 10 meses desde el 15 de abril", "create_payment_plan",
     {"installments": 10, "start_date": "2026-04-15"}),
    ("Os ofrezco 1.234,56 € para liquidar la deuda", "propose_settlement", {"amount": 1234.56}),
    ("Propongo un acuerdo: mil quinientos euros", "propose_settlement", {"amount": 1500}),
    ("¿A qué hora abre la tienda de Valencia?", "getStoreSchedule", {"store": "Valencia"}),
    ("¿Cuál es vuestro horario los sábados?", "getStoreSchedule", {}),
    ("¿Cuánto cuesta la silla azul?", "get_product_price", {"product": "silla azul"}),
    ("Precio del portátil X200", "get_product_price", {}),
    ("Abre una incidencia urgente: no funciona la impresora", "create_ticket",
     {"priority": "high", "title": "no funciona la impresora"}),
    ("Anula mi cita CITA-33, por favor", "cancel_appointment", {"appointment_id": "CITA-33"}),
    ("Cancélame la cita CITA-5 porque estoy enfermo", "cancel_appointment",
     {"appointment_id": "CITA-5", "reason": "estoy enfermo"}),
    ("¿Cuántos euros son 300 dólares?", "convert_currency",
     {"amount": 300, "from_currency": "USD", "to_currency": "EUR"}),
    ("Convierte 25 000 yenes a euros", "convert_currency",
     {"amount": 25000, "from_currency": "JPY", "to_currency": "EUR"}),
    ("Manda un correo a eva@ejemplo.com diciendo que llego tarde", "send_email",
     {"to": "eva@ejemplo.com", "body": "llego tarde"}),
    ("Reserva una mesa para cuatro personas el viernes a las 9 de la noche", "book_table",
     {"people": 4, "date": "2026-03-06", "time": "21:00"}),
    ("Quiero reservar mesa mañana a las 14:30 para 2, a nombre de Marta", "book_table",
     {"people": 2, "date": "2026-03-05", "time": "14:30", "name": "Marta"}),
    ("¿Dónde está mi paquete 00340434161094022115?", "track_shipment",
     {"tracking_number": "00340434161094022115"}),
    ("¿Qué saldo tengo en la cuenta?", "get_account_balance", {}),
    ("Busca en internet recetas de paella", "search_web", {}),
    # Chinese
    ("北京今天天气怎么样？", "get_weather", {"city": "北京"}),
    ("请问明天上海会下雨吗？", "get_weather", {"city": "上海"}),
    ("帮我查一下订单ORD-77", "search_orders", {"order_id": "ORD-77"}),
    ("我想分十二期还款", "create_payment_plan", {"installments": 12}),
    ("我想分6期还清债务，每月500元",
     "create_payment_plan", {"installments": 6, "monthly_amount": 500}),
    ("我出价3000元和解", "propose_settlement", {"amount": 3000}),
    ("你们几点开门？", "getStoreSchedule", {}),
    ("蓝色椅子多少钱？", "get_product_price", {"product": "蓝色椅子"}),
    ("取消预约CITA-8", "cancel_appointment", {"appointment_id": "CITA-8"}),
    ("把100美元换成人民币", "convert_currency",
     {"amount": 100, "from_currency": "USD", "to_currency": "CNY"}),
    ("发邮件给li@example.cn，内容是会议改到下午", "send_email",
     {"to": "li@example.cn", "body": "会议改到下午"}),
    ("预订明天晚上7点的桌子，4个人",
     "book_table", {"people": 4, "date": "2026-03-05", "time": "19:00"}),
    ("我的账户余额是多少？", "get_account_balance", {}),
    ("查一下快递SF123456789到哪了", "track_shipment", {"tracking_number": "SF123456789"}),
]  # fmt: skip

NO_CALL = [
    "Hello!", "Thanks a lot", "Good morning, how are you?", "Who are you?", "Tell me a joke",
    "What is the meaning of life?", "I am very happy today", "ok", "You are great",
    "Hola, ¿qué tal?", "Muchas gracias", "Cuéntame un chiste", "¿Quién eres?", "Me gusta el fútbol",
    "¿Crees en los fantasmas?", "Adiós, hasta luego", "你好", "谢谢", "你是谁？", "再见",
    "给我讲个笑话",
]  # fmt: skip

SEVERAL_CALLS: list[tuple[str, list[tuple[str, dict[str, Any]]]]] = [
    ("What's the weather in Madrid and in Paris?",
     [("get_weather", {"city": "Madrid"}), ("get_weather", {"city": "Paris"})]),
    ("Weather in Rome, London and Tokyo",
     [("get_weather", {"city": "Rome"}), ("get_weather", {"city": "London"}),
      ("get_weather", {"city": "Tokyo"})]),
    ("¿Qué tiempo hace en Lima y en Quito?",
     [("get_weather", {"city": "Lima"}), ("get_weather", {"city": "Quito"})]),
    ("北京和上海的天气怎么样？",
     [("get_weather", {"city": "北京"}), ("get_weather", {"city": "上海"})]),
    ("What's the weather in Oslo and how much does the blue chair cost?",
     [("get_weather", {"city": "Oslo"}), ("get_product_price", {"product": "blue chair"})]),
    ("Cancela la cita CITA-3 y dime mi saldo",
     [("cancel_appointment", {"appointment_id": "CITA-3"}), ("get_account_balance", {})]),
    ("Cancel appointments CITA-3 and CITA-4",
     [("cancel_appointment", {"appointment_id": "CITA-3"}),
      ("cancel_appointment", {"appointment_id": "CITA-4"})]),
    ("Convierte 100 dólares a euros y busca los pedidos de ana@x.es",
     [("convert_currency", {"amount": 100}), ("search_orders", {"customer_email": "ana@x.es"})]),
]  # fmt: skip


@pytest.mark.parametrize(("message", "name", "expected"), ONE_CALL, ids=[c[0] for c in ONE_CALL])
def test_one_call(ask, catalogue, message: str, name: str, expected: dict[str, Any]) -> None:
    answer = ask(message, tools=catalogue)

    assert answer.names == [name], answer.text
    arguments = answer.calls[0][1]
    assert {key: arguments.get(key) for key in expected} == expected


@pytest.mark.parametrize("message", NO_CALL)
def test_small_talk_calls_nothing(ask, catalogue, message: str) -> None:
    assert ask(message, tools=catalogue).names == []


@pytest.mark.parametrize(("message", "expected"), SEVERAL_CALLS, ids=[c[0] for c in SEVERAL_CALLS])
def test_several_calls(ask, catalogue, message: str, expected: list[Any]) -> None:
    calls = ask(message, tools=catalogue).calls

    assert [name for name, _ in calls] == [name for name, _ in expected]
    for (_, arguments), (_, subset) in zip(calls, expected, strict=True):
        assert {key: arguments.get(key) for key in subset} == subset


def test_a_word_of_all_functions_chooses_none(ask) -> None:
    names = ("get_customer_address", "delete_customer", "list_customer_orders")
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    assert ask("I am a customer of yours", tools=tools).calls == []
    assert ask("What is the customer's address?", tools=tools).names == ["get_customer_address"]


NUMBER = {"type": "integer"}
TEXT = {"type": "string"}
ALONE: list[tuple[str, str, dict[str, Any], str, dict[str, Any]]] = [
    ("magic_function", "Applies a magic function to an input.", {"input": NUMBER},
     "What is the value of magic_function(3)? Use the tool.", {"input": 3}),
    ("my_adder_tool", "Tool that adds two integers", {"a": NUMBER, "b": NUMBER},
     "suma 5 y 7", {"a": 5, "b": 7}),
    ("calculate", "Evaluate a mathematical expression", {"expression": TEXT},
     "what is 12*7?", {"expression": "12*7"}),
    ("get_current_time", "Get the current time", {}, "¿Qué hora es?", {}),
    ("get_delivery_date", "Get the delivery date for a customer's order", {"order_id": TEXT},
     "When will order_12345 be delivered?", {"order_id": "order_12345"}),
    ("get_current_weather", "Get the weather in a location", {"location": TEXT},
     "What's the weather like in Boston, MA?", {"location": "Boston, MA"}),
    ("查询天气", "查询指定城市的天气", {"城市": TEXT}, "深圳明天会下雨吗", {"城市": "深圳"}),
    ("consultar_saldo", "Consulta el saldo pendiente de la deuda", {"dni": TEXT},
     "¿Cuánto debo? Mi DNI es 12345678Z", {"dni": "12345678Z"}),
    ("search_docs", "Search the documents of the company", {"query": TEXT},
     "Search the documents for the vacation policy", {"query": "the vacation policy"}),
    ("search_docs", "Search the documents of the company", {"query": TEXT},
     "How do I reset my password?", {"query": "How do I reset my password?"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "description", "properties", "message", "expected"), ALONE, ids=[c[3] for c in ALONE]
)
def test_a_function_alone(ask, name, description, properties, message, expected) -> None:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    definition = {"name": name, "description": description, "parameters": parameters}
    tools = [{"type": "function", "function": definition}]

    assert ask(message, tools=tools).calls == [(name, expected)]
    assert ask("Hello!", tools=tools).calls == []
