"""Space on disk taken before it is needed, so that HDF5 never meets a full disk.

A write that fails inside HDF5 leaves the library unable to close the file. The recorder therefore keeps a
stretch of the disk reserved behind the end of its file: enough to save everything buffered and to close. When
no more can be reserved, recording stops in good order, even if another process filled the disk.
"""

from __future__ import annotations

import errno
import os
from io import FileIO

FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_STRETCH_BYTES = 1 << 20


def is_full(error: OSError) -> bool:
    """True if `error` says that the disk, the quota or the largest file size is exhausted."""
    return error.errno in FULL or "No space left" in str(error)


class Reserve:
    """Bytes of the disk held behind the end of one open file."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._end = 0

    def extend_to(self, end: int) -> None:
        """Hold the disk up to byte `end` of the file. Raises OSError (ENOSPC) if that cannot be had.

        A little more is taken at once where there is room, so that most calls do nothing.
        """
        if end <= self._end:
            return
        size = max(self._end, os.fstat(self._file.fileno()).st_size)
        for target in (end + _STRETCH_BYTES, end):
            try:
                _allocate(self._file.fileno(), size, target - size)
            except OSError as error:
                if target == end or not is_full(error):
                    raise
            else:
                self._end = target
                return


def _allocate(descriptor: int, offset: int, length: int) -> None:
    if length <= 0:
        return
    try:
        os.posix_fallocate(descriptor, offset, length)
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            raise
        _require_free(descriptor, length)


def _require_free(descriptor: int, length: int) -> None:
    """Where nothing can be reserved, at least see that there is room now."""
    if not hasattr(os, "fstatvfs"):
        return
    disk = os.fstatvfs(descriptor)
    if disk.f_bavail * disk.f_frsize < length:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
