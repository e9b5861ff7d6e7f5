"""A file system that rejects locks, as NFS without its lock service does: the kernel's filter of system calls, seccomp.

The filter holds for the process and all that it starts, and needs no privilege.
"""

import ctypes
import platform
import struct

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW, and SECCOMP_RET_ERRNO, to which the error is added
_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF instructions
_CALL, _SECOND_ARGUMENT = 0, 24  # offsets in struct seccomp_data
_FCNTL, _FLOCK = 72, 73  # system calls on x86-64
_SETTING_LOCKS = (6, 7, 37, 38)  # F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW


def reject_locks(error: int) -> None:
    """Makes every lock of a file fail with this number of errno, in this process and those that it will start."""
    assert platform.machine() == "x86_64"
    instruction = struct.Struct("HBBI").pack
    fails = len(_SETTING_LOCKS) + 1
    program = [
        instruction(_LOAD, 0, 0, _CALL),
        instruction(_IF_EQUAL, fails + 2, 0, _FLOCK),
        instruction(_IF_EQUAL, 0, fails, _FCNTL),
        instruction(_LOAD, 0, 0, _SECOND_ARGUMENT),
        *(instruction(_IF_EQUAL, fails - 1 - index, 0, lock) for index, lock in enumerate(_SETTING_LOCKS)),
        instruction(_RETURN, 0, 0, _ALLOW),
        instruction(_RETURN, 0, 0, _FAIL | error),
    ]
    code = ctypes.create_string_buffer(b"".join(program))
    filters = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filters, 0, 0)):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "the kernel does not filter system calls here")
