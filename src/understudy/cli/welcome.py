"""What `serve` prints when it starts: addresses, models and why they are or aren't ready."""

import sys
from typing import assert_never

from rich.console import Console
from rich.markup import escape

from understudy.cli.default_model import Outlook
from understudy.cli.local_models import local_model_lines
from understudy.cli.masking import masked_url
from understudy.settings import Settings
from understudy.settings.providers import ProviderSettings


def print_welcome(settings: Settings, outlook: Outlook, created_key: str | None) -> None:
    """Print where the server answers, what it answers with, and the two lines to change."""
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    root = settings.base_url.removesuffix("/v1")
    console.print("\n[bold]Understudy[/bold] answers where OpenAI did.\n")
    console.print(f"  Page   {root}/")
    for name in settings.apps:
        console.print(f"  App    {root}/{escape(name)}/")
    console.print(f"  API    {settings.base_url}")
    console.print(f"  Docs   {root}/docs")
    console.print(f"  Data   {escape(str(settings.data_dir))}\n")
    console.print("Models")
    for line in model_lines(settings, outlook):
        console.print(f"  {line}")
    if outlook.state == "doubtful":
        console.print(f"\n[bold yellow]Warning:[/bold yellow] {escape(outlook.detail)}")
    key = created_key or ("any" if settings.is_loopback or settings.open else "your key")
    console.print("\nChange two lines in your program:")
    console.print(f'  base_url = "{settings.base_url}"')
    console.print(f'  api_key = "{escape(key)}"\n')
    if created_key:
        console.print("[bold]This key is shown once.[/bold] More: understudy keys create\n")
    elif settings.open and not settings.is_loopback:
        console.print(
            f"[bold yellow]Warning:[/bold yellow] --open: whoever reaches {settings.host} port "
            f"{settings.port} can use this server without a key.\n"
        )


def model_lines(settings: Settings, outlook: Outlook) -> list[str]:
    """Return a line per provider: ready, or why not and what to do."""
    default = settings.default_model
    mark = "  (default)" if default == "understudy-extractive" else ""
    lines = [
        f"[green]ready[/green]      understudy-extractive{mark}: no key, no network, no weights"
    ]
    if not mark:
        lines.append(_default_line(default, outlook))
    for name, file in local_model_lines(settings):
        lines.append(f"[green]ready[/green]      {escape(name)}: {escape(file)}")
    for name, provider in settings.providers.items():
        lines.append(_provider_line(name, provider))
    return lines


def _default_line(default: str, outlook: Outlook) -> str:
    match outlook.state:
        case "known":
            return f"[green]default[/green]    {escape(default)}"
        case "open":
            return f"[green]default[/green]    {escape(f'{default}: {outlook.detail}')}"
        case "doubtful":
            return f"[yellow]default[/yellow]    {escape(default)}: see the warning below"
    assert_never(outlook.state)


def _provider_line(name: str, provider: ProviderSettings) -> str:
    shown = escape(f"{name}/...")
    if not provider.is_usable:
        return (
            f"[dim]no key[/dim]     {shown} set {provider.key_variable or f'providers.{name}.key'}"
        )
    if provider.enabled:
        return f"[green]ready[/green]      {shown} at {escape(masked_url(provider.base_url))}"
    return f"[dim]on request[/dim] {shown} at {escape(masked_url(provider.base_url))}"
