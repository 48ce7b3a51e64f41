"""What a local model can do, by its chat template."""

from pathlib import Path

import pytest

from understudy.engines.llama.models import LocalModel, capabilities_of
from understudy.settings.local import LocalModelSettings

WITHOUT_TOOLS = "{% for message in messages %}{{ message.content }}{% endfor %}"


@pytest.mark.parametrize(
    ("template", "takes_tools"),
    [(None, True), (WITHOUT_TOOLS, False), (WITHOUT_TOOLS + "{{ tools | tojson }}", True)],
)
def test_a_template_that_shows_no_tools_takes_none(
    tiny_chat_gguf: Path, tmp_path: Path, template: str | None, takes_tools: bool
) -> None:
    file = None
    if template is not None:
        file = tmp_path / "template.jinja"
        file.write_text(template, encoding="utf-8")
    own = LocalModelSettings(path=tiny_chat_gguf, chat_template=file)
    can = capabilities_of(LocalModel("m", tiny_chat_gguf, own), 512)
    assert (can.tools, can.kind, can.context_length) == (takes_tools, "chat", 512)
