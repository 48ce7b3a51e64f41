"""Hugging Face as a source of models: its files with checksums, and its refusals in words.

`HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME` and `HF_HUB_OFFLINE` are read by its own library, as is the
token that `hf auth login` stored.
"""

from understudy.engines.llama.library import StoredFile
from understudy.engines.llama.source import Repository, SourceFailed, Unreachable

NAME = "Hugging Face"
_LIST_S = 30.0


def look_up(repository: str) -> Repository:
    """Return what a repository holds now. Raises SourceFailed."""
    import httpx2
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    # Otherwise the library fetches a list of coding agents, to tell the hub which one runs it.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    try:
        found = HfApi(library_name="understudy").model_info(
            repository, files_metadata=True, timeout=_LIST_S
        )
    except OfflineModeIsEnabled:
        raise SourceFailed(
            "HF_HUB_OFFLINE is set, so Hugging Face is not asked: unset it for this command."
        ) from None
    except HfHubHTTPError as error:
        code = error.response.headers.get("x-error-code", "")
        raise SourceFailed(explain(repository, error.response.status_code, code)) from error
    except (httpx2.RequestError, OSError) as error:
        raise Unreachable(NAME, constants.ENDPOINT, _MIRROR) from error
    files = [
        StoredFile(file.rfilename, file.lfs.size, file.lfs.sha256)
        for file in found.siblings or []
        if file.lfs is not None
    ]
    return Repository(found.sha or "main", tuple(files))


_MIRROR = "HF_ENDPOINT names a mirror, and `--from modelscope` takes another hub."


def url_of(repository: str, revision: str, path: str) -> str:
    """Return where a file is fetched from."""
    from huggingface_hub import hf_hub_url

    return hf_hub_url(repository, path, revision=revision)


def headers() -> dict[str, str]:
    """Return what is sent with every request for a file: the token, where there is one."""
    from huggingface_hub import get_token

    token = get_token()
    return {"authorization": f"Bearer {token}"} if token else {}


def explain(repository: str, status: int, code: str) -> str:
    """Say why a request was refused and what to do."""
    from huggingface_hub import constants

    page = f"{constants.ENDPOINT}/{repository}"
    if code == "GatedRepo":
        return (
            f"'{repository}' is gated: accept its terms at {page}, and set HF_TOKEN to a token of "
            "that account."
        )
    if code == "RepoNotFound" or status == 404:
        return (
            f"{NAME} has no repository '{repository}': check the name. For a private one, set "
            "HF_TOKEN."
        )
    if status in {401, 403}:
        return (
            f"{NAME} refuses '{repository}' (status {status}): check HF_TOKEN, which is missing, "
            "expired, or may not read it."
        )
    return f"{NAME} answers with status {status} for '{repository}': try again later."
