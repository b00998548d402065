"""Who writes where: the places of outputs that VideoJobs hold from their first attempt until they are finished."""

from collections.abc import Iterable, Mapping

from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.outputs import Output
from videojob_contract.resources.uris import output_places
from videojob_operator.records import VideoJobKey, VideoJobRecord


class OutputHolders:
    """VideoJobs by the places in a pool that they write to, those that came first before the others."""

    def __init__(self) -> None:
        self._holders: dict[tuple[PoolKey, str], dict[VideoJobKey, None]] = {}
        self._held: dict[VideoJobKey, list[tuple[PoolKey, str]]] = {}

    def others(self, key: VideoJobKey, pool: PoolKey, outputs: Iterable[Output]) -> Mapping[str, str]:
        """Return by place who else holds it, by name; not where this one does already, or may overwrite."""
        places = (place for output in outputs if not output.overwrite for place in output_places(output))
        found = ((place, self._holders.get((pool, place), {})) for place in places)
        return {place: next(iter(holders)).name for place, holders in found if holders and key not in holders}

    def hold(self, key: VideoJobKey, pool: PoolKey, outputs: Iterable[Output]) -> None:
        """Have a VideoJob hold the places of its outputs, beside those who hold them already."""
        places = [(pool, place) for output in outputs for place in output_places(output)]
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
