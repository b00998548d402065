"""What becomes of a source of which a part is damaged or missing; every kind of source has it."""

from enum import StrEnum


class OnDamage(StrEnum):
    """Whether a source is shown without what is damaged of it."""

    FAIL = "fail"
    CONCEAL = "conceal"
