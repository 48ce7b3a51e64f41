"""Figures as a table, each compared with what the engine asked directly did just before or after.

Pure.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence

from bench.local.measure import Figures

_HEAD = ("figure", "engine directly", "Understudy", "compared", "target")
_RATES: dict[str, Callable[[Figures], list[float]]] = {
    "prefill": lambda figures: figures.prefill_tokens_s,
    "decode": lambda figures: figures.decode_tokens_s,
    "streams": lambda figures: figures.together_tokens_s,
}
_TIMES: dict[str, Callable[[Figures], list[float]]] = {
    "warm": lambda figures: figures.warm_first_token_s,
    "first": lambda figures: figures.first_token_s,
}


def table(direct: Figures, ours: Figures, beside: Mapping[str, Figures], streams: int) -> str:
    """Return the table; `beside` holds by name what was measured of other engines, if any was."""
    names = {
        "prefill": "prefill, tokens/s",
        "decode": "decode, tokens/s",
        "streams": f"{streams} streams together, tokens/s",
        "warm": "first token after a known beginning",
        "first": "first token of a short prompt",
    }
    targets = dict.fromkeys((*_RATES, "warm"), ">= 0.97 x direct")
    targets |= {"decode": ">= 0.97 x direct, >= 3 x transformers", "first": "<= 5 ms added"}
    head = (*_HEAD, *beside)
    lines = [head, ("---",) * len(head)]
    for name, values in _RATES.items():
        theirs, own = statistics.median(values(direct)), statistics.median(values(ours))
        ratio = _ratio(values(ours), values(direct))
        cells = (f"{theirs:.1f}", f"{own:.1f}", f"{ratio:.3f} x", targets[name])
        others = [_beside(values(ours), values(other)) for other in beside.values()]
        lines.append((names[name], *cells, *others))
    for name, values in _TIMES.items():
        theirs, own = statistics.median(values(direct)), statistics.median(values(ours))
        ratio = _ratio(values(direct), values(ours))
        compared = f"{ratio:.3f} x, {_added_ms(values(direct), values(ours)):.1f} ms added"
        cells = (_ms(theirs), _ms(own), compared, targets[name])
        lines.append((names[name], *cells, *("",) * len(beside)))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _ratio(upper: Sequence[float], lower: Sequence[float]) -> float:
    """Return the median of the ratios of neighbours: moods of the machine fall on both."""
    return statistics.median(one / other for one, other in zip(upper, lower, strict=True))


def _added_ms(theirs: Sequence[float], own: Sequence[float]) -> float:
    return statistics.median(b - a for a, b in zip(theirs, own, strict=True)) * 1000


def _beside(own: Sequence[float], others: Sequence[float]) -> str:
    return f"{statistics.median(others):.1f} (we: {_ratio(own, others):.2f} x)"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
