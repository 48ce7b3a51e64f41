"""`understudy config`: every setting with its value and where it came from, secrets masked."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.cli.masking import masked_key, masked_url
from understudy.cli.options import ConfigOption, DataDirOption, JsonOption, load
from understudy.cli.output import say, say_columns, say_json

if TYPE_CHECKING:
    from understudy.settings import Settings
    from understudy.settings.load import SettingPath

config = typer.Typer(help="Show the settings.", no_args_is_help=True)

Value = str | int | float | bool | None | list[str]
_URL_NAMES = frozenset({"database_url", "base_url"})


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """One setting as it may be printed."""

    name: str
    value: Value
    origin: str


@config.command("show")
def show(
    with_origin: Annotated[
        bool, typer.Option("--origin", help="Also tell where each value came from.")
    ] = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Show every setting as a command in this folder reads it."""
    loaded = load(config, data_dir)
    shown = list(shown_settings(loaded.settings, loaded.origins))
    if as_json:
        say_json([_record(setting, with_origin=with_origin) for setting in shown])
    elif with_origin:
        rows = [(setting.name, _text(setting.value), setting.origin) for setting in shown]
        say_columns([("SETTING", "VALUE", "ORIGIN"), *rows])
    else:
        for setting in shown:
            say(f"{setting.name} = {_text(setting.value)}")


def shown_settings(
    settings: "Settings", origins: "Mapping[SettingPath, str]"
) -> Iterator[ShownSetting]:
    """Yield every setting, nested ones by their dotted names, masked and with its origin."""
    for path, value in _leaves(settings.model_dump()):
        origin = _origin(path, origins)
        if origin == "default" and path[-1] == "key" and value is not None:
            # The only secret that no source names by its setting.
            origin = f"variable {settings.providers[path[1]].key_variable}"
        yield ShownSetting(".".join(path), _shown(path[-1], value), origin)


def _leaves(
    values: Mapping[str, object], path: "SettingPath" = ()
) -> "Iterator[tuple[SettingPath, object]]":
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _origin(path: "SettingPath", origins: "Mapping[SettingPath, str]") -> str:
    """Return where a value came from; a source may have set the table that it is in as a whole."""
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            return origins[path[:length]]
    return "default"


def _shown(name: str, value: object) -> Value:
    from pydantic import SecretStr

    if isinstance(value, SecretStr):
        value = value.get_secret_value()
        return masked_url(value) if name in _URL_NAMES else masked_key(value)
    match value:
        case bool() | int() | float() | None:
            return value
        case str() if name in _URL_NAMES:
            return masked_url(value)
        case tuple() | list():
            return [str(item) for item in value]
        case Mapping():
            return None
    return str(value)


def _record(setting: ShownSetting, *, with_origin: bool) -> dict[str, object]:
    record = asdict(setting)
    return record if with_origin else {"name": record["name"], "value": record["value"]}


def _text(value: Value) -> str:
    match value:
        case None | []:
            return "-"
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(value)
    return str(value)
