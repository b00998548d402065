"""Subtitles for a canvas: when each is shown, and what it looks like at a moment.

libass draws all formats. SRT and WebVTT are written as an ASS script of our own, in which time counts the
moments at which something appears or goes: so a cue is shown to the exact frame, though ASS knows hundredths alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.text import SubtitleStyle
from videojob_worker.text.ass_limits import MOST_PICTURES_AT_ONCE
from videojob_worker.text.ass_renderer import UnreadableScriptError
from videojob_worker.text.libass import libass
from videojob_worker.text.painter import Drawer, Sprites
from videojob_worker.text.reading import SubtitleFormat, read_cues
from videojob_worker.text.script import script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from pathlib import Path

    from videojob_contract.resources.text import Subtitles
    from videojob_worker.canvas import Canvas
    from videojob_worker.media.files.source import Source
    from videojob_worker.text.cues import Cue
    from videojob_worker.text.fonts import Fonts

_MOST_CAUGHT_UP: Final = 200
"""Moments that a painter lets pass to begin in the middle. Where more hang together, as when a cue is shown all the
time, those count at which what is shown appeared: nearly always the same, and not the whole film for each segment."""
MOST_AT_ONCE: Final = 2000
"""Cues that are shown at the same time; each takes memory."""


@dataclass(frozen=True)
class Captions:
    """The subtitles of a job; nothing is drawn yet. Threads share it, and each has a painter of its own."""

    cues: tuple[Cue, ...]
    """In the order of their starts."""
    width: int
    height: int
    text: bytes
    """The ASS script."""
    font: Path | None
    """A font of the user's."""
    ours: bool
    """Whether the script is of our making, and counts moments."""

    @cached_property
    def moments_ms(self) -> tuple[int, ...]:
        """When something appears or goes, ascending."""
        return tuple(sorted({moment for cue in self.cues for moment in (cue.start_ms, cue.end_ms)}))

    @cached_property
    def history(self) -> tuple[int, ...]:
        """For each moment, the moment that what is shown from then on goes back to, as an index.

        Cues that are shown at the same time make way for each other, and stay where they are when one goes. So how
        it looks hangs on what was before, back to when nothing was shown.
        """
        index = {moment: number for number, moment in enumerate(self.moments_ms)}
        changes = [0] * (len(index) + 1)
        for cue in self.cues:
            if not cue.placed:
                changes[index[cue.start_ms]] += 1
                changes[index[cue.end_ms]] -= 1
        first, before, starts = 0, 0, []
        for number, shown in enumerate(accumulate(changes[:-1])):
            if before == 0:
                first = number
            starts.append(first)
            before = shown
        return tuple(starts)

    @cached_property
    def moving(self) -> tuple[bool, ...]:
        """For each moment, whether something moves from then to the next."""
        index = {moment: number for number, moment in enumerate(self.moments_ms)}
        changes = [0] * (len(index) + 1)
        for cue in self.cues:
            if cue.moving:
                changes[index[cue.start_ms]] += 1
                changes[index[cue.end_ms]] -= 1
        return tuple(count > 0 for count in accumulate(changes[:-1]))

    def appeared(self, number: int) -> list[int]:
        """Return the moments, before one of them, at which what is shown then appeared, as indices."""
        at_ms = self.moments_ms[number]
        starts = {cue.start_ms for cue in self.cues if cue.start_ms < at_ms < cue.end_ms}
        return [bisect_left(self.moments_ms, start) for start in sorted(starts)]

    def painter(self) -> Painter:
        """Return a painter, for one thread.

        Raises:
            PermanentError: libass is not installed.
        """
        return Painter(self)


class Painter:
    """Draws subtitles, most cheaply when asked for one moment after the other."""

    def __init__(self, captions: Captions) -> None:
        self._captions = captions
        self._drawer = Drawer(captions.text, captions.width, captions.height, captions.font, whole=captions.ours)
        self._at: int | None = None  # the number of the moment that was drawn last
        self._sprites: Sprites = []

    def sprites(self, at_s: Fraction) -> Sprites:
        """Return what is shown at a time in seconds: x, y and `(h, w, 4) uint8` of straight alpha, in order.

        They lie within the canvas. It is the same list as long as nothing changes.
        """
        captions = self._captions
        at_ms = at_s.numerator * 1000 // at_s.denominator
        number = bisect_right(captions.moments_ms, at_ms) - 1
        if number < 0:
            return []
        if number != self._at:
            self._catch_up(number)
            self._sprites = self._draw(number, at_ms)
        elif captions.moving[number]:
            self._sprites = self._draw(number, at_ms)
        self._at = number
        return self._sprites

    def _catch_up(self, number: int) -> None:
        """Let libass see what it needs to have seen."""
        first = self._captions.history[number]
        if self._at is not None and first <= self._at < number:
            first = self._at + 1
        moments: Sequence[int] = range(first, number)
        if len(moments) > _MOST_CAUGHT_UP:
            moments = self._captions.appeared(number)
        for before in moments:
            self._drawer.pass_by(self._time(before, self._captions.moments_ms[before]))

    def _draw(self, number: int, at_ms: int) -> Sprites:
        return self._drawer.draw(self._time(number, at_ms))

    def _time(self, number: int, at_ms: int) -> int:
        return number * 10 if self._captions.ours else at_ms


def open_captions(source: Source, subtitles: Subtitles, canvas: Canvas, fonts: Fonts) -> Captions:
    """Read a job's subtitles.

    Raises:
        PermanentError: the file has no cue of SRT, WebVTT or ASS, its encoding is not certain, a font is not there,
            or libass is not installed.
    """
    form, text, cues = read_cues(source, subtitles.encoding)
    if not subtitles.soft:
        libass()  # is it there?
    if form is SubtitleFormat.ASS and subtitles.style is not None:
        raise PermanentError(
            "spec.subtitles.style: an ASS file says how its subtitles look; leave it out", Reason.INVALID_SPEC
        )
    _check_at_once(source, cues)
    # What takes no time is never seen, and what has no text has nothing to draw.
    cues = tuple(cue for cue in cues if cue.end_ms > cue.start_ms and (cue.text.strip() or form is SubtitleFormat.ASS))
    if subtitles.soft:  # players draw them
        return Captions(cues, canvas.width, canvas.height, text.encode(), None, ours=False)
    if form is SubtitleFormat.ASS:
        captions = Captions(cues, canvas.width, canvas.height, text.encode(), None, ours=False)
        try:
            captions.painter()
        except UnreadableScriptError:
            raise source.error("is no ASS script that libass can read: its headers are damaged") from None
        return captions
    style = subtitles.style or SubtitleStyle()
    face = fonts.face("spec.subtitles.style.font", style.font)
    made = script(cues, style, face, canvas, source.warn)
    return Captions(cues, canvas.width, canvas.height, made.encode(), face.path, ours=True)


def _check_at_once(source: Source, cues: Sequence[Cue]) -> None:
    changes = [(cue.start_ms, 1, cue.pictures) for cue in cues] + [(cue.end_ms, -1, -cue.pictures) for cue in cues]
    shown, pictures = 0, 0.0
    for at_ms, change, area in sorted(changes):
        shown += change
        pictures += area
        if shown > MOST_AT_ONCE or pictures > MOST_PICTURES_AT_ONCE:
            much = f"more than {MOST_AT_ONCE} cues" if shown > MOST_AT_ONCE else "too many large letters"
            raise source.error(f"shows {much} at the same time, {at_ms / 1000:g} s", Reason.SOURCE_TOO_LARGE)
