"""The benchmark of the control plane: that it measures, and what of it is no matter of speed."""

import pytest

from bench import control, control_rig


async def test_a_life_costs_the_api_server_few_writes_and_one_that_waits_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "LIVES", 2)
    monkeypatch.setattr(control_rig, "WITHIN_S", 120)  # says what was waited for, which a test out of time does not
    found = await control.measure(5, {"quiet", "life", "backlog"})
    assert {"claimed_ms", "told_ms", "queued_s", "memory_mib"} <= found.keys()
    # Queued, running, done; its Job adopted, and another worker made. How far it is: once; where all is slow twice, or
    # not before it is done.
    assert found["life_writes"] in {5, 6, 7}
    assert found["life_events"] == 3


def test_the_gate_tells_what_became_worse_by_more_than_a_fifth() -> None:
    recorded = {"100": {"finished_cpu_ms": 10.0, "memory_mib": 100.0}}
    assert control.beyond({100: {"finished_cpu_ms": 11.9, "memory_mib": 90.0, "claimed_ms": 99.0}}, recorded) == []
    (worse,) = control.beyond({100: {"finished_cpu_ms": 12.1, "memory_mib": 90.0}}, recorded)
    assert "12.1, and was 10" in worse
    assert control.beyond({1000: {"finished_cpu_ms": 99.0}}, recorded) == []
