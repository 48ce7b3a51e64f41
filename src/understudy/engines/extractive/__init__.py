"""The embedded chat model: deterministic, without weights; it quotes, calls functions and asks."""

from understudy.engines.extractive.engine import CHAT_MODEL, EMBEDDING_MODEL, ExtractiveEngine

__all__ = ["CHAT_MODEL", "EMBEDDING_MODEL", "ExtractiveEngine"]
