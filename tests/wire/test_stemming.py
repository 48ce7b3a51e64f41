import sys
from concurrent.futures import ThreadPoolExecutor

from understudy.wire.stemming import without_endings

HEADS = ("deliver", "pay", "contract", "inform", "reclam", "entreg")
WORDS = [head + end for head in HEADS for end in ("ies", "ments", "ing", "aciones", "ados", "ando")]


def test_threads_do_not_meet_in_a_word() -> None:
    alone = [without_endings(word) for word in WORDS]
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(2) as pool:
            found = pool.map(lambda _: [without_endings(word) for word in WORDS], range(100))
            assert all(stems == alone for stems in found)
    finally:
        sys.setswitchinterval(interval_s)
