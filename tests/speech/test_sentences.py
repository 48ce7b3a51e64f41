"""Where text is cut to be spoken: at the ends of sentences, and never in the middle of a word."""

import pytest

from understudy.speech.sentences import SentenceCutter, cut


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("Hello.", ["Hello."]),
        ("Good morning, Ana. How are you?", ["Good morning, Ana.", "How are you?"]),
        ("Dr. Pérez pays 3.14 euros to Acme S.L. today.",) * 2,
        ("¿Cuánto es? Son doce euros en total.", ["¿Cuánto es? Son doce euros en total."]),
        ('He said: "Please go now." Then he left.', ['He said: "Please go now."', "Then he left."]),
        ("你好世界。今天天气很好。我们走吧。", ["你好世界。今天天气很好。", "我们走吧。"]),
        ("First of all lines\nand a second one", ["First of all lines", "and a second one"]),
        ("Yes. No.", ["Yes. No."]),
    ],
)
def test_a_whole_text(text: str, parts: list[str] | str) -> None:
    assert cut(text) == ([parts] if isinstance(parts, str) else parts)


def test_what_follows_the_first_sentence_is_grouped() -> None:
    sentence = "This sentence has forty-one characters ok."
    parts = cut(" ".join([sentence] * 20))
    assert parts[0] == sentence
    assert all(len(part) <= 300 for part in parts)
    assert len(parts) == 1 + 3  # seven times 42, and six spaces, are 300
    assert " ".join(parts) == " ".join([sentence] * 20)


@pytest.mark.parametrize("word", ["palabra ", "词", "x"])
def test_text_without_an_end_is_cut_all_the_same(word: str) -> None:
    text = (word * 1000).strip()
    parts = cut(text)
    assert max(len(part) for part in parts) <= 300
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")
    assert set(" ".join(parts).split()) == {word.strip()} or word != "palabra "


def test_text_that_comes_bit_by_bit_is_cut_as_the_whole_is() -> None:
    text = "Good morning, Ana. Mr. López owes 3.50 euros; is that right? Yes, it is right."
    cutter = SentenceCutter()
    early = [(number, part) for number, sign in enumerate(text) for part in cutter.feed(sign)]
    assert [part for _, part in early] == [
        "Good morning, Ana.",
        "Mr. López owes 3.50 euros; is that right?",
    ]
    # Known as soon as the space after it is there.
    assert early[0][0] == len("Good morning, Ana.")
    assert cutter.finish() == ["Yes, it is right."]
    assert cutter.finish() == []
