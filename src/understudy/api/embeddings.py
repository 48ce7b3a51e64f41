"""`POST /v1/embeddings`."""

from typing import Any, cast

from understudy.api.http.exchange import Exchange
from understudy.api.http.hot import HotRoute
from understudy.engines.registry import Registry, Route
from understudy.errors import InvalidValue, UnsupportedParameter
from understudy.wire.base import check_shape
from understudy.wire.embeddings import (
    EmbeddingItem,
    EmbeddingList,
    Embeddings,
    EmbeddingsRequest,
    EmbeddingsRequestShape,
    EmbeddingsUsage,
    to_base64,
)

_MOST_INPUTS = 2048
Inputs = list[str] | list[list[int]]


class EmbeddingsApi:
    """The embeddings route of one server."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def routes(self) -> list[HotRoute]:
        """Return the route for the dispatcher."""
        return [
            HotRoute(
                "/v1/embeddings",
                self.create,
                "Create embeddings",
                EmbeddingsRequestShape,
                EmbeddingList,
                "`encoding_format` base64 is little-endian float32.",
                by_engine=True,
            )
        ]

    async def create(self, exchange: Exchange) -> None:
        """Answer an embeddings request."""
        body = exchange.with_model(await exchange.read_json())
        shape = check_shape(body, EmbeddingsRequestShape)
        inputs = inputs_of(shape.input)
        route = await self._registry.route(shape.model, "embedding")
        _refuse_tokens(route, inputs)
        request: EmbeddingsRequest = {"model": route.model, "input": inputs}
        if shape.dimensions is not None:
            request["dimensions"] = shape.dimensions
        if shape.user is not None:
            request["user"] = shape.user

        async def answer() -> None:
            embeddings = await route.engine.embed(request)
            rendered = render(embeddings, is_base64=shape.encoding_format == "base64")
            await exchange.send_json(rendered, {"x-understudy-model": route.served})

        await exchange.until_disconnect(answer)


def inputs_of(value: str | list[Any]) -> Inputs:
    """Return the inputs of any of the four forms as a list; raises InvalidRequest."""
    inputs = [value] if isinstance(value, str) or _is_tokens(value) else value
    if not inputs or len(inputs) > _MOST_INPUTS:
        raise InvalidValue("input", f"expected 1 to {_MOST_INPUTS} inputs, got {len(inputs)}")
    is_text = isinstance(inputs[0], str)
    for index, item in enumerate(inputs):
        if not item or not (isinstance(item, str) if is_text else _is_tokens(item)):
            raise InvalidValue(
                f"input[{index}]" if isinstance(value, list) else "input",
                "expected text that is not empty, or a list of token ids",
            )
    return cast("Inputs", inputs)


def _is_tokens(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in value)
    )


def _refuse_tokens(route: Route, inputs: Inputs) -> None:
    if isinstance(inputs[0], str) or route.engine.capabilities(route.model).token_ids:
        return
    raise UnsupportedParameter(
        f"'{route.served}' takes text, not token ids: send strings as input "
        "(langchain: check_embedding_ctx_length=False).",
        param="input",
    )


def render(embeddings: Embeddings, *, is_base64: bool) -> EmbeddingList:
    """Return the vectors in the encoding asked for."""
    items = [
        EmbeddingItem(index, to_base64(vector) if is_base64 else vector)
        for index, vector in enumerate(embeddings.vectors)
    ]
    tokens = embeddings.prompt_tokens
    return EmbeddingList(items, embeddings.model, EmbeddingsUsage(tokens, tokens))
