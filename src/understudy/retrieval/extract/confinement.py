"""What a parsing child takes from itself before it reads a stranger's file."""

from understudy import children
from understudy.retrieval.extract.blocks import Limits


def confine(limits: Limits) -> None:
    """Limit memory, processor time, open files and what may be written."""
    children.confine(limits.time_s, limits.memory_bytes)
