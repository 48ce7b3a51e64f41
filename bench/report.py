"""Figures as a table with the targets beside them. Pure."""

import statistics
from dataclasses import dataclass

from bench.measure import Figures

NO_NGINX = "no nginx"
_HEAD = ("figure", "nginx", "Understudy", "compared", "target")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; an empty cell does not apply."""

    figure: str
    nginx: str
    understudy: str
    compared: str
    target: str


def rows(figures: Figures) -> list[Row]:
    """Return the table's lines."""
    return [
        *(_plain(figures, connections) for connections in (1, 16)),
        _ratio_row(
            "CPU per paced streamed chunk",
            figures.cpu_chunk_s.get("nginx"),
            figures.cpu_chunk_s["understudy"],
            "<= 4 x nginx",
        ),
        _added(figures, 50, "<= 1.5 ms"),
        _added(figures, 95, ""),
        Row("start to first healthy answer", "", f"{figures.start_s:.2f} s", "", "< 2 s"),
        Row("resident memory, idle after start", "", f"{figures.idle_mb:.0f} MB", "", "< 130 MB"),
        Row("resident memory after 100 requests", "", f"{figures.settled_mb:.0f} MB", "", ""),
        Row("understudy --help", "", f"{figures.help_s:.2f} s", "", "< 0.4 s"),
    ]


def table(lines: list[Row]) -> str:
    """Return the lines as a Markdown table with aligned columns."""
    cells = [_HEAD, *((r.figure, r.nginx, r.understudy, r.compared, r.target) for r in lines)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(_HEAD))]
    text = [_line(line, widths) for line in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([text[0], rule, *text[1:]])


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |"


def _plain(figures: Figures, connections: int) -> Row:
    plural = "" if connections == 1 else "s"
    return _ratio_row(
        f"CPU per plain request, {connections} connection{plural}",
        figures.cpu_plain_s.get(("nginx", connections)),
        figures.cpu_plain_s["understudy", connections],
        "<= 60 x nginx",
    )


def _ratio_row(figure: str, nginx_s: float | None, ours_s: float, target: str) -> Row:
    if nginx_s is None:
        return Row(figure, NO_NGINX, _us(ours_s), NO_NGINX, target)
    return Row(figure, _us(nginx_s), _us(ours_s), f"{ours_s / nginx_s:.1f} x nginx", target)


def _added(figures: Figures, percent: int, target: str) -> Row:
    direct_s = _percentile(figures.latency_s["direct"], percent)
    ours_s = _percentile(figures.latency_s["understudy"], percent)
    nginx = NO_NGINX
    if through_nginx := figures.latency_s.get("nginx"):
        nginx = _ms(_percentile(through_nginx, percent))
    return Row(
        f"p{percent}, 1 connection (direct {_ms(direct_s)})",
        nginx,
        _ms(ours_s),
        f"{_ms(ours_s - direct_s)} added",
        target,
    )


def _percentile(values: list[float], percent: int) -> float:
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} us"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms"
