"""What the catalogue of effects says of lengths and arguments is what MoviePy does."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from moviepy import ImageClip, vfx

from videojob_contract.effects import EFFECTS, arguments, length_after
from videojob_contract.resources.timeline import Effect

LENGTH = Fraction(4)
EXAMPLES: dict[str, dict[str, Any]] = {
    "Blink": {"duration_on": 0.5, "duration_off": 0.25},
    "CrossFadeIn": {"duration": 1},
    "CrossFadeOut": {"duration": 1},
    "FadeIn": {"duration": 1, "initial_color": "#ff0000"},
    "FadeOut": {"duration": 1, "final_color": [0, 0, 255]},
    "Freeze": {"t": 1, "freeze_duration": 1.5},
    "FreezeRegion": {"region": [1, 2, 8, 6]},
    "GammaCorrection": {"gamma": 1.5},
    "HeadBlur": {"fx": 8, "fy": 6, "radius": 3},
    "Loop": {"n": 3},
    "MakeLoopable": {"overlap_duration": 0.5},
    "Margin": {"margin_size": 2, "color": "#ffffff"},
    "MultiplyColor": {"factor": 0.5},
    "MultiplySpeed": {"factor": 1.6},
    "Resize": {"new_size": 0.5},
    "Rotate": {"angle": 30, "bg_color": "#ff0000"},
    "SlideIn": {"duration": 1, "side": "left"},
    "SlideOut": {"duration": 1, "side": "top"},
    "SuperSample": {"d": 0.1, "n_frames": 3},
}
MORE: list[tuple[str, dict[str, Any]]] = [
    ("AccelDecel", {"new_duration": 3}),
    ("BlackAndWhite", {"RGB": "CRT_phosphor"}),
    ("Freeze", {"total_duration": 5}),
    ("FreezeRegion", {"outside_region": [1, 2, 8, 6]}),
    ("Loop", {"duration": 2.5}),
    ("MaskColor", {"color": "#102030", "threshold": 10}),
    ("MultiplySpeed", {"final_duration": 1.5}),
    ("Resize", {"width": 8}),
    ("Rotate", {"angle": 1, "unit": "rad", "resample": "nearest", "center": [3, 4], "translate": [1, 1]}),
    ("Scroll", {"w": 8, "x_speed": 2}),
]
USABLE = [(name, EXAMPLES.get(name, {})) for name, signature in EFFECTS.items() if not signature.entry.refused]


@pytest.mark.parametrize(("name", "args"), [*USABLE, *MORE], ids=lambda value: value if isinstance(value, str) else "")
def test_an_effect_takes_its_arguments_and_leaves_its_length(name: str, args: dict[str, Any]) -> None:
    effect = Effect(name=name, args=args)
    clip = ImageClip(np.full((12, 16, 3), 48, np.uint8), duration=float(LENGTH)).with_fps(25)
    given = {
        # What MoviePy wants as a function of time is a number here.
        argument: (lambda _, value=value: value) if argument in {"fx", "fy"} else value
        for argument, value in arguments(effect).items()
    }
    after = clip.with_effects([getattr(vfx, name)(**given)])
    assert after.duration == pytest.approx(float(length_after([effect], LENGTH)))
    assert after.get_frame(0.5).shape[2] == 3
