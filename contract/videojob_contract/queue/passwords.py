"""The password of each pool's Redis user, made from one key that the operator alone has.

Nobody has to keep it: the operator makes the same again after a restart, and reads no Secret for it. Each pool's is
another's business as little as the key: it follows from neither.
"""

import hashlib
import hmac

from videojob_contract.queue.types import PoolKey


def password_of(pool: PoolKey, uid: str, key: str) -> str:
    """Return the password of a pool's workers, 64 hexadecimal digits; `uid` is the RenderPool's."""
    return hmac.new(key.encode(), f"{pool}/{uid}".encode(), hashlib.sha256).hexdigest()


def fingerprint(password: str) -> str:
    """Return ten characters that tell a password from others and help nobody to find it: it is too random to guess."""
    return hashlib.sha256(f"fingerprint/{password}".encode()).hexdigest()[:10]
