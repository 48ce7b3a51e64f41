"""The catalogue: what the company sells and for how much, read from `products.toml`. Pure."""

import re
import tomllib
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from understudy_apps.languages import LANGUAGES, Language
from understudy_apps.sales.folding import folded

Localised = dict[Language, str]
_WORD = re.compile(r"\w+")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Company(_Strict):
    """Who sells."""

    name: str = Field(min_length=1)
    currency: str = Field(pattern="^[A-Z]{3}$")
    tax_percent: Annotated[Decimal, Field(ge=0, le=100)]
    quote_valid_days: int = Field(ge=1, le=365)
    about: Localised


class Product(_Strict):
    """One thing that is sold; the price is for one unit, without tax."""

    id: str = Field(pattern="^[a-z0-9-]{1,40}$")
    price: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]
    names: list[str]
    name: Localised
    unit: Localised
    facts: Localised


class Catalogue(_Strict):
    """Everything in `products.toml`."""

    company: Company
    product: list[Product] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_complete(self) -> "Catalogue":
        ids = [product.id for product in self.product]
        if len(set(ids)) < len(ids):
            raise ValueError("two products have the same id")
        for about, texts in self._texts():
            missing = [tag for tag in LANGUAGES if not texts.get(tag)]
            if missing:
                raise ValueError(f"{about} lacks {', '.join(missing)}")
        return self

    def _texts(self) -> list[tuple[str, Localised]]:
        of_products = [
            (f"product '{product.id}': {field}", getattr(product, field))
            for product in self.product
            for field in ("name", "unit", "facts")
        ]
        return [("company: about", self.company.about), *of_products]

    def find(self, wanted: str) -> Product | None:
        """Return the product meant by an id or a name, or by a text that has one of its names.

        Of several, the one with the longest name is meant ("Plan Pro" rather than "Plan").
        """
        text = f" {_words(wanted)} "
        named = [
            (len(name), product)
            for product in self.product
            for name in map(_words, (product.id, *product.names, *product.name.values()))
            if (name in text if _is_unspaced(name) else f" {name} " in text)
        ]
        return max(named, key=lambda each: each[0])[1] if named else None


def parse_catalogue(text: str) -> Catalogue:
    """Read a catalogue. Raises ValueError (of TOML or of pydantic) that says what is wrong."""
    return Catalogue.model_validate(tomllib.loads(text, parse_float=Decimal))


def _words(text: str) -> str:
    """Return the words of a text without case and accents, with one space between them."""
    return " ".join(_WORD.findall(folded(text)))


def _is_unspaced(name: str) -> bool:
    """Tell whether a name is in a script without spaces between words."""
    return any("\u4e00" <= character <= "\u9fff" for character in name)
