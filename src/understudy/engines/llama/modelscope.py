"""ModelScope as a source of models: its files with checksums, and its refusals in words.

`MODELSCOPE_ENDPOINT` and `MODELSCOPE_API_TOKEN` are read by its own library.
"""

import logging

from understudy.engines.llama.library import StoredFile
from understudy.engines.llama.source import Repository, SourceFailed, Unreachable

NAME = "ModelScope"
_REVISION = "master"


def look_up(repository: str) -> Repository:
    """Return what a repository holds now. Raises SourceFailed."""
    from modelscope_hub import HubApi, HubConfig
    from modelscope_hub.errors import APIError, HubError, NetworkError

    # What fails in the end is told in our words.
    logging.getLogger("modelscope_hub").setLevel(logging.ERROR)
    try:
        found = HubApi(HubConfig()).list_repo_files(repository, "model", revision=_REVISION)
    except NetworkError as error:
        raise Unreachable(
            NAME, str(HubConfig().endpoint), "Without `--from`, Hugging Face is asked."
        ) from error
    except APIError as error:
        raise SourceFailed(explain(repository, error.status_code or 0, "")) from error
    except HubError as error:
        raise SourceFailed(f"{NAME} answers for '{repository}' with: {error}") from error
    files = [
        StoredFile(file.path, file.size, file.sha256)
        for file in found
        if file.sha256 and not file.is_dir
    ]
    return Repository(_REVISION, tuple(files))


def url_of(repository: str, revision: str, path: str) -> str:
    """Return where a file is fetched from."""
    from modelscope_hub import HubApi, HubConfig

    return HubApi(HubConfig()).legacy.get_download_url(repository, "model", path, revision)


def headers() -> dict[str, str]:
    """Return what is sent with every request for a file: the token, where there is one."""
    from modelscope_hub import HubConfig

    token = HubConfig().token
    return {"authorization": f"Bearer {token}"} if token else {}


def explain(repository: str, status: int, code: str) -> str:
    """Say why a request was refused and what to do."""
    if status == 404:
        return (
            f"{NAME} has no repository '{repository}': check the name. For a private one, set "
            "MODELSCOPE_API_TOKEN."
        )
    if status in {401, 403}:
        return (
            f"{NAME} refuses '{repository}' (status {status}): set MODELSCOPE_API_TOKEN to a token "
            "of an account that may read it."
        )
    return f"{NAME} answers with status {status} for '{repository}': try again later."
