"""The graph of libavfilter that scales and converts pictures, in one step of libswscale."""

from collections.abc import Sequence
from itertools import pairwise

from av.filter import Graph


def scaling_graph(size: tuple[int, int], given: str, scale: str, pixels: str, *, first: Sequence[str] = ()) -> Graph:
    """Return a graph that is ready for frames of one size, whose times are whole numbers; for one thread.

    Args:
        size: width and height of what is pushed.
        given: what else its filter `buffer` is told of that, the pixel format at least.
        scale: arguments of the filter `scale`.
        pixels: the pixel format of what is pulled.
        first: filters before it.
    """
    graph = Graph()
    graph.threads = 1
    steps = [
        graph.add("buffer", f"video_size={size[0]}x{size[1]}:time_base=1/1:pixel_aspect=1/1:{given}"),
        *(graph.add(*step.split("=", 1)) for step in first),
        graph.add("scale", scale),
        graph.add("format", f"pix_fmts={pixels}"),
        graph.add("buffersink"),
    ]
    for before, after in pairwise(steps):
        before.link_to(after)
    graph.configure()
    return graph
