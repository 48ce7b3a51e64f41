"""The questions about themselves that `recall` answers from memory. Tables."""

# ruff: noqa: E501, RUF001 - a pattern is read by the line; Chinese has full-width punctuation

import re

ASKED = {
    key: re.compile(pattern, re.IGNORECASE)
    for key, pattern in {
        "name": r"c[oó]mo me llamo|cu[aá]l es mi nombre|(?:sabes|recuerdas|acuerdas de|dime) (?:mi nombre|qui[eé]n soy)"
        r"|^\W*qui[eé]n soy|what(?:'s|’s| is) my name|(?:know|remember|tell me) (?:my name|who i am)"
        r"|^\W*who am i|我(?:叫|的名字是)什么|我是谁|记得我的名字",
        "age": r"cu[aá]ntos a[nñ]os tengo|qu[eé] edad tengo|cu[aá]l es mi edad|how old am i"
        r"|what(?:'s|’s| is) my age|我(?:今年)?(?:几岁|多大|多少岁)",
        "birthday": r"cu[aá]ndo (?:es mi cumplea[nñ]os|nac[ií]|cumplo)|fecha de (?:mi )?nacimiento"
        r"|when(?:'s|’s| is) my birthday|when was i born|我的?生日(?:是|在)|我(?:什么时候|哪天)(?:出生|过生日)",
        "home": r"d[oó]nde vivo|en qu[eé] (?:ciudad|pa[ií]s|pueblo|sitio) vivo|where do i live"
        r"|wh(?:at|ich) (?:city|country|town) do i live|我住(?:在)?(?:哪|什么)",
        "origin": r"de d[oó]nde soy|where (?:am i|do i come) from|我(?:来自哪|是哪里人|是哪儿人)",
        "job": r"a qu[eé] me dedico|(?:de|en) qu[eé] trabajo|cu[aá]l es mi (?:trabajo|profesi[oó]n)"
        r"|what do i do for|what(?:'s|’s| is) my (?:job|profession|occupation)|我(?:是)?做什么(?:工作|的)"
        r"|我的(?:工作|职业)是什么",
        "workplace": r"d[oó]nde trabajo|para qui[eé]n trabajo|where do i work|who do i work for"
        r"|我在哪(?:里|儿)?(?:工作|上班)",
        "diet": r"qu[eé] dieta|what diet|am i (?:a )?(?:vegetarian|vegan)|soy (?:vegetarian|vegan)[oa]\?",
        "allergy": r"(?:a qu[eé]|qu[eé]) (?:soy al[eé]rgic|alergia)|qu[eé] alergias|what am i allergic"
        r"|what allerg|我对什么过敏",
        "dislike": r"qu[eé] (?:es lo que )?no me gusta|qu[eé] (?:odio|detesto)|what do i (?:hate|dislike)"
        r"|what (?:don['’]t i|do i not) like|我不喜欢什么|我讨厌什么",
        "like": r"(?<!no )(?:qu[eé](?: cosas)? me gustan?|qu[eé] me encanta|cu[aá]les son mis gustos)"
        r"|what do i (?:like|love|enjoy|prefer)|我(?:最)?喜欢什么|我爱什么",
        "has": r"qu[eé] (?:mascotas?|animales) tengo|what (?:pets?|animals?) do i have",
        "event": r"qu[eé] (?:planes|citas) tengo|what(?:'s| is) on my (?:calendar|agenda)"
        r"|what (?:plans|appointments) do i have|我有什么(?:安排|计划)",
    }.items()
}
"""What asks for all facts of a key."""
NAMED_ASKED = (
    ("favourite", re.compile(r"(?:cu[aá]l(?:es)?|qu[eé]) (?:es|son) mis? (.{2,40}(?:favorit|preferid)[oa]s?)"
     r"|what(?:'s|’s| is| are) my favou?rite (.{2,40}?)\W*$|我最(?:喜欢|爱)的(.{1,12}?)是(?:什么|哪|谁)", re.IGNORECASE)),
    ("called", re.compile(r"c[oó]mo se llama mi (.{2,40}?)\W*$|what(?:'s|’s| is) my (.{2,40}?)['’]s name"
     r"|what(?:'s|’s| is) my (.{2,40}?) called|我的?(.{1,10}?)叫什么", re.IGNORECASE)),
    ("own", re.compile(r"(?:cu[aá]l|qui[eé]n|qu[eé]) es mi (.{2,40}?)\W*$"
     r"|(?:what|who)(?:'s|’s| is) my (.{2,40}?)\W*$|我的(.{1,10}?)是(?:什么|谁|多少)", re.IGNORECASE)),
)  # fmt: skip
CHECKED = re.compile(
    r"^\W*(?:¿\s*)?(?:(?:a m[ií] )?(?P<not_es>no )?me gustan? (?P<es>[^?¿.!\n]{2,60})|do(?P<not_en>n['’]t)? i like"
    r" (?P<en>[^?.!\n]{2,60})|我(?P<not_zh>不)?喜欢(?P<zh>[^吗？?什么，。]{1,30})吗)[?？]",
    re.IGNORECASE,
)
ALL = re.compile(
    r"qu[eé] (?:m[aá]s )?(?:sabes|recuerdas|te he contado) (?:de|sobre|acerca de) m[ií]"
    r"|qu[eé] (?:recuerdas|te he contado)\W*$|what (?:else )?(?:do you|can you) (?:know|remember|tell me)"
    r" (?:about|of) me|what do you remember\W*$|你(?:知道|了解|记得)(?:关于)?我(?:的)?(?:什么|哪些)|你还?记得什么",
    re.IGNORECASE,
)  # fmt: skip
OF_SELF = re.compile(
    r"\b(?:mi|mis|me|yo|tengo|soy|voy|my|i|me|am i|do i)\b|我", re.IGNORECASE
)  # fmt: skip
OF_OTHERS = re.compile(
    r"\bmy (\w+(?: \w+)?)['’]s\b|\b(?:do|does|did|is|was|has|will) my (\w+)\b|\b(?:de|a|con) mis? (\w+)\b"
    r"|\bd[oó]nde (?:vive|trabaja|est[aá]) mi (\w+)|\bc[oó]mo se llama mi (\w+)"
    r"|我(?:的|家的?)?(妈妈|爸爸|母亲|父亲|姐姐|妹妹|哥哥|弟弟|儿子|女儿|孩子|老公|老婆|丈夫|妻子|朋友|同事)",
    re.IGNORECASE,
)
"""What makes a question one about somebody or something of the person's."""
ASKS = re.compile(
    r"^\W*(?:y |and )?(?:what|when|where|which|who|whose|how|do|am|is|did|have|qu[eé]|cu[aá]l(?:es)?|cu[aá]ndo|d[oó]nde|qui[eé]n(?:es)?|c[oó]mo|cu[aá]nt[oa]s?|sabes|recuerdas|remember|dime|tell me)\b"
    r"|什么|哪|谁|几|多少|吗",
    re.IGNORECASE,
)
"""How questions begin, with a question mark or without."""
