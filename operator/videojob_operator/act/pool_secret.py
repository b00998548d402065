"""The Secret with which a pool's workers log in to Redis. Pure.

It is made once for each password and never changed, read or deleted: Kubernetes deletes it with its pool.
"""

from videojob_contract.labels import LABEL_POOL, MANAGED_BY, MANAGED_BY_VALUE
from videojob_contract.queue.passwords import password_of
from videojob_contract.queue.types import PoolKey
from videojob_operator.act.worker_job import Manifest, owner_reference
from videojob_operator.config import Settings


def passwords_of(pool: PoolKey, uid: str, settings: Settings) -> tuple[str, ...]:
    """Return the passwords of a pool's workers, that of new ones first; none when pools have no users of their own."""
    keys = (settings.worker_redis_key, settings.worker_redis_previous_key)
    return tuple(password_of(pool, uid, key) for key in keys if key) if settings.worker_redis_key else ()


def pool_secret(
    pool: PoolKey, uid: str, name: str, *, user: str, password: str, sentinel_password: str = ""
) -> Manifest:
    """Return the manifest of the Secret of that name, with which this user logs in, and is let ask Sentinels."""
    of_sentinels = {"sentinelPassword": sentinel_password} if sentinel_password else {}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": pool.namespace,
            "labels": {LABEL_POOL: pool.name, MANAGED_BY: MANAGED_BY_VALUE},
            "ownerReferences": [owner_reference("RenderPool", pool.name, uid)],
        },
        "immutable": True,
        "stringData": {"username": user, "password": password, **of_sentinels},
    }
