import re

from hypothesis import given
from hypothesis import strategies as st

from videojob_operator.decide.naming import secret_name, serial_of, worker_job_name

POOLS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
SERIALS = st.integers(1, 10**8)


@given(pool=POOLS, serial=SERIALS)
def test_a_name_fits_into_a_label_with_what_kubernetes_adds(pool, serial):
    name = worker_job_name(pool, serial)

    assert len(name) + len("-abcde") <= 63
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
    assert serial_of(name) == serial


@given(names=st.lists(st.from_regex(r"[a-z0-9]{1,13}", fullmatch=True), min_size=2, max_size=2, unique=True))
def test_pools_with_long_names_have_names_of_their_own(names):
    one, other = (worker_job_name("p" * 50 + name, 1) for name in names)

    assert one != other


def test_a_secret_is_named_for_its_pool_and_password():
    assert secret_name("default", "0123456789") == "default-redis-0123456789"
    assert secret_name("p" * 50 + "a", "0123456789") != secret_name("p" * 50 + "b", "0123456789")


def test_a_name_that_is_not_ours_has_no_serial():
    assert [serial_of(name) for name in ("default", "default-x", "default-", "default-²")] == [0, 0, 0, 0]
