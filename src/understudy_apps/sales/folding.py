"""Text as it is compared and searched: without case and accents. Pure."""

import unicodedata


def folded(text: str) -> str:
    """Return a text without case and accents."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in bare if not unicodedata.combining(character))
