"""The client that has texts spoken and times what comes back, on asyncio and httpx2."""

import time
from dataclasses import dataclass

import httpx2

_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """What an answer was like; times are seconds since the request was sent."""

    first_byte_s: float
    end_s: float
    size_bytes: int


class Client:
    """A client of one server."""

    def __init__(self, port: int, model: str, connections: int = 64) -> None:
        limits = httpx2.Limits(max_connections=connections)
        self._http = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/v1", timeout=_LIMIT_S, trust_env=False, limits=limits
        )
        self._model = model

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def speak(self, text: str, audio_format: str) -> Spoken:
        """Have a text spoken, and read the file to its end; raises for one that is not whole."""
        body = {
            "model": self._model,
            "input": text,
            "voice": "alloy",
            "response_format": audio_format,
        }
        began = time.perf_counter()
        first_byte_s, size_bytes = 0.0, 0
        async with self._http.stream("POST", "/audio/speech", json=body) as answer:
            answer.raise_for_status()
            async for piece in answer.aiter_raw():
                first_byte_s = first_byte_s or time.perf_counter() - began
                size_bytes += len(piece)
        return Spoken(first_byte_s, time.perf_counter() - began, size_bytes)
