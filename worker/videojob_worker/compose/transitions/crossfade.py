"""Crossfade: one picture turns into the other, evenly all over."""

from videojob_worker.compose.mix import mix

crossfade = mix
