"""Which sources must be whole."""

from tests.unit.contract.examples import videojob
from videojob_contract.resources.damage import OnDamage
from videojob_contract.semantics.damage import on_damage_of
from videojob_contract.validation import parse_videojob


def test_a_source_must_be_whole_when_one_of_its_uses_says_so() -> None:
    a, b, c = (f"volume://media/{name}" for name in ("a.jpg", "b.mp4", "c.mp3"))
    spec = parse_videojob(
        videojob(
            {"image": {"uri": a, "onDamage": "fail"}, "duration": "1s"},
            {"image": {"uri": a}, "duration": "1s"},
            {"video": {"uri": b}},
            overlays=[{"video": {"uri": b, "onDamage": "fail"}}],
            audio={"tracks": [{"uri": c}]},
        )
    ).spec
    assert on_damage_of(spec) == {a: OnDamage.FAIL, b: OnDamage.FAIL, c: OnDamage.CONCEAL}
