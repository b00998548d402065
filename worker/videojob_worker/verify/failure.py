"""How a check says that an output is not what was planned."""

from videojob_contract.errors import PermanentError, Reason


def mismatch(what: str) -> PermanentError:
    """Make the error; reason `VerificationFailed`."""
    return PermanentError(f"the finished output is wrong: {what}", Reason.VERIFICATION_FAILED)
