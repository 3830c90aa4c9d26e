#!/usr/bin/python3
"""Runs a command as the unit of a service would, without systemd: its user, its capabilities, its system calls, and nothing
that can be written to but one directory, if any. What it does not do stays the unit's: devices, namespaces, /proc.

    confined.py UNIT [--writable DIRECTORY] COMMAND...

As root it becomes nobody; where it may not have mounts of its own (in some containers), files are guarded by their modes
alone. A system call that the unit does not allow kills the command: the unit answers it with an error, which nobody would see.
"""
import ctypes
import os
import subprocess
import sys

import seccomp

NOBODY = 65534
CAP_NET_BIND_SERVICE = 10
CLONE_NEWNS, AT_FDCWD, AT_RECURSIVE = 0x20000, -100, 0x8000
MOUNT_ATTR_RDONLY, MS_PRIVATE = 0x1, 1 << 18
SYS_MOUNT_SETATTR = 442
PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 24, 38, 47, 2
PROT_WRITE, PROT_EXEC = 2, 4

libc = ctypes.CDLL(None, use_errno=True)


def must(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def settings(unit, key):
    """All values of a key, in order."""
    with open(unit) as file:
        return [value for line in file if line.startswith(f"{key}=") for value in line.rstrip("\n").split("=", 1)[1].split()]


def system_calls(group):
    """The names in a filter set, as systemd knows it."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines()[1:]:
        name = line.split("#")[0].strip()
        if name.startswith("@"):
            yield from system_calls(name)
        elif name:
            yield name


def allowed_calls(unit):
    allowed = set()
    with open(unit) as file:
        for line in file:
            if not line.startswith("SystemCallFilter="):
                continue
            value = line.rstrip("\n").split("=", 1)[1]
            names = {name for word in value.lstrip("~").split()
                     for name in (system_calls(word) if word.startswith("@") else [word])}
            allowed = allowed - names if value.startswith("~") else allowed | names
    return allowed | set(system_calls("@default"))  # systemd lets these through whatever is said


def read_only_mounts(writable):
    if libc.unshare(CLONE_NEWNS) != 0:
        return
    must(libc.mount(None, b"/", None, ctypes.c_ulong(MS_PRIVATE | 0x4000), None), "private mounts")
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY, 0, 0, 0)
    must(libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, b"/", AT_RECURSIVE, attributes, ctypes.sizeof(attributes)), "read-only mounts")
    if writable:
        must(libc.mount(b"tmpfs", writable.encode(), b"tmpfs", 0, b"mode=1777"), "a directory to write to")


def become_nobody():
    for capability in range(64):
        if capability != CAP_NET_BIND_SERVICE:
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    must(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "PR_SET_KEEPCAPS")
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    libcap = ctypes.CDLL("libcap.so.2")
    libcap.cap_from_text.restype = ctypes.c_void_p
    must(libcap.cap_set_proc(ctypes.c_void_p(libcap.cap_from_text(b"cap_net_bind_service=eip"))), "cap_set_proc")
    must(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0), "PR_CAP_AMBIENT_RAISE")


def filter_of(unit):
    rules = seccomp.SyscallFilter(seccomp.KILL_PROCESS)
    names = allowed_calls(unit)
    for name in sorted(names - {"socket", "mmap", "mprotect"}):
        try:
            rules.add_rule(seccomp.ALLOW, name)
        except RuntimeError:
            pass  # not on this machine
    for family in settings(unit, "RestrictAddressFamilies"):
        rules.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}[family]))
    # The resolver asks the kernel for its addresses, and does without when it is not let.
    rules.add_rule(seccomp.ERRNO(97), "socket", seccomp.Arg(0, seccomp.EQ, 16))
    # MemoryDenyWriteExecute
    rules.add_rule(seccomp.ALLOW, "mprotect", seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))
    rules.add_rule(seccomp.ALLOW, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))
    rules.add_rule(seccomp.ALLOW, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC))
    return rules


def main():
    unit, command, writable = sys.argv[1], sys.argv[2:], None
    if command[0] == "--writable":
        writable, command = command[1], command[2:]
    rules = filter_of(unit)
    os.chdir("/")
    if os.geteuid() == 0:
        read_only_mounts(writable)
        become_nobody()
    must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    kept = {name: os.environ[name] for name in ("NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "TMPDIR") if name in os.environ}
    rules.load()
    os.execve(command[0], command, kept)


if __name__ == "__main__":
    main()
