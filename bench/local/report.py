"""Figures as a table, each compared with what the engine asked directly did just before or after.

Pure.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence

from bench.local.measure import Figures

_HEAD = ("figure", "engine directly", "Understudy", "compared", "transformers", "target")
_RATES: dict[str, Callable[[Figures], list[float]]] = {
    "prefill": lambda figures: figures.prefill_tokens_s,
    "decode": lambda figures: figures.decode_tokens_s,
    "streams": lambda figures: figures.together_tokens_s,
}
_TIMES: dict[str, Callable[[Figures], list[float]]] = {
    "warm": lambda figures: figures.warm_first_token_s,
    "first": lambda figures: figures.first_token_s,
}


def table(direct: Figures, ours: Figures, other: Mapping[str, float], streams: int) -> str:
    """Return the table; `other` holds tokens a second of transformers, or nothing."""
    names = {
        "prefill": "prefill, tokens/s",
        "decode": "decode, tokens/s",
        "streams": f"{streams} streams together, tokens/s",
        "warm": "first token after a known beginning",
        "first": "first token of a short prompt",
    }
    targets = dict.fromkeys((*_RATES, "warm"), ">= 0.97 x direct")
    targets |= {"decode": ">= 0.97 x direct, >= 3 x transformers", "first": "<= 5 ms added"}
    lines = [_HEAD, ("---",) * len(_HEAD)]
    for name, values in _RATES.items():
        theirs, own = statistics.median(values(direct)), statistics.median(values(ours))
        beside = _beside(own, other.get(name))
        ratio = _ratio(values(ours), values(direct))
        cells = (f"{theirs:.1f}", f"{own:.1f}", f"{ratio:.3f} x", beside)
        lines.append((names[name], *cells, targets[name]))
    for name, values in _TIMES.items():
        theirs, own = statistics.median(values(direct)), statistics.median(values(ours))
        ratio = _ratio(values(direct), values(ours))
        compared = f"{ratio:.3f} x, {_added_ms(values(direct), values(ours)):.1f} ms added"
        lines.append((names[name], _ms(theirs), _ms(own), compared, "", targets[name]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _ratio(upper: Sequence[float], lower: Sequence[float]) -> float:
    """Return the median of the ratios of neighbours: moods of the machine fall on both."""
    return statistics.median(one / other for one, other in zip(upper, lower, strict=True))


def _added_ms(theirs: Sequence[float], own: Sequence[float]) -> float:
    return statistics.median(b - a for a, b in zip(theirs, own, strict=True)) * 1000


def _beside(own: float, other: float | None) -> str:
    return f"{other:.1f} (we: {own / other:.1f} x)" if other else ""


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
