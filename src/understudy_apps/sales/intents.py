"""What a message wants, told by signs that a business keeps in `intents.toml`. Pure."""

import re
import tomllib
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from understudy_apps.sales.folding import folded

OTHER = "other"
PERSON = "person"
"""The intent of who wants a person, which `no_answer` of `texts.toml` offers."""
_MOST_WORDS_AFTER = 3


class Intent(BaseModel):
    """A name, the signs that stand for it, and what a model that can only quote does about it.

    `then` is the intent of who agrees to what its answer proposes. One that `agrees` is a short
    message that begins with a sign.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern="^[a-z_]{1,40}$")
    signs: list[str] = Field(min_length=1)
    functions: list[str] = []
    completes: bool = False
    agrees: bool = False
    then: str | None = None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        signs = "|".join(map(_sign_pattern, self.signs))
        return re.compile(
            rf"\W*(?:{signs})\b(?:\W+\w+){{0,{_MOST_WORDS_AFTER}}}\W*$" if self.agrees else signs
        )

    def is_in(self, text: str) -> bool:
        """Tell whether a folded text has one of the signs."""
        find = self._pattern.match if self.agrees else self._pattern.search
        return find(text) is not None


class IntentRules(BaseModel):
    """Everything in `intents.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    intent: list[Intent] = Field(min_length=1)

    @property
    def names(self) -> list[str]:
        """The intents that can be told, the last one meaning none of the others."""
        return [*(intent.name for intent in self.intent), OTHER]

    def named(self, name: str | None) -> Intent | None:
        """Return the intent of a name, None for `other`."""
        return next((intent for intent in self.intent if intent.name == name), None)

    def agreed(self, name: str, proposed: str | None) -> str:
        """Return the intent of a message: what was proposed, if it agrees to that."""
        intent = self.named(name)
        return proposed or name if intent is not None and intent.agrees else name

    def intent_of(self, text: str) -> str:
        """Return the first intent that has a sign in a text, else `other`."""
        bare = folded(text)
        return next((intent.name for intent in self.intent if intent.is_in(bare)), OTHER)


def parse_intents(text: str) -> IntentRules:
    """Read rules. Raises ValueError (of TOML or of pydantic) that says what is wrong."""
    return IntentRules.model_validate(tomllib.loads(text))


def _sign_pattern(sign: str) -> str:
    """Return a pattern that finds a sign where a word begins; in Chinese, anywhere.

    With a space at its end, a sign is a whole word.
    """
    escaped = re.escape(folded(sign.rstrip()))
    if re.search(r"[\u4e00-\u9fff]", sign):
        return escaped
    return rf"\b{escaped}\b" if sign.endswith(" ") else rf"\b{escaped}"
