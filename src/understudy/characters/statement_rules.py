"""The rules by which `statements` reads facts: which words state or deny which fact. A table.

`v` is the value, `noun` what of the person's it is about, `instead` what is right in its place.
"""

# ruff: noqa: E501, ISC004, RUF001 - a rule is one line, or two; Chinese has full-width punctuation

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from understudy.engines.extractive.lexicon import Language

Saying = Literal["told", "denied"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a clause says that `pattern` matches from its beginning."""

    saying: Saying
    key: str
    pattern: re.Pattern[str]
    language: Language


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rules in the order in which they are tried."""
    return tuple(
        Rule(saying, key, re.compile(pattern, re.IGNORECASE), language)
        for language, saying, key, pattern in _TABLE
    )


_V = r"(?P<v>[^\n]{1,200})"
_CAPITAL = (
    r"(?-i:[A-ZÁÉÍÓÚÑÜ][\w'’-]*(?:\s+(?:(?:de|del|la|van|von)\s+){0,2}[A-ZÁÉÍÓÚÑÜ][\w'’-]*){0,3})"
)
_NOT_NAMES = (
    r"(?:(?:Spanish|English|British|American|Chinese|French|German|Italian|Mexican|Portuguese|Japanese"
    r"|Korean|Indian|Russian|Canadian|Australian|Irish|Scottish|Dutch|Swedish|Catholic|Muslim|Jewish"
    r"|Fine|Sorry|Not|Here|Ready|Sure|Done|Lost|Back|Good|Well|So|Very|Just|Happy|Sad|Hungry|Tired|Busy"
    r"|Bored|Angry|Sick|Late|In|Out|Off|Gemini|Scorpio|Pisces|Aquarius|Géminis|Escorpio|Piscis|Acuario)\b"
    r"|(?:Español|Mexican|Argentin|Colombian|Peruan|Chilen|Cuban|Venezolan|Frances|Ingles|Aleman)[oa]?\b)"
)
_NAME = rf"(?-i:(?!{_NOT_NAMES})(?=[A-ZÁÉÍÓÚÑÜ][a-zà-ÿ'’]){_CAPITAL})"
"""What can only be a name: capitals alone are how people shout."""
_CALLED_ES = r"(?!(?:as[ií]|igual|como|ma[nñ]ana|luego|hoy|ahora|despu[eé]s|m[aá]s|cuando|si|a|al|el|en|esta|por|un)\b)"
_CALLED_EN = (
    r"(?!(?:an?|the|at|on|in|by|back|later|soon|now|again|today|tonight|tomorrow|when|if|as|for|before|after"
    r"|any ?time|crazy|old[- ]fashioned|none|not|what|important|irrelevant|spell?ed|spelt"
    r"|pronounced)\b)"
)
"""What is not said of a name: `call me tomorrow`, `me llamo igual que ...`."""
_CALLED_ZH = r"(?![了过着的你您他她它们]|外卖|[去来做起别]|怎么|什么)"
_OTHER_THAN_THINGS_EN = r"(?!(?:you|it|that|this|him|her|them|your|how)\b|to be called)"
_NOUN_ES = r"(?P<noun>[^\W\d_]+(?: de [^\W\d_]+)?(?: (?!no\b|ya\b)[^\W\d_]+)?)"
_NOUN_EN = r"(?P<noun>[^\W\d_]+(?:[ -][^\W\d_]+){0,2})"
_JOBS_ES = (
    r"(?:[^\W\d_]*(?:ista|[dt]ora?|eron?|óloga|ólogo|ógrafa|ógrafo|ícola|uctora?)|enfermer[oa]"
    r"|médic[oa]|abogad[oa]|ingenier[oa]|arquitect[oa]|cociner[oa]|camarer[oa]|estudiante|maestr[oa]"
    r"|músic[oa]|actriz|actor|piloto|policía|bomber[oa]|carpinter[oa]|mecánic[oa]|veterinari[oa]"
    r"|farmacéutic[oa]|jubilad[oa]|electricista|químic[oa]|físic[oa]|informátic[oa]|peluquer[oa])"
)
_JOBS_EN = (
    r"(?:[^\W\d_]+ ){0,2}(?:(?!(?:beginner|mother|father|brother|sister|lover|member|reader|user"
    r"|newcomer|stranger|winner|sinner|foreigner|vegetarian|human|man|woman|fan)\b)[^\W\d_]+"
    r"(?:er|or|ist|ian|eer|man|woman)|nurse|chef|cook|pilot|student|architect|scientist|vet|judge"
    r"|mechanic|accountant|consultant|surgeon|dentist|barista|analyst)"
)
_TABLE: tuple[tuple[Language, Saying, str, str], ...] = (
    ("es", "denied", "name", rf"(?:ya )?no me llamo (?P<v>{_CAPITAL}|[^\W\d_]+)"
     rf"(?:\W+sino(?: que me llamo)? (?P<instead>[^\n]{{2,60}}))?"),
    ("es", "denied", "name", rf"mi nombre (?:ya )?no es (?P<v>{_CAPITAL}|[^\W\d_]+)"
     rf"(?:\W+sino (?P<instead>[^\n]{{2,60}}))?"),
    ("es", "told", "name", rf"(?:yo )?(?:(?:todos )?me llam(?:o|an)|mi nombre es|ll[aá]mame|puedes llamarme"
     rf"|me puedes llamar) {_CALLED_ES}{_V}"),
    ("es", "told", "name", rf"(?:yo )?soy (?P<v>{_NAME})$"),
    ("es", "told", "age", r"tengo (?:ya )?(?P<v>\d{1,3}) a[nñ]os"),
    ("es", "told", "birthday", r"(?:mi cumplea[nñ]os es|cumplo a[nñ]os|nac[ií]) (?:el (?:d[ií]a )?)?"
     r"(?P<v>(?:\d|primero|uno)[^\n]{1,60})"),
    ("es", "denied", "home", r"(?:ya )?no vivo (?:ya |m[aá]s )?(?:all[ií]|en (?P<v>[^\n]{2,80}))"),
    ("es", "told", "home", rf"(?:yo )?(?:vivo|me (?:he mudado|mud[eé])|resido) (?:ahora )?(?:en|a) {_V}"),
    ("es", "told", "job", rf"(?:me dedico a|trabajo (?:de(?! (?:noche|d[ií]a|tarde|lunes|\d))|como)|mi (?:trabajo|profesi[oó]n) es"
     rf"(?: de)?) {_V}"),
    ("es", "told", "job", rf"(?:yo )?soy (?:un |una )?(?P<v>{_JOBS_ES}(?: de [^\W\d_]+)?)$"),
    ("es", "denied", "workplace", r"(?:ya )?no trabajo (?:ya |m[aá]s )?(?:all[ií]|en (?P<v>[^\n]{2,80}))"),
    ("es", "told", "workplace", rf"(?:yo )?trabajo (?:en|para) (?!(?:exceso|casa|equipo|ello|eso|esto)\b){_V}"),
    ("es", "told", "origin", rf"(?:yo )?(?:soy|vengo) de (?P<v>{_CAPITAL})"),
    ("es", "denied", "diet", r"ya no soy (?P<v>vegetarian[oa]|vegan[oa])"),
    ("es", "told", "diet", r"(?:yo )?soy (?P<v>vegetarian[oa]|vegan[oa]|cel[ií]ac[oa]"
     r"|intolerante a [^\n]{3,60})"),
    ("es", "denied", "allergy", rf"(?:ya )?no (?:soy al[eé]rgic[oa]|tengo alergia) a(?:l| la| los| las)? {_V}"),
    ("es", "told", "allergy", rf"(?:yo )?(?:soy al[eé]rgic[oa]|tengo alergia) a(?:l| la| los| las)? {_V}"),
    ("es", "denied", "favourite", rf"mi (?P<noun>[^\W\d_]+ (?:favorit|preferid)[oa]s?) (?:ya )?no (?:es|son)"
     rf"(?: m[aá]s)?(?: (?:el |la )?{_V})?"),
    ("es", "told", "favourite", rf"mis? (?P<noun>[^\W\d_]+ (?:favorit|preferid)[oa]s?) (?:ahora )?"
     rf"(?:es|son) (?:el |la |los |las )?{_V}"),
    ("es", "denied", "dislike", rf"(?:ya )no (?:odio|detesto) {_V}"),
    ("es", "told", "dislike", rf"(?:(?:a m[ií] )?(?:ya )?no me (?:gustan?|encantan?)(?: nada)?(?: m[aá]s)?"
     rf"|(?:yo )?(?:odio|detesto|aborrezco)|no soporto) (?!nada$)(?:ni )?{_V}"),
    ("es", "told", "like", r"(?:yo )?prefiero (?P<v>(?:el|la|los|las) [^\n]{2,80}?) (?:al|a las?|a los"
     r"|antes que|en vez de)\b"),
    ("es", "told", "like", rf"(?:(?:a m[ií] )?me (?:gustan?|encantan?|apasionan?|chiflan?)(?: mucho)?"
     rf"|(?:yo )?(?:adoro|prefiero|amo)) (?!(?:que|eso|esto|tu|tus)\b){_V}"),
    ("es", "told", "called", rf"mi {_NOUN_ES} se llama {_V}"),
    ("es", "denied", "has", rf"ya no tengo {_V}"),
    ("es", "told", "has", r"tengo (?P<v>(?:una?|dos|tres|cuatro|cinco|\d{1,2}) (?!cita|reuni|examen"
     r"|pregunta|duda|problema|idea|minuto|momento|consulta|queja|hora|dolor|fiebre|favor|petici|sugerencia)[^\n]{2,80})"),
    ("es", "told", "own", rf"mi (?!favor|problema|pregunta|duda|idea|nombre){_NOUN_ES} es (?P<v>(?:[A-ZÁÉÍÓÚÑ0-9+]|[\w.]+@|una? )[^\n]{{1,120}})"),

    ("en", "denied", "name", rf"my name (?:is not|isn['’]t) (?P<v>{_CAPITAL}|[^\W\d_]+)"
     rf"(?:\W+but (?P<instead>[^\n]{{2,60}}))?"),
    ("en", "told", "name", rf"(?:my name(?:['’]s| is)|(?:(?:you can|just|people|everyone|everybody"
     rf"|my friends) )?calls? me|i am called|i['’]m called|i prefer to be called) {_CALLED_EN}{_V}"),
    ("en", "told", "name", rf"(?:i am|i['’]m) (?P<v>{_NAME})$"),
    ("en", "told", "age", r"(?:i am|i['’]m) (?P<v>\d{1,3})(?: years?(?:[ -]old)?)?$"),
    ("en", "told", "birthday", r"(?:my birthday(?:['’]s| is)(?: on)?|i was born on) (?P<v>(?=[^\n]*(?:\d|\b(?:jan"
     r"|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)))[^\n]{3,60})"),
    ("en", "denied", "home", r"i (?:no longer live|do(?: no|n['’])t live)(?: in (?P<v>[^\n]{2,80}?))?(?: any ?more)?$"),
    ("en", "told", "home", rf"i (?:now )?(?:live|reside|(?:have |just )?moved)(?: now)? (?:in|to) (?!(?:fear|peace|hope)\b){_V}"),
    ("en", "denied", "job", r"i (?:no longer work|do(?: no|n['’])t work) as (?:an? )?(?P<v>[^\n]{2,80}?)(?: any ?more)?$"),
    ("en", "told", "job", rf"(?:i work as|my (?:job|profession) is|i make a living as) (?:an? )?{_V}"),
    ("en", "denied", "workplace", r"i (?:no longer work|do(?: no|n['’])t work) (?:there|(?:at|for|in) (?P<v>[^\n]{2,80}?))(?: any ?more)?$"),
    ("en", "told", "workplace", rf"i work (?:at|for|in) (?!(?:myself|free|a living|the (?:morning|afternoon|evening)|home)\b){_V}"),
    ("en", "told", "origin", rf"(?:i am|i['’]m|i come) from (?!now\b|then\b){_V}"),
    ("en", "denied", "diet", r"(?:i am|i['’]m) (?:no longer|not) (?:an? )?(?P<v>vegetarian|vegan|pescatarian)"),
    ("en", "told", "diet", r"(?:i am|i['’]m) (?:an? )?(?P<v>vegetarian|vegan|pescatarian|c(?:o)?eliac|lactose intolerant)"),
    ("en", "told", "job", rf"(?:i am|i['’]m) (?:an?|the) (?P<v>{_JOBS_EN})$"),
    ("en", "denied", "allergy", rf"(?:i am|i['’]m) (?:not|no longer) allergic to {_V}"),
    ("en", "told", "allergy", rf"(?:i am|i['’]m) allergic to (?!nothing\b){_V}"),
    ("en", "denied", "favourite", rf"my favou?rite {_NOUN_EN} (?:is not|isn['’]t)(?: {_V})?"),
    ("en", "told", "favourite", rf"my favou?rite {_NOUN_EN} (?:is|are) (?:now )?{_V}"),
    ("en", "told", "dislike", r"i (?:(?:really )?(?:do not|don['’]t|no longer) (?:like|love|enjoy)|hate|dislike|detest"
     rf"|can['’]?t stand) {_OTHER_THAN_THINGS_EN}(?P<v>[^\n]{{2,200}}?)(?: at all| any ?more)?$"),
    ("en", "told", "like", r"i prefer (?P<v>(?!to )[^\n]{2,80}?) (?:to|over|rather than) "),
    ("en", "told", "like", rf"i (?:really |also )?(?:like|love|enjoy|adore|prefer) {_OTHER_THAN_THINGS_EN}{_V}"),
    ("en", "told", "called", rf"my {_NOUN_EN} is (?:called|named) {_V}"),
    ("en", "told", "called", rf"my {_NOUN_EN}['’]s name is {_V}"),
    ("en", "denied", "has", r"i (?:no longer have|do(?: no|n['’])t have) (?P<v>[^\n]{2,80}?) any ?more$"),
    ("en", "told", "has", r"i(?: have|['’]ve got) (?P<v>(?:an?|one|two|three|four|five|\d{1,2}) (?!appointment|meeting"
     r"|exam|question|doubt|problem|idea|minute|moment|complaint|flight|interview|few|lot|headache|cold|fever"
     r"|favou?r|request|suggestion)[^\n]{2,80})"),
    ("en", "told", "own", rf"my (?!problem|question|point|guess|name|birthday){_NOUN_EN} is (?P<v>(?-i:[A-Z0-9+]|[\w.]+@|an? )[^\n]{{1,120}})"),

    ("zh", "denied", "name", r"我(?:不叫|的名字不(?:是|叫))(?P<v>[^\s，。]{1,12})"),
    ("zh", "told", "name", r"(?:我(?:现在|改名)?叫做?|我的名字(?:叫|是)|(?:以后|大家都?|你?可以|你就)?叫我|我名叫)"
     rf"\s?{_CALLED_ZH}(?P<v>[A-Za-z]+(?: [A-Z][a-z]+){{0,2}}|[^\s，。]{{1,20}})"),
    ("zh", "told", "age", r"我(?:今年)?(?P<v>\d{1,3}|[一二三四五六七八九十]{1,3})岁"),
    ("zh", "told", "birthday", r"(?:我的?生日是?|我出生于|我生于)(?P<v>(?=[^，。]*[\d一二三四五六七八九十])[^，。]{2,30})"),
    ("zh", "denied", "home", r"我(?:已经)?不(?:再)?住在(?P<v>[^，。]{1,20})"),
    ("zh", "told", "home", r"我(?:现在)?(?:住在|搬到了?|居住在)(?P<v>[^，。]{1,30})"),
    ("zh", "denied", "workplace", r"我(?:已经)?不(?:再)?在(?P<v>[^，。]{1,20})(?:工作|上班)"),
    ("zh", "told", "workplace", r"我在(?P<v>[^，。]{1,20})(?:工作|上班)"),
    ("zh", "told", "origin", r"我(?:来自|是从)(?P<v>[^，。]{1,20}?)(?:来的)?$"),
    ("zh", "told", "origin", r"我是(?P<v>(?!一?个|[好坏女男老病大主新]人$|普通|聪明|成年|机器)[^，。]{1,8})人$"),
    ("zh", "told", "job", r"(?:我的(?:职业|工作)是|我是(?:一名|一位|一个|个|名))(?P<v>(?!人)[^，。]{1,20})"),
    ("zh", "told", "diet", r"我(?:只)?(?P<v>吃素|是素食者|不吃肉|不吃猪肉)"),
    ("zh", "denied", "allergy", r"我对(?P<v>[^，。]{1,20})不过敏"),
    ("zh", "told", "allergy", r"我对(?P<v>[^，。]{1,20})过敏"),
    ("zh", "told", "favourite", r"我最(?:喜欢|爱)的(?P<noun>[^，。是]{1,12})(?:现在)?是(?P<v>[^，。]{1,40})"),
    ("zh", "told", "dislike", r"我?(?:(?:已经)?不(?:再)?(?:太)?(?:喜欢|爱)|讨厌|恨)(?P<v>(?![你您他她它这那])[^，。]{1,40})"),
    ("zh", "told", "like", r"我?(?:也|很|最|更|特别|非常)?(?:喜欢|热爱|爱)(?P<v>(?![你您他她它这那])[^，。]{1,40})"),
    ("zh", "told", "called", r"我(?:的|家的?)?(?P<noun>妈妈?|爸爸?|母亲|父亲|姐姐?|妹妹?|哥哥?|弟弟?|爷爷|奶奶|外公|外婆|儿子|女儿"
     r"|孩子|老公|老婆|丈夫|妻子|男朋友|女朋友|朋友|同事|狗|猫)叫(?P<v>[^，。]{1,20})"),
    ("zh", "told", "called", r"我的(?P<noun>[^，。是叫不]{1,10})叫(?P<v>[^，。]{1,20})"),
    ("zh", "told", "has", r"我有(?P<v>[一两二三四五\d](?!.{0,2}(?:问题|疑问|想法|请求|建议|主意))[^，。]{1,30})"),
    ("zh", "told", "own", r"我的(?!意思|问题|想法)(?P<noun>[^，。是叫不]{1,10})是(?P<v>[^，。]{1,40})"),
)  # fmt: skip
