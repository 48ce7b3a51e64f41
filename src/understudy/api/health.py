"""`/health` and `/ready`, for people, supervisors and load balancers."""

from fastapi import APIRouter

from understudy import __version__


def health_router() -> APIRouter:
    """Return both routes; the gate answers 5xx itself while the store is not open."""
    router = APIRouter(tags=["Health"])

    @router.get("/health", summary="Whether the process answers")
    async def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @router.get("/ready", summary="Whether requests can be served")
    async def ready() -> dict[str, str]:
        return {"status": "ready", "version": __version__}

    return router
