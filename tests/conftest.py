"""What holds for every test: the limits of Hypothesis, what may run side by side, and the time of each folder."""

import gc
import os
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, Phase, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.integration.apiserver import ApiServer, running

# How long an example takes says more of the machine than of the code: pytest's own timeout is the limit.
settings.register_profile("videojob", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# There the examples are the same each time: the first that fails is found again elsewhere, and made small there.
FIRST = {"phases": [Phase.explicit, Phase.generate], "report_multiple_bugs": False}
settings.register_profile("videojob-ci", settings.get_profile("videojob"), **FIRST)
settings.load_profile("videojob-ci" if "CI" in os.environ else "videojob")

# Programs in Go, the API server above all, look for garbage a quarter as often: that is a third of what they take.
os.environ.setdefault("GOGC", "400")
os.environ.setdefault("GOMEMLIMIT", "1GiB")

_CLUSTER = ("tests/cluster/", "tests/e2e/")
# Where tests wait more than they compute, the longest first. Files of the others go between theirs, so that the
# processors have work from the first test to the last.
_WAITING = (
    "tests/e2e/",
    "tests/integration/gateway/test_documented.py",
    "tests/integration/objects/test_upload.py",
    "tests/integration/queue/test_properties.py",
    "tests/integration/operator/",
    "tests/integration/worker/",
    "tests/web/",
    "tests/integration/",
)


class Together(LoadScopeScheduling):
    """Keeps the tests of a file in one process, and in a single one all that share the one-node cluster.

    Each process has an API server and a Redis of its own, if its tests want them.

    Not `--dist loadgroup`: pytest-xdist 3.8 marks groups in node ids, which pytest 9.2 no longer lets it change.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _scope_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    config.option.loadscopereorder = False  # it would begin with the files of most tests, and not with the longest
    return Together(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for garbage neither while thousands of tests are collected, nor among them ever after."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    waiting = dict[str, int]()
    computing = list[str]()
    for scope in dict.fromkeys(_scope_of(item.nodeid) for item in items):
        rank = next((rank for rank, begin in enumerate(_WAITING) if scope.startswith(begin)), None)
        if rank is None:
            computing.append(scope)
        else:
            waiting[scope] = rank
    place = {scope: number / len(waiting) for number, scope in enumerate(sorted(waiting, key=waiting.__getitem__))}
    place |= {scope: (number + 0.5) / len(computing) for number, scope in enumerate(computing)}
    items.sort(key=lambda item: place[_scope_of(item.nodeid)])


def _scope_of(nodeid: str) -> str:
    return _CLUSTER[-1] if nodeid.startswith(_CLUSTER) else nodeid.partition("::")[0]


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A real API server with our CRDs, started once a process."""
    with running(tmp_path_factory.mktemp("apiserver")) as server:
        yield server


@pytest.fixture
def namespace(apiserver: ApiServer) -> str:
    """A namespace of the test's own."""
    return apiserver.create_namespace()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the processes of pytest-xdist report to the one that started them
        config.pluginmanager.register(Times())


class Times:
    """Adds up the seconds of the tests of each folder; with several processes, of all of them."""

    def __init__(self) -> None:
        self._seconds = defaultdict[str, float](float)
        self._tests = defaultdict[str, set[str]](set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        folder = str(PurePosixPath(report.nodeid.partition("::")[0]).parent)
        self._seconds[folder] += report.duration
        self._tests[folder].add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._tests:
            terminalreporter.section("seconds and tests by folder")
        for folder, seconds in sorted(self._seconds.items(), key=lambda each: -each[1]):
            terminalreporter.line(f"{seconds:8.1f} s  {len(self._tests[folder]):5}  {folder}")
