"""Answers that need no source: greetings, who are you, names, verbatim requests, arithmetic."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import ast
import operator
import re
from collections.abc import Callable

from understudy.engines.extractive import evidence
from understudy.engines.extractive.conversation import Conversation
from understudy.engines.extractive.lexicon import Language
from understudy.engines.extractive.phrases import say

_LONGEST = 400
_GREETING = re.compile(
    r"\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|hola|buen[oa]s(?: d[ií]as| tardes"
    r"| noches)?"
    r"|buen d[ií]a|saludos|你好|您好|嗨|哈喽|早上好|下午好|晚上好)"
    r"(?:\W+(?:there|everyone|all|world|again|buen[oa]s|d[ií]as|tardes|noches|qu[eé] tal|mundo"
    r"|a todos|hola|hello))*\W*",
    re.IGNORECASE,
)
_WELL = re.compile(
    r"(?:\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|hola|buen[oa]s(?: d[ií]as| tardes"
    r"| noches)?|你好|您好))?"
    r"\W*(?:how are you(?: doing)?(?: today)?|how'?s it going|what'?s up"
    r"|c[oó]mo est[aá]s?(?: usted)?|qu[eé] tal(?: est[aá]s)?|c[oó]mo te va|你好吗|您好吗"
    r"|最近怎么样)\W*",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"\W*(?:(?:ok|okay|vale|perfect[o]?|great|genial|好的)\W+)?(?:(?:many |muchas "
    r"|mil )?(?:thanks|thank you|gracias|thx)"
    r"(?: (?:a lot|so much|very much|for your help|por (?:todo|tu ayuda|la ayuda)))?|(?:非常"
    r"|多)?谢谢(?:你|您)?|多谢)\W*",
    re.IGNORECASE,
)
_GOODBYE = re.compile(
    r"\W*(?:(?:good)?bye(?: bye)?|see you(?: later| soon)?|adi[oó]s|hasta (?:luego|pronto|mañana)"
    r"|chao|再见|拜拜)\W*",
    re.IGNORECASE,
)
_AGREED = re.compile(
    r"\W*(?:ok(?:ay)?|fine|all right|never ?mind|forget it"
    r"|(?:no,? )?(?:mejor no|better not)|no,? (?:thanks|thank you|gracias)|vale"
    r"|de acuerdo|perfecto"
    r"|olv[ií]dalo|d[eé]jalo|nada|entendido|好的?|算了|不用了|知道了)\W*",
    re.IGNORECASE,
)
_WHO = re.compile(
    r"\b(?:who are you|what are you|what(?:'s| is) your name|introduce yourself|qui[eé]n eres"
    r"|qu[eé] eres"
    r"|c[oó]mo te llamas|cu[aá]l es tu nombre|pres[eé]ntate)\b|你是谁|你叫什么|你是什么"
    r"|介绍一下你自己|自我介绍",
    re.IGNORECASE,
)
_ABILITIES = re.compile(
    r"\b(?:what can you do|how can you help|what do you do|can you help(?: me)?(?=\W*$)"
    r"|help me(?=\W*$)|(?:me )?(?:puedes ayudar(?:me)?|ayudas|ayuda)(?=\W*$)|qu[eé] (?:puedes"
    r"|sabes) hacer|en qu[eé] puedes ayudar(?:me)?"
    r"|c[oó]mo puedes ayudar(?:me)?)\b|你(?:能|会|可以)(?:做什么|干什么|帮我做什么)",
    re.IGNORECASE,
)
_MY_NAME = re.compile(
    r"\b(?:what(?:'s| is) my name|do you (?:know|remember) my name|who am i|c[oó]mo me llamo"
    r"|cu[aá]l es mi nombre"
    r"|qui[eé]n soy|(?:recuerdas|sabes) mi nombre)\b|我叫什么|我的名字是什么|我是谁",
    re.IGNORECASE,
)
_PERSONA = re.compile(
    r"\b(?:you are|your name is|act as|eres|tu nombre es|te llamas"
    r"|act[uú]a como)\s+(?P<persona>[^.\n;:!?]{2,120})"
    r"|(?:你是|你叫|你的名字是|请扮演)(?P<zh>[^。\n；，,!！?？]{1,60})",
    re.IGNORECASE,
)
_GENERIC_PERSONA = re.compile(
    r"^(?:(?:a|an|the|un|una|el|la)\s+)?(?:very |muy )?(?:helpful|useful|friendly|concise|útil"
    r"|amable)?\s*"
    r"(?:ai |virtual )?(?:assistant|chatbot|bot|asistente)(?:\s+(?:útil|virtual|amable))?$"
    r"|^一个?(?:有用的|智能)?助手$",
    re.IGNORECASE,
)
_SAY = re.compile(
    r"^\W*(?:(?:please|now|por favor|just|simply|only|solo|sólo|ahora)\W+)*"
    r"(?P<verb>say|repeat|reply|respond|answer|write|print|output|return|echo|di|repite|responde"
    r"|contesta|escribe|imprime|devuelve)\b"
    r"(?P<how>(?:\s+(?:back|to me|with|exactly|only|just|simply|verbatim|the|single|exact"
    r"|following|word|words|phrase|text|sentence"
    r"|message|after me|nothing but|con|solo|sólo|solamente|únicamente|unicamente|exactamente|la"
    r"|el|siguiente|palabra|palabras|frase|texto"
    r"|lo siguiente|(?:this|esto)(?=\s*[:：]))\b)*+)\s*+(?P<colon>[:：]?)\s*+(?P<what>.+)",
    re.IGNORECASE | re.DOTALL,
)
_CHINESE_SAY = re.compile(
    r"^\s*(?:请)?(?:你)?(?:只|仅)?(?:用)?(?P<verb>回复|回答|说|重复|输出|复述)(?P<how>一下"
    r"|以下内容|以下文字|这句话|这个词|一句|出)?"
    r"\s*+(?P<colon>[:：]?)\s*+(?P<what>.+)",
    re.DOTALL,
)
_ANYWHERE = re.compile(
    r"(?:reply|respond|answer|responde|contesta)\s+(?:(?:with|con|only|solo|sólo|just|exactly"
    r"|únicamente|exactamente)\s+){1,3}"
    r"(?:(?:the|la|el)\s+)?(?:(?:word|palabra|text"
    r"|texto)\s*:?\s+)?[\"'“«](?P<quoted>[^\"'”»\n]{1,200})[\"'”»]",
    re.IGNORECASE,
)
_NOT_VERBATIM = re.compile(
    r"^(?:something|anything|me|why|how|what|when|where|who|if|whether|a|an|some|my|your|about|in"
    r"|to|sobre|algo|por qué|qué|cómo|una?"
    r"|la pregunta|the question|questions?|yes or no|sí o no|as|for|from|de|en|如何|什么|问题"
    r"|为什么|关于|我|根据)\b|^(?:如何|什么|问题|为什么|关于|我)",
    re.IGNORECASE,
)
_MODIFIER = re.compile(
    r"\s+(?:in (?:one|a single|\d+) words?|and nothing else|nothing else|only|and (?:only that"
    r"|stop)|en una (?:sola )?palabra|y nada más|nada más)\s*[.!]?$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^[\"'“«‘「『](?P<text>.*?)[\"'”»’」』][.。!]?$", re.DOTALL)
_COUNT = re.compile(
    r"\b(?:count|cuenta)\b[^\d\n]{0,20}?(?:(?:from|de|desde"
    r"|del)\s+(?P<first>\d{1,4})\s+)?(?:up )?(?:to|a|hasta|al)\s+(?P<last>\d{1,4})\b"
    r"|从(?P<zh_first>\d{1,4})数到(?P<zh_last>\d{1,4})",
    re.IGNORECASE,
)
_SUM = re.compile(
    r"(?<![A-Za-z0-9_.])(?:\(?\s*-?\d[\d.]{0,15}\s*\)?\s*(?:[-+*/x×÷^]"
    r"|\*\*)\s*){1,10}\(?\s*-?\d[\d.]{0,15}\s*\)?(?![A-Za-z0-9_])"
)
_SPOKEN_OPERATORS = (
    (re.compile(r"\b(?:plus|más|mas)\b|加", re.IGNORECASE), "+"),
    (re.compile(r"\b(?:minus|menos)\b|减", re.IGNORECASE), "-"),
    (re.compile(r"\b(?:times|multiplied by|por|multiplicado por)\b|乘以?", re.IGNORECASE), "*"),
    (re.compile(r"\b(?:divided by|entre|dividido (?:por|entre))\b|除以", re.IGNORECASE), "/"),
)
_ASKS_SUM = re.compile(
    r"\b(?:what(?:'s| is)|how much is|calculate|compute|solve|cu[aá]nto (?:es|son|da)|calcula"
    r"|resuelve)\b|等于|多少|计算|^[\s\d.()+*/x×÷^=?-]+$",
    re.IGNORECASE,
)
_COURTESIES = ((_WELL, "well"), (_THANKS, "welcome"), (_GOODBYE, "goodbye"), (_AGREED, "agreed"))
_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def is_courtesy(text: str) -> bool:
    """Tell whether `text` is a greeting, thanks or goodbye and nothing else."""
    text = text.strip()
    courtesies = (_GREETING, _WELL, _THANKS, _GOODBYE)
    return len(text) <= _LONGEST and any(pattern.fullmatch(text) for pattern in courtesies)


def is_greeting(text: str) -> bool:
    """Tell whether `text` is a greeting and nothing else."""
    return len(text) <= _LONGEST and _GREETING.fullmatch(text.strip()) is not None


def asks_who(text: str) -> bool:
    """Tell whether `text` asks who it is that answers."""
    return len(text) <= _LONGEST and _WHO.search(text) is not None


def verbatim(text: str) -> str | None:
    """Return what `text` asks to be said word for word, or None."""
    if len(text) > 4_000:
        return None
    quoted = _ANYWHERE.search(text)
    if quoted:
        return quoted["quoted"]
    match = _SAY.match(text) or _CHINESE_SAY.match(text)
    if match is None:
        return None
    what = _MODIFIER.sub("", match["what"].strip()).strip()
    inner = _QUOTED.match(what)
    if inner:
        return inner["text"]
    told = bool(match["how"].strip() if match["how"] else "") or bool(match["colon"])
    if _NOT_VERBATIM.match(what) and not match["colon"]:
        return None
    if not told and (
        len(what.split()) > 8
        or match["verb"].lower()
        in ("write", "escribe", "return", "answer", "respond", "回答", "print", "output")
    ):
        return None
    return what if match["colon"] else what.rstrip(".。")


def reply(conversation: Conversation, offered: list[str]) -> str | None:
    """Return the answer to small talk, None for anything else; `offered` says what tools do."""
    text = conversation.last_user.strip()
    language = conversation.language
    if not text or len(text) > _LONGEST:
        return None
    persona = persona_of(conversation.system, language)
    if _GREETING.fullmatch(text):
        return (
            say("greeting_as", language, persona=persona) if persona else say("greeting", language)
        )
    for pattern, phrase in _COURTESIES:
        if pattern.fullmatch(text):
            return say(phrase, language)
    if _WHO.search(text):
        return say("i_am", language, persona=persona) if persona else _self(language)
    if _ABILITIES.search(text):
        return _abilities(language, offered)
    if _MY_NAME.search(text):
        return _users_name(conversation)
    return arithmetic(text) or counted(text) or _introduced(text, language)


def persona_of(system: str, language: Language) -> str | None:
    """Return who the system prompt says the assistant is, when that can be said in `language`."""
    match = _PERSONA.search(system[:4_000])
    if match is None:
        return None
    persona = (match["persona"] or match["zh"]).strip(" \"'")
    if _GENERIC_PERSONA.match(persona):
        return None
    named = re.match(r"[A-ZÁÉÍÓÚÑ][\w'-]{1,30}(?:\s+[A-ZÁÉÍÓÚÑ][\w'-]{1,30}){0,2}", persona)
    if _language_of(match) == language:
        return persona
    return named[0] if named else None


def _language_of(match: re.Match[str]) -> Language:
    if match["zh"]:
        return "zh"
    verb = match[0].lower()
    return "en" if verb.startswith(("you", "act as")) else "es"


def arithmetic(text: str) -> str | None:
    """Return the value of the sum that `text` asks for, or None."""
    if not _ASKS_SUM.search(text):
        return None
    spoken = text
    for pattern, sign in _SPOKEN_OPERATORS:
        spoken = pattern.sub(sign, spoken)
    match = _SUM.search(spoken)
    if match is None:
        return None
    source = match[0].replace("x", "*").replace("×", "*").replace("÷", "/").strip()
    try:
        value = _evaluated(ast.parse(source, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return str(int(value)) if float(value).is_integer() else f"{value:.10g}"


def _evaluated(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluated(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluated(node.left), _evaluated(node.right))
    raise ValueError(ast.dump(node))


def counted(text: str) -> str | None:
    """Return the numbers that `text` asks to count, or None."""
    match = _COUNT.search(text)
    if match is None:
        return None
    first = int(match["first"] or match["zh_first"] or 1)
    last = int(match["last"] or match["zh_last"])
    if not first <= last <= first + 1_000:
        return None
    return ", ".join(str(number) for number in range(first, last + 1))


def _self(language: Language) -> str:
    return say("self", language)


def _abilities(language: Language, offered: list[str]) -> str:
    if not offered:
        return f"{say('self', language)} {say('connect', language)}"
    return say("abilities", language, tools=say("semicolon", language).join(offered))


def _users_name(conversation: Conversation) -> str | None:
    for text in reversed(conversation.users):
        names = evidence.introductions(text[:_LONGEST])
        if names:
            return say("your_name", conversation.language, name=names[-1].value)
    return None


def _introduced(text: str, language: Language) -> str | None:
    """Greet somebody who says a name and nothing else."""
    names = evidence.introductions(text)
    if len(names) == 0 or len(text) > 60 or "?" in text or "？" in text:
        return None
    rest = len(text) - len(names[0].value)
    return say("greeting_back", language, name=names[0].value) if rest <= 24 else None
