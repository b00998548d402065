"""Who writes where: the places of outputs that VideoJobs hold from their first attempt until they are finished.

Within a namespace, whatever pools are used. Not beyond it: who may name any bucket there could keep others from
writing to theirs, and learn where they write.
"""

from collections.abc import Iterable, Mapping

from videojob_contract.resources import RenderPoolSpec
from videojob_contract.resources.outputs import Output
from videojob_operator.records import VideoJobKey, VideoJobRecord
from videojob_operator.true_places import true_places


class OutputHolders:
    """VideoJobs by the places in a namespace that they write to, those that came first before the others."""

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str], dict[VideoJobKey, None]] = {}
        self._held: dict[VideoJobKey, list[tuple[str, str]]] = {}

    def others(self, key: VideoJobKey, pool: RenderPoolSpec | None, outputs: Iterable[Output]) -> Mapping[str, str]:
        """Return by place who else holds it, by name; not where this one does already, or may overwrite.

        Places are as the URIs have them, of which `pool` says where they are.
        """
        places = (place for output in outputs if not output.overwrite for place in true_places(output, pool).items())
        found = ((uri, self._holders.get((key.namespace, place), {})) for uri, place in places)
        return {uri: next(iter(holders)).name for uri, holders in found if holders and key not in holders}

    def hold(self, key: VideoJobKey, pool: RenderPoolSpec | None, outputs: Iterable[Output]) -> None:
        """Have a VideoJob hold the places of its outputs, beside those who hold them already."""
        places = [(key.namespace, place) for output in outputs for place in true_places(output, pool).values()]
        if self._held.get(key) == places:
            return  # it keeps its turn
        self.let_go(key)
        self._held[key] = places
        for place in places:
            self._holders.setdefault(place, {})[key] = None

    def let_go(self, key: VideoJobKey) -> None:
        """Have a VideoJob hold nothing."""
        for place in self._held.pop(key, ()):
            self._holders[place].pop(key, None)
            if not self._holders[place]:
                del self._holders[place]

    def follow(self, key: VideoJobKey, before: VideoJobRecord | None, after: VideoJobRecord | None) -> None:
        """Let go of what a VideoJob held that is finished, gone, or another by now."""
        if before and (after is None or after.uid != before.uid or after.phase.is_final):
            self.let_go(key)
