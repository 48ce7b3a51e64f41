"""From a file of any supported type to blocks of text that know their place.

`extract` parses in this process; `sandbox.extract_in_child` does it in a child with limits, which
is how a server must treat files of strangers.
"""

from understudy.retrieval.extract.blocks import Block, ExtractionFailed, FailureCode, Limits
from understudy.retrieval.extract.dispatch import extract
from understudy.retrieval.extract.kinds import SUPPORTED_SUFFIXES

__all__ = ["SUPPORTED_SUFFIXES", "Block", "ExtractionFailed", "FailureCode", "Limits", "extract"]
