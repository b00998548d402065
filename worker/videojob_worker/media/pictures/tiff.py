"""What of TIFF is read, and what is not: compressions by an allow list, no camera raw, the first page."""

from typing import Final

from PIL import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from videojob_worker.media.files.source import Source

# TIFF 6.0, and its supplements: none, CCITT's three, LZW, JPEG, deflate by two numbers, PackBits.
_COMPRESSIONS: Final = frozenset((1, 2, 3, 4, 5, 7, 8, 32946, 32773))
_COMPRESSION, _PHOTOMETRIC, _SUBFILE, _PARTS, _DNG = 259, 262, 254, 330, 50706
# Colour filter array and linear raw (TIFF/EP, DNG 1.7).
_RAW: Final = frozenset((32803, 34892))
_REDUCED: Final = 1


def is_camera_raw(image: ImageFile.ImageFile) -> bool:
    """Tell whether a TIFF is a camera's raw file, of which a TIFF reader would show the thumbnail."""
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    is_thumbnail = bool(int(tags.get(_SUBFILE, 0) or 0) & _REDUCED) and _PARTS in tags
    return _DNG in tags or is_thumbnail or tags.get(_PHOTOMETRIC) in _RAW


def check_tiff(source: Source, image: ImageFile.ImageFile) -> None:
    """Check that a TIFF is of a kind that is read, and have it turned by its own tag alone.

    Raises:
        PermanentError: it is not.
    """
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    if (compression := tags.get(_COMPRESSION, 1)) not in _COMPRESSIONS:
        raise source.error(f"is a TIFF with compression {compression}, which is not read; save it with LZW or deflate")
    if image.mode in {"F", "I"}:
        raise source.error("is a TIFF of numbers of 32 bits, which are no colours; save it with 8 or 16 bits")
    for name in ("xmp", "XML:com.adobe.xmp"):  # Pillow would turn it by what stands there
        image.info.pop(name, None)


def has_further_pages(image: ImageFile.ImageFile) -> bool:
    """Tell whether there is a page behind the first; the image stands at the first again."""
    try:
        image.seek(1)
    except EOFError:
        return False
    image.seek(0)
    return True
