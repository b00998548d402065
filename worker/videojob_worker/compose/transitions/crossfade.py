"""Crossfade: one picture turns into the other, evenly all over."""

from videojob_worker.pixels.mix import mix

crossfade = mix
