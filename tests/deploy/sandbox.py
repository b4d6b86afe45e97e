"""Run a command as a service manager or a container would: most of the disk read-only, little allowed.

    unshare --user --map-root-user --mount python sandbox.py RULES.json COMMAND...

RULES: `writable`, folders that stay writable; `temporary`, one that becomes an empty tmpfs; and, each
optional, `allowed`, the system calls allowed (all others fail with EPERM), `families`, the address families
of sockets, `deny_write_execute`, whether no memory may become executable.
"""

import ctypes
import json
import mmap
import os
import socket
import sys
from errno import EAFNOSUPPORT, EPERM
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)

MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 38, 24
SHM_EXEC = 0o100000
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
EQUAL, MASKED_EQUAL = 4, 7


class Attributes(ctypes.Structure):
    """The kernel's struct mount_attr."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


class Comparison(ctypes.Structure):
    """libseccomp's struct scmp_arg_cmp."""

    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def masked(argument: int, bits: int) -> Comparison:
    """The argument has all of these bits."""
    return Comparison(argument, MASKED_EQUAL, bits, bits)


def done(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno() or -result, os.strerror(ctypes.get_errno() or -result))


def set_attributes(folder: str, flags: int, attributes: Attributes) -> None:
    size = ctypes.sizeof(attributes)
    done(libc.syscall(MOUNT_SETATTR, AT_FDCWD, folder.encode(), flags, ctypes.byref(attributes), size))


def read_only_but(writable: list[str], temporary: str) -> None:
    """Everything read-only, except what is writable and shared memory; `temporary` is empty and in memory."""
    done(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    set_attributes("/", AT_RECURSIVE, Attributes(attr_set=MOUNT_ATTR_RDONLY))
    for folder in (*writable, "/dev/shm"):
        done(libc.mount(folder.encode(), folder.encode(), None, MS_BIND, None))
        set_attributes(folder, 0, Attributes(attr_clr=MOUNT_ATTR_RDONLY))
    done(libc.mount(b"tmpfs", temporary.encode(), b"tmpfs", 0, None))


def no_privileges() -> None:
    done(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        done(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))


class Filter:
    """System calls by name, with libseccomp."""

    def __init__(self, otherwise: int) -> None:
        self.library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self.library.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.seccomp_init(otherwise))

    def rule(self, action: int, call: str, *comparisons: Comparison) -> None:
        number = self.library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:  # not of this machine
            return
        array = (Comparison * len(comparisons))(*comparisons)
        done(self.library.seccomp_rule_add_array(self.context, action, number, len(comparisons), array))

    def load(self) -> None:
        done(self.library.seccomp_load(self.context))


def deny_write_execute() -> None:
    """What systemd's MemoryDenyWriteExecute refuses."""
    found = Filter(ALLOW)
    both = mmap.PROT_WRITE | mmap.PROT_EXEC
    found.rule(REFUSE | EPERM, "mmap", masked(2, both))
    found.rule(REFUSE | EPERM, "mprotect", masked(2, mmap.PROT_EXEC))
    found.rule(REFUSE | EPERM, "pkey_mprotect", masked(2, mmap.PROT_EXEC))
    found.rule(REFUSE | EPERM, "shmat", masked(2, SHM_EXEC))
    found.load()


def only_families(names: list[str]) -> None:
    """What systemd's RestrictAddressFamilies refuses."""
    every = range(1, 46)  # the kernel's families
    kept = {int(getattr(socket, name)) for name in names}
    found = Filter(ALLOW)
    for family in set(every) - kept:
        found.rule(REFUSE | EAFNOSUPPORT, "socket", Comparison(0, EQUAL, family, 0))
    found.load()


def only_calls(names: list[str]) -> None:
    found = Filter(REFUSE | EPERM)
    for name in names:
        found.rule(ALLOW, name)
    found.load()


def main() -> None:
    rules = json.loads(Path(sys.argv[1]).read_text())
    read_only_but(rules["writable"], rules["temporary"])
    no_privileges()
    if rules.get("deny_write_execute"):
        deny_write_execute()
    if rules.get("families"):
        only_families(rules["families"])
    if rules.get("allowed"):
        only_calls(rules["allowed"])
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
