"""Cards as other programs write them, for tests: with fields and extensions that nobody here knows.

Numbers and spaces are such that a parser which writes the text anew would change them.
"""

import base64
import struct
import zlib

V1 = """{
  "name": "Ada", "description": "{{char}} is an engineer.", "personality": "patient",
  "scenario": "<BOT> meets <USER>.", "first_mes": "Hello, {{User}}.",
  "mes_example": "<START>\\n{{user}}: hi\\n{{char}}: hello",
  "avatar": "none", "talkativeness": 0.50, "create_date": "2023-4-1 @10h 00m"
}"""
V2 = """\
{
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "name": "Pedro", "first_mes": "¡Hola!", "fav": false,
    "data": {
        "name": "Pedro",
        "description": "A baker from Cádiz.",
        "personality": "cheerful",
        "scenario": "",
        "first_mes": "¡Hola!",
        "mes_example": "",
        "creator_notes": "Be kind to him.",
        "system_prompt": "You are {{char}}.",
        "post_history_instructions": "",
        "alternate_greetings": ["Good morning", "\\u00a1Buenas!"],
        "tags": ["bread"],
        "creator": "somebody",
        "character_version": "1.10",
        "unheard_of": {"kept": [1.0, 2e5]},
        "extensions": {"chub/x": {"id": 12345678901234567890, "ratio": 1.10}, "depth": {"e": 1E+2}},
        "character_book": {
            "scan_depth": 2, "token_budget": 500, "extensions": {}, "odd": 0.10,
            "entries": [
                {"keys": ["oven", "horno"], "content": "The oven is from 1920.",
                 "extensions": {"p": 1.0}, "enabled": true, "insertion_order": 2},
                {"keys": [], "content": "Cádiz is by the sea.", "extensions": {}, "enabled": true,
                 "insertion_order": 1, "constant": true}
            ]
        }
    }
}
"""
V3 = """{"spec":"chara_card_v3","spec_version":"3.0","data":{"name":"Mei Lin","nickname":"Mei",
"description":"A gardener.","personality":"","scenario":"","first_mes":"你好","mes_example":"",
"creator_notes":"","system_prompt":"","post_history_instructions":"","alternate_greetings":[],
"tags":[],"creator":"","character_version":"","extensions":{},"group_only_greetings":["all"],
"source":["id-1"],"creation_date":1700000000,
"assets":[{"type":"icon","uri":"ccdefault:","name":"main","ext":"png"}]}}"""


def chunk(type_: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + type_ + data + struct.pack(">I", zlib.crc32(type_ + data))


def header(width: int = 1, height: int = 1) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


def png(*texts: bytes, head: bytes = header(), tail: bytes = b"") -> bytes:
    """Return a picture of one pixel with these chunks before its end."""
    pixel = chunk(b"IDAT", zlib.compress(b"\0\x7f"))
    return b"\x89PNG\r\n\x1a\n" + head + pixel + b"".join(texts) + chunk(b"IEND", b"") + tail


def text_chunk(keyword: str, card: str) -> bytes:
    """Return the chunk in which a card is carried."""
    return chunk(b"tEXt", keyword.encode() + b"\0" + base64.b64encode(card.encode()))
