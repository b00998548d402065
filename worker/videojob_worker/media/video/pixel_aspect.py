"""How wide pixels are for a height of 1: told once by a container, or by the pictures, which may change it on the way.

Broadcasts do, from 4:3 to 16:9. The pictures of a packet are known by what rides along with it through the decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Pixels that are wider or narrower than this are a mistake of the file.
_MOST: Final = 16


@dataclass(slots=True)
class PixelAspect:
    """What the pictures of a packet say, filled in when that is decoded."""

    told: Fraction | None = None

    def ride(self, packet: Packet[VideoStream]) -> None:
        """Let frames of a packet carry this; their decoder copies what is opaque to it."""
        packet.opaque = self

    def fill(self, context: VideoCodecContext) -> None:
        """Take what a decoder found in the packet that it was given last."""
        self.told = context.sample_aspect_ratio


def aspect_of(frame: VideoFrame, otherwise: Fraction | None) -> Fraction:
    """Return how wide the pixels of a frame are for a height of 1; `otherwise` where it does not say."""
    rides = frame.opaque
    told = rides.told if isinstance(rides, PixelAspect) else None
    aspect = told or otherwise or Fraction(1)
    return aspect if Fraction(1, _MOST) <= aspect <= _MOST else Fraction(1)
