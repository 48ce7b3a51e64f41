"""`understudy check`: ask a server what a client would ask, and judge the answers."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from understudy.cli.checks import CHECKS
from understudy.cli.client import ApiClient, RequestFailed, base_url_of
from understudy.cli.exchanges import Outcome, Subject, run_check
from understudy.cli.options import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    KeyOption,
    ModelOption,
    load,
)
from understudy.cli.output import mark, note, say, say_json
from understudy.errors import StartupError

_READ_TIMEOUT_S = 120.0


def check(
    url: Annotated[
        str | None,
        typer.Argument(help="Server to check instead of the one that runs here."),
    ] = None,
    key: KeyOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Send real requests to any OpenAI-compatible server and judge its answers."""
    base_url = base_url_of(url) if url else _running_server(config, data_dir)
    outcomes = []
    with ApiClient(base_url, key, _READ_TIMEOUT_S) as client:
        subject = Subject(client, model)
        if not as_json:
            note(f"Checking {base_url}")
        _refuse_wrong_key(client)
        for name, ask in CHECKS:
            outcomes.append(run_check(name, ask, subject))
            if not as_json:
                _print_outcome(outcomes[-1])
    failed = [outcome.name for outcome in outcomes if outcome.state == "failed"]
    if as_json:
        say_json({"url": base_url, "passed": not failed, "checks": [asdict(o) for o in outcomes]})
    else:
        _print_summary(outcomes, failed)
    if failed:
        raise typer.Exit(1)


def _refuse_wrong_key(client: ApiClient) -> None:
    """Stop at once where no check could pass; what else is wrong is for the checks to find."""
    try:
        answer = client.get("/models")
    except RequestFailed:
        return
    if answer.status == 401:
        raise client.refusal(answer)


def _running_server(config: Path | None, data_dir: Path | None) -> str:
    from understudy.store.lock import running_url

    settings = load(config, data_dir).settings
    if found := running_url(settings.data_dir):
        return base_url_of(found)
    raise StartupError(
        f"No server runs with the data directory {settings.data_dir}: start one with `understudy "
        "serve`, or give the URL of another: understudy check http://host:port/v1."
    )


def _print_outcome(outcome: Outcome) -> None:
    say(f"{mark(outcome.state)} {outcome.name}")
    for exchange in outcome.exchanges:
        say(f"    {exchange.question}")
        say(f"    -> {exchange.answer}")
    if outcome.reason:
        say(f"    {outcome.state}: {outcome.reason}")


def _print_summary(outcomes: Sequence[Outcome], failed: Sequence[str]) -> None:
    skipped = sum(outcome.state == "skipped" for outcome in outcomes)
    aside = f" ({skipped} skipped: the server or its model does not offer them)" if skipped else ""
    say()
    if failed:
        say(f"{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}{aside}")
    else:
        say(f"all passed{aside}")
