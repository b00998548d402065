"""Linear gradients over the canvas, without steps."""

from math import cos, radians, sin

import numpy as np

from videojob_contract.resources.timeline import Gradient
from videojob_worker.pixels.yuv import Picture, exact_yuv, parse_color, planes


def gradient(spec: Gradient, width: int, height: int) -> Picture:
    """Draw a gradient on a canvas.

    Its line goes through the middle and is as long as makes two corners have the first and the last colour, as in CSS
    (CSS Images 3, 3.1). Colours go evenly in sRGB. What rounding to 8 bits loses is spread by noise, always the same,
    because steps of one value are seen as bands.
    """
    across, down = cos(radians(spec.angle)), sin(radians(spec.angle))
    length = abs(width * across) + abs(height * down)
    colors = np.array([exact_yuv(parse_color(color)) for color in spec.colors])
    stops = np.linspace(0, 1, len(colors))
    # RandomState, because its stream is the same in every version of numpy.
    noise = np.random.RandomState(0)
    picture = np.empty((height * 3 // 2, width), np.uint8)
    # The middle of a first sample, in pixels of luma: chroma stands on a column of luma, between two rows.
    for number, (plane, scale, top) in enumerate(zip(planes(picture), (1, 2, 2), (0.5, 1.0, 1.0), strict=True)):
        x = np.arange(plane.shape[1]) * scale + 0.5 - width / 2
        y = np.arange(plane.shape[0]) * scale + top - height / 2
        for row, row_y in zip(plane, y, strict=True):
            place = (x * across + row_y * down) / length + 0.5
            exact = np.interp(place, stops, colors[:, number])
            row[...] = np.floor(exact + noise.random_sample(row.size))
    return picture
