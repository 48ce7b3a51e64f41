"""Gives tiktoken one encoding without a download: a byte is a token. The vocabularies that it
knows by name are fetched from the network, and tests use none.
"""

import tiktoken


def use_byte_tokens() -> None:
    """Make every model's encoding the one of bytes."""
    encoding = tiktoken.Encoding(
        "bytes",
        pat_str=r"(?s).",
        mergeable_ranks={bytes([number]): number for number in range(256)},
        special_tokens={},
    )
    tiktoken.encoding_for_model = lambda _: encoding
    tiktoken.get_encoding = lambda _: encoding
