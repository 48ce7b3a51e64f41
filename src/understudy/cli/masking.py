"""What may be shown of secrets. Pure."""

import re

HIDDEN = "****"
_SHOWN_CHARACTERS = 4
_LONGEST_HIDDEN = 12
_USER_AND_PASSWORD = re.compile(r"^(?P<scheme>[^:/?#]+://[^:/@]*):(?P<password>.*)@", re.DOTALL)
_PASSWORD_PARAMETER = re.compile(
    r"(?P<name>[?&](?:password|passwd|pwd|sslpassword|token|api[_-]?key|key|secret)=)[^&#]*",
    re.IGNORECASE,
)


def masked_key(secret: str) -> str:
    """Return the end of a long key and nothing of a short one."""
    if len(secret) <= _LONGEST_HIDDEN:
        return HIDDEN if secret else ""
    prefix = "sk-" if secret.startswith("sk-") else ""
    return f"{prefix}…{secret[-_SHOWN_CHARACTERS:]}"


def masked_url(url: str) -> str:
    """Return a URL without its password, whether that is before the host or a parameter."""
    if "://" not in url:
        return HIDDEN
    url = _USER_AND_PASSWORD.sub(rf"\g<scheme>:{HIDDEN}@", url)
    return _PASSWORD_PARAMETER.sub(rf"\g<name>{HIDDEN}", url)
