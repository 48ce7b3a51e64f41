"""The sentences that the embedded model says itself, in its three languages."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re

from understudy.engines.extractive.lexicon import Language

_PHRASES: dict[str, dict[Language, str]] = {
    "greeting": {
        "en": "Hello! How can I help you?",
        "es": "¡Hola! ¿En qué puedo ayudarte?",
        "zh": "你好！有什么可以帮您？",
    },
    "greeting_as": {
        "en": "Hello! I am {persona}. How can I help you?",
        "es": "¡Hola! Soy {persona}. ¿En qué puedo ayudarte?",
        "zh": "你好！我是{persona}。有什么可以帮您？",
    },
    "greeting_back": {
        "en": "Nice to meet you, {name}. How can I help you?",
        "es": "Encantado, {name}. ¿En qué puedo ayudarte?",
        "zh": "很高兴认识您，{name}。有什么可以帮您？",
    },
    "well": {
        "en": "I am well, thank you. How can I help you?",
        "es": "Muy bien, gracias. ¿En qué puedo ayudarte?",
        "zh": "我很好，谢谢。有什么可以帮您？",
    },
    "welcome": {
        "en": "You are welcome.",
        "es": "De nada.",
        "zh": "不客气。",
    },
    "agreed": {"en": "All right.", "es": "De acuerdo.", "zh": "好的。"},
    "goodbye": {
        "en": "Goodbye!",
        "es": "¡Hasta luego!",
        "zh": "再见！",
    },
    "i_am": {"en": "I am {persona}.", "es": "Soy {persona}.", "zh": "我是{persona}。"},
    "self": {
        "en": "I am the embedded model of Understudy: I quote what I am given and call functions, "
        "but I do not write freely.",
        "es": "Soy el modelo integrado de Understudy: cito lo que me dan y llamo a funciones, "
        "pero no redacto libremente.",
        "zh": "我是 Understudy 的内置模型：我引用已有的内容并调用函数，但不会自由写作。",
    },
    "abilities": {
        "en": "I can help with: {tools}.",
        "es": "Puedo ayudarte con: {tools}.",
        "zh": "我可以帮您：{tools}。",
    },
    "connect": {
        "en": "For a model that does, set DASHSCOPE_API_KEY and use `--model dashscope/qwen-plus`, "
        "or add any OpenAI-compatible server as a provider.",
        "es": "Para usar un modelo que sí lo haga, define DASHSCOPE_API_KEY y usa "
        "`--model dashscope/qwen-plus`, o añade como proveedor cualquier servidor compatible "
        "con OpenAI.",
        "zh": "要连接真正的模型，请设置 DASHSCOPE_API_KEY 并使用 `--model dashscope/qwen-plus`，"
        "或将任何兼容 OpenAI 的服务器添加为提供方。",
    },
    "unknown": {
        "en": "I cannot answer that from what I have here.",
        "es": "No puedo responder a eso con lo que tengo aquí.",
        "zh": "根据我手头的内容，我无法回答这个问题。",
    },
    "unknown_in_passages": {
        "en": "I did not find that in the documents.",
        "es": "No he encontrado eso en los documentos.",
        "zh": "我在文档中没有找到相关内容。",
    },
    "your_name": {
        "en": "Your name is {name}.",
        "es": "Te llamas {name}.",
        "zh": "您叫{name}。",
    },
    "ask": {
        "en": "I need one more detail: {missing}.",
        "es": "Necesito un dato más: {missing}.",
        "zh": "还需要一项信息：{missing}。",
    },
    "ask_several": {
        "en": "I need a few more details: {missing}.",
        "es": "Necesito algunos datos más: {missing}.",
        "zh": "还需要以下信息：{missing}。",
    },
    "ask_question": {
        "en": " Could you tell me?",
        "es": " ¿Me lo puedes decir?",
        "zh": "请告诉我好吗？",
    },
    "results": {
        "en": "{count} results:",
        "es": "{count} resultados:",
        "zh": "共 {count} 条结果：",
    },
    "one_result": {"en": "1 result:", "es": "1 resultado:", "zh": "共 1 条结果："},
    "more": {"en": "... and {count} more", "es": "... y {count} más", "zh": "……另有 {count} 条"},
    "no_results": {
        "en": "Nothing was found.",
        "es": "No se ha encontrado nada.",
        "zh": "没有找到任何结果。",
    },
    "done": {"en": "Done.", "es": "Hecho.", "zh": "已完成。"},
    "failed": {
        "en": "That did not work: {error}",
        "es": "No ha funcionado: {error}",
        "zh": "操作失败：{error}",
    },
    "yes": {"en": "yes", "es": "sí", "zh": "是"},
    "no": {"en": "no", "es": "no", "zh": "否"},
    "sentence_end": {"en": ".", "es": ".", "zh": "。"},
    "comma": {"en": ", ", "es": ", ", "zh": "，"},
    "semicolon": {"en": "; ", "es": "; ", "zh": "；"},
    "colon": {"en": ": ", "es": ": ", "zh": "："},
    "and": {"en": " and ", "es": " y ", "zh": "和"},
}


def say(phrase: str, language: Language, **values: object) -> str:
    """Return the phrase of that name in `language`, its fields filled with `values`."""
    return _PHRASES[phrase][language].format(**values)


def cannot_answer(reason: str, language: Language) -> str:
    """Return an honest refusal: the reason, what this model is, and how to connect another."""
    sentences = [say(name, language) for name in (reason, "self", "connect")]
    return ("" if language == "zh" else " ").join(sentences)


def enumerate_items(items: list[str], language: Language) -> str:
    """Return `items` as a list in a sentence: `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    comma, last = say("comma", language), _and_before(items[-1], language)
    return (comma if language != "zh" else "、").join(items[:-1]) + last + items[-1]


def _and_before(item: str, language: Language) -> str:
    """Return the conjunction; the Spanish `y` is `e` before its own sound, but not before `hie`."""
    if language == "es" and _SOUNDS_LIKE_Y.match(item):
        return say("and", language).replace("y", "e")
    return say("and", language)


_SOUNDS_LIKE_Y = re.compile(r"\W*h?[ií](?![aeoáéó])", re.IGNORECASE)
