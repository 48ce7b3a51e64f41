"""A Kokoro with nothing to it: the inputs and the output of the real one, and a tone in between."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SAMPLES_A_PHONEME = 2_400
_STYLES = 511
_STYLE_WIDTH = 256


def write_model(path: Path) -> None:
    """Write a model whose tone comes from the voice, and whose length from phonemes and speed."""
    constants = {
        "second": np.array([1]),
        "least": np.array(0.0, np.float32),
        "step": np.array(1.0, np.float32),
        "samples": np.array([SAMPLES_A_PHONEME], np.float32),
        "none": np.array([], np.int64),
        "half": np.array(0.5, np.float32),
    }
    nodes = [
        helper.make_node("Shape", ["tokens"], ["shape"]),
        helper.make_node("Gather", ["shape", "second"], ["count"]),
        helper.make_node("Cast", ["count"], ["count_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["count_float", "samples"], ["at_speed_one"]),
        helper.make_node("Div", ["at_speed_one", "speed"], ["length_list"]),
        helper.make_node("Reshape", ["length_list", "none"], ["length"]),
        helper.make_node("Range", ["least", "length", "step"], ["times"]),
        helper.make_node("ReduceMax", ["style"], ["pitch"], keepdims=0),
        helper.make_node("Mul", ["times", "pitch"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["tone"]),
        helper.make_node("Mul", ["tone", "half"], ["audio"]),
    ]
    inputs = [
        helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, None]),
        helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, _STYLE_WIDTH]),
        helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
    ]
    outputs = [helper.make_tensor_value_info("audio", TensorProto.FLOAT, [None])]
    initial = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "kokoro", inputs, outputs, initial)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)


def write_voices(path: Path, pitches: dict[str, float]) -> None:
    """Write voices, each a constant: the turn of its tone in radians a sample."""
    shape = (_STYLES, 1, _STYLE_WIDTH)
    voices = {name: np.full(shape, pitch, np.float32) for name, pitch in pitches.items()}
    with path.open("wb") as file:
        np.savez(file, **voices)
