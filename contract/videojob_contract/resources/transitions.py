"""The transitions that there are, by name, each with what it looks like.

Names of our own are in camelCase. The others are ffmpeg's, spelt as its filter `xfade` spells them; of what both have,
our name counts, and `RENAMED` says which.
"""

OWN_TRANSITIONS: dict[str, str] = {
    "cut": "no transition: the next clip is there at once",
    "crossfade": "one clip turns into the other",
    "fade": "through a colour, `color`",
    "wipeLeft": "an edge moves left and uncovers the next clip",
    "wipeRight": "an edge moves right and uncovers the next clip",
    "wipeUp": "an edge moves up and uncovers the next clip",
    "wipeDown": "an edge moves down and uncovers the next clip",
    "slideLeft": "the next clip slides left over the one before",
    "slideRight": "the next clip slides right over the one before",
    "slideUp": "the next clip slides up over the one before",
    "slideDown": "the next clip slides down over the one before",
    "pushLeft": "the next clip pushes the one before out to the left",
    "pushRight": "the next clip pushes the one before out to the right",
    "pushUp": "the next clip pushes the one before out at the top",
    "pushDown": "the next clip pushes the one before out at the bottom",
    "circleOpen": "a circle opens from the middle onto the next clip",
    "circleClose": "a circle closes to the middle over the clip before",
    "pixelize": "blocks grow until the clips cannot be told apart, and shrink again",
    "dissolve": "pixel after pixel, in no order",
}

XFADE_TRANSITIONS: dict[str, str] = {
    "circlecrop": "a circle closes onto black, and opens onto the next clip",
    "rectcrop": "a rectangle closes onto black, and opens onto the next clip",
    "distance": "pixels change by how little they differ",
    "fadeblack": "quickly to black, and slowly to the next clip",
    "fadewhite": "quickly to white, and slowly to the next clip",
    "fadegrays": "through shades of grey",
    "fadefast": "as a crossfade, fast where the clips differ",
    "fadeslow": "as a crossfade, slow where the clips differ",
    "radial": "a hand sweeps around the middle",
    "smoothleft": "as wipeLeft, with a soft edge",
    "smoothright": "as wipeRight, with a soft edge",
    "smoothup": "as wipeUp, with a soft edge",
    "smoothdown": "as wipeDown, with a soft edge",
    "vertopen": "from a vertical line in the middle outwards",
    "vertclose": "from the left and right edges to the middle",
    "horzopen": "from a horizontal line in the middle outwards",
    "horzclose": "from the top and bottom edges to the middle",
    "diagtl": "a soft diagonal edge towards the top left",
    "diagtr": "a soft diagonal edge towards the top right",
    "diagbl": "a soft diagonal edge towards the bottom left",
    "diagbr": "a soft diagonal edge towards the bottom right",
    "wipetl": "the clip before is cut down to its top left corner",
    "wipetr": "the clip before is cut down to its top right corner",
    "wipebl": "the clip before is cut down to its bottom left corner",
    "wipebr": "the clip before is cut down to its bottom right corner",
    "hlslice": "vertical blinds, from right to left",
    "hrslice": "vertical blinds, from left to right",
    "vuslice": "horizontal blinds, upwards",
    "vdslice": "horizontal blinds, downwards",
    "hlwind": "blown away to the left, line by line",
    "hrwind": "blown away to the right, line by line",
    "vuwind": "blown away upwards, column by column",
    "vdwind": "blown away downwards, column by column",
    "revealleft": "the clip before slides out to the left, off the next one",
    "revealright": "the clip before slides out to the right, off the next one",
    "revealup": "the clip before slides out at the top, off the next one",
    "revealdown": "the clip before slides out at the bottom, off the next one",
    "hblur": "through a blur from side to side",
    "squeezeh": "the clip before is squeezed to a horizontal line",
    "squeezev": "the clip before is squeezed to a vertical line",
    "zoomin": "into the clip before, until the next is there",
}

TRANSITIONS = OWN_TRANSITIONS | XFADE_TRANSITIONS

_DIRECTIONS = ("left", "right", "up", "down")
RENAMED: dict[str, str] = {
    **{f"wipe{way}": f"wipe{way.capitalize()}" for way in _DIRECTIONS},
    **{f"slide{way}": f"push{way.capitalize()}" for way in _DIRECTIONS},
    **{f"cover{way}": f"slide{way.capitalize()}" for way in _DIRECTIONS},
    "circleopen": "circleOpen",
    "circleclose": "circleClose",
}
"""Names of ffmpeg's for what is called otherwise here."""
