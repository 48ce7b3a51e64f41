"""Understudy, a self-hosted stand-in for the OpenAI platform."""

__version__ = "0.1.0"
