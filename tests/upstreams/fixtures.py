"""Fixtures of the scripted upstreams, for any test."""

from collections.abc import Iterator

import pytest
from tests.upstreams.dashscope import dashscope
from tests.upstreams.scripted import ScriptedUpstream


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """A provider that echoes, and does what a test plays on it."""
    with ScriptedUpstream() as server:
        yield server


@pytest.fixture
def dashscope_intl() -> Iterator[ScriptedUpstream]:
    """DashScope's international host."""
    with ScriptedUpstream(dashscope("intl"), prefix="/compatible-mode/v1") as server:
        yield server


@pytest.fixture
def dashscope_cn() -> Iterator[ScriptedUpstream]:
    """DashScope's host in China."""
    with ScriptedUpstream(dashscope("cn"), prefix="/compatible-mode/v1") as server:
        yield server
