"""What the playlist calls the codecs, so that a player knows before it loads anything whether it can play them.

(RFC 6381; for H.265: ISO/IEC 14496-15, E.3. Read from the `avcC` and `hvcC` of an initialization file.)
"""

AAC = "mp4a.40.2"


def video_codec(init: bytes) -> str:
    """Return the name of the video in an initialization file.

    Raises:
        ValueError: it is neither H.264 nor H.265.
    """
    if (at := init.find(b"avcC")) >= 0:
        return f"avc1.{init[at + 5 : at + 8].hex()}"
    if (at := init.find(b"hvcC")) >= 0:
        return _hevc(init[at + 5 : at + 17])
    raise ValueError("the initialization file has neither H.264 nor H.265")


def _hevc(profile: bytes) -> str:
    """Name twelve bytes: profile, four of compatibility, six of constraints, level."""
    space = ("", "A", "B", "C")[profile[0] >> 6]
    tier = "H" if profile[0] & 0x20 else "L"
    compatibility = int(f"{int.from_bytes(profile[1:5], 'big'):032b}"[::-1], 2)
    constraints = profile[5:11].rstrip(b"\0")
    parts = [f"hvc1.{space}{profile[0] & 0x1F}", f"{compatibility:X}", f"{tier}{profile[11]}"]
    return ".".join([*parts, *(f"{byte:X}" for byte in constraints)])
