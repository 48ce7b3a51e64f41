"""The placeholders of character cards, filled when prompts are made and never in storage. Pure."""

import re

DEFAULT_USER = "User"
"""What `{{user}}` becomes where nobody knows the person's name."""
_PLACEHOLDER = re.compile(
    r"\{\{(?:(?P<char>char)|(?P<user>user))\}\}|<(?:(?P<bot>bot|char)|(?P<person>user))>",
    re.IGNORECASE,
)


def filled(text: str, char: str, user: str = DEFAULT_USER) -> str:
    """Return `text` with `{{char}}`, `<BOT>` and `<CHAR>`, `{{user}}` and `<USER>` replaced.

    They are told without regard to case, and what they become is not searched again.
    """

    def name(found: re.Match[str]) -> str:
        return char if found["char"] or found["bot"] else user

    return _PLACEHOLDER.sub(name, text)
