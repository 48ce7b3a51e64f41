"""Which number of a text belongs to which numeric parameter."""

from understudy.engines.extractive.evidence import Evidence
from understudy.engines.extractive.lexicon import UNIT_CONCEPTS
from understudy.engines.extractive.numbers import Number
from understudy.engines.extractive.parameters import Parameter

_MONEY_KEYS = frozenset(
    """amount price payment debt balance salary loan currency discount offer total tax budget income
    presupuest refund invoice cost rent fee""".split()
)
_PERCENT_KEYS = frozenset({"percent", "rate", "interest", "discount", "tax"})
_NEVER = -100.0
_WORDS_BEFORE = 4
_ALSO_OF_TIME = frozenset({"offer"})
"""What is proposed may be a sum or a number of months; the other words of the name decide."""


def assign(wanted: list[Parameter], evidence: Evidence) -> dict[str, Number]:
    """Return the number of each parameter that has one; a number serves one parameter."""
    pairs = sorted(
        (
            (
                _affinity(parameter, number, evidence, alone=_is_alone(wanted, evidence)),
                order,
                number,
            )
            for order, parameter in enumerate(wanted)
            for number in evidence.numbers
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2].start),
    )
    found: dict[str, Number] = {}
    for affinity, order, number in pairs:
        parameter = wanted[order]
        if affinity <= (0 if parameter.required else 0.25):
            continue
        if parameter.name not in found and number not in found.values():
            found[parameter.name] = number
    return found


def value_of(parameter: Parameter, number: Number) -> int | float:
    """Return the number as the parameter's type: whole where it is whole."""
    whole = number.value.is_integer()
    return int(number.value) if whole else number.value


def _is_alone(wanted: list[Parameter], evidence: Evidence) -> bool:
    return len(evidence.numbers) == 1 or len(wanted) == 1


def _affinity(parameter: Parameter, number: Number, evidence: Evidence, *, alone: bool) -> float:
    if not _fits(parameter, number):
        return _NEVER
    score = 0.3 if alone or parameter.required else 0.1
    score += _unit_affinity(parameter, number)
    money = _is_about(parameter, _MONEY_KEYS)
    if number.is_money:
        score += 2.0 if money else -1.5 if parameter.schema.get("type") == "integer" else -0.5
    if number.is_percent:
        score += 2.5 if _is_about(parameter, _PERCENT_KEYS) else -1.5
    return score + _cue_affinity(parameter, number, evidence)


def _unit_affinity(parameter: Parameter, number: Number) -> float:
    unit = number.unit & UNIT_CONCEPTS
    if unit and not number.is_money and _is_about(parameter, _MONEY_KEYS):
        return -2.0
    if number.unit & parameter.name_keys or ("age" in parameter.name_keys and "year" in unit):
        return 3.0
    if number.unit & parameter.keys:
        return 2.0
    other = (parameter.name_keys & UNIT_CONCEPTS) - {"currency"}
    if unit:
        return -2.0 if other else -0.2
    return -0.2 if other and not number.unit else 0.0


def _is_about(parameter: Parameter, concepts: frozenset[str]) -> bool:
    if parameter.name_keys & concepts - _ALSO_OF_TIME:
        return True
    return not parameter.name_keys & UNIT_CONCEPTS and bool(parameter.keys & concepts)


def _cue_affinity(parameter: Parameter, number: Number, evidence: Evidence) -> float:
    before = [word for word in evidence.words if word.end <= number.start][-_WORDS_BEFORE:]
    score = 0.0
    for distance, word in enumerate(reversed(before)):
        if word.keys & parameter.name_keys:
            score = max(score, 1.5 - 0.3 * distance)
        elif word.keys & parameter.keys:
            score = max(score, 0.8 - 0.2 * distance)
    return score


def _fits(parameter: Parameter, number: Number) -> bool:
    schema = parameter.schema
    if schema.get("type") == "integer" and not number.value.is_integer():
        return False
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    if isinstance(lowest, int | float) and number.value < lowest:
        return False
    return not (isinstance(highest, int | float) and number.value > highest)
