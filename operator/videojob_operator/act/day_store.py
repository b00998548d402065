"""Where the counts of a day are kept: a ConfigMap of the namespace, by a fixed name, with a key for each pool."""

from videojob_contract.api_paths import CONFIGMAPS
from videojob_contract.labels import DAYS_CONFIGMAP
from videojob_contract.queue.types import PoolKey
from videojob_operator.act.kubernetes import CONFLICT, Kubernetes
from videojob_operator.errors import ApiError, DayChangedError


class DayStore:
    """Reads and writes the counts of pools, each at the version that was read."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes
        self._read: dict[PoolKey, tuple[str, str]] = {}
        """Of each pool the version of the ConfigMap, empty when there was none, and what it had of the pool."""

    async def load(self, pool: PoolKey) -> str:
        """Return what is kept of a pool; empty when nothing is.

        Raises:
            ApiError: it cannot be read.
        """
        found = await self._kubernetes.get(CONFIGMAPS, pool.namespace, DAYS_CONFIGMAP)
        text = str(((found or {}).get("data") or {}).get(pool.name, ""))
        self._read[pool] = (found["metadata"]["resourceVersion"] if found else "", text)
        return text

    async def save(self, pool: PoolKey, text: str) -> None:
        """Keep this of a pool, if nobody else has written of it since it was read.

        Raises:
            DayChangedError: somebody has: it is to be loaded again.
            ApiError: it cannot be written.
        """
        version, before = self._read.get(pool, ("", ""))
        if await self._write(pool, text, version):
            return
        # Another pool's counts were written, or this one's.
        if await self.load(pool) != before or not await self._write(pool, text, self._read[pool][0]):
            raise DayChangedError(f"the counts of pool {pool} were written by another")

    def forget(self, pool: PoolKey) -> None:
        """Forget what was read of a pool."""
        self._read.pop(pool, None)

    async def _write(self, pool: PoolKey, text: str, version: str) -> bool:
        """Write at a version; False when it is another by now."""
        body = {"metadata": {"name": DAYS_CONFIGMAP}, "data": {pool.name: text}}
        try:
            if version:
                body["metadata"]["resourceVersion"] = version
                written = await self._kubernetes.patch(CONFIGMAPS, pool.namespace, DAYS_CONFIGMAP, body)
            else:
                written = await self._kubernetes.create(CONFIGMAPS, pool.namespace, body)
        except ApiError as error:
            if error.code == CONFLICT:
                return False
            raise
        if written is None:
            return False
        self._read[pool] = (written["metadata"]["resourceVersion"], text)
        return True
