"""What the operating system's errors mean for an attempt: the one place where errno becomes a reason."""

import errno
import os

from videojob_contract.errors import OutOfMemoryError, PermanentError, Reason, TransientError, VideoJobError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EACCES, errno.EPERM}
_MISSING = {errno.ENOENT, errno.ENOTDIR}


def of_source(error: OSError, what: str) -> VideoJobError:
    """Convert an error of reading a source; `what` names it, with its field."""
    if error.errno in _MISSING:
        return PermanentError(f"{what}: not found", Reason.SOURCE_NOT_FOUND)
    if error.errno in _DENIED:
        remedy = "let it, with chmod o+r on the file and o+x on its folders, or own them by that user"
        return PermanentError(f"{what}: the worker, {_self()}, may not read it: {remedy}", Reason.SOURCE_FORBIDDEN)
    if error.errno in {errno.ELOOP, errno.ENAMETOOLONG}:
        return PermanentError(f"{what}: {error.strerror}", Reason.SOURCE_FORBIDDEN)
    return local(error, what) or TransientError(f"{what}: {error.strerror or error}")


def of_output(error: OSError, what: str) -> VideoJobError:
    """Convert an error of writing an output; `what` names it, with its field."""
    if error.errno in _DENIED:
        remedy = f"make the folder that group's, with chown :{os.getgid()} and chmod g+rwx"
        return PermanentError(f"{what}: the worker, {_self()}, may not write there: {remedy}", Reason.OUTPUT_FORBIDDEN)
    if error.errno == errno.EROFS:
        return PermanentError(f"{what}: the volume is read-only", Reason.OUTPUT_FORBIDDEN)
    if error.errno in {errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG}:
        return PermanentError(f"{what}: {error.strerror}", Reason.OUTPUT_FORBIDDEN)
    return local(error, what) or TransientError(f"{what}: {error.strerror or error}")


def local(error: BaseException, what: str) -> VideoJobError | None:
    """Find in an error, or in what caused it, that the disk was full or the memory out.

    None when neither was.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError) or (isinstance(seen, OSError) and seen.errno == errno.ENOMEM):
            return OutOfMemoryError(f"{what}: out of memory")
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return TransientError(f"{what}: the disk is full", Reason.DISK_FULL)
        seen = seen.__cause__ or seen.__context__
    return None


def _self() -> str:
    return f"user {os.getuid()} and group {os.getgid()}"
