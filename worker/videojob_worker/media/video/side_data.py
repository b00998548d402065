"""What decoders attach to a frame, whatever its kind.

PyAV reads all that is attached to a frame or nothing, and reads nothing when there is a kind among it that it has no
name for: the view of a spatial video, an enhancement layer. So kinds without a name get one here.
"""

from enum import Enum
from typing import cast

from av.sidedata.sidedata import SideDataContainer, Type
from av.video.frame import VideoFrame


def _unnamed(kinds: type[Enum], number: object) -> Enum:
    kind = object.__new__(kinds)
    kind._name_, kind._value_ = f"UNNAMED_{number}", number
    return kind


Type._missing_ = classmethod(_unnamed)  # type: ignore[assignment]


def display_matrix(frame: VideoFrame) -> bytes | None:
    """Return the display matrix of a frame (ISO/IEC 14496-12, 8.2.2), nine numbers of 32 bits, if it has one."""
    attached = cast("SideDataContainer", frame.side_data)  # the stub of PyAV 18 says something else
    return bytes(attached[Type.DISPLAYMATRIX]) if Type.DISPLAYMATRIX in attached else None
