from videojob_contract.queue.passwords import fingerprint, password_of
from videojob_contract.queue.types import PoolKey

POOL = PoolKey("team", "default")


def test_a_password_is_the_same_for_the_same_pool_and_key_and_another_for_any_other() -> None:
    password = password_of(POOL, "uid", "key")
    assert password == password_of(POOL, "uid", "key")
    assert len(password) == 64
    others = [
        password_of(PoolKey("team", "other"), "uid", "key"),
        password_of(PoolKey("other", "default"), "uid", "key"),
        password_of(POOL, "a pool that was made anew", "key"),
        password_of(POOL, "uid", "another key"),
    ]
    assert len({password, *others}) == 5


def test_a_fingerprint_is_no_part_of_its_password() -> None:
    password = password_of(POOL, "uid", "key")
    assert len(fingerprint(password)) == 10
    assert fingerprint(password) not in password
    assert fingerprint(password) != fingerprint(password_of(POOL, "uid", "another key"))
