"""seccomp (Linux): system calls that reading a file never needs are refused to every thread of this process.

A list of what is refused, since decoders and C libraries use a changing set of harmless calls; what is on no list
(reading, memory, threads, clocks, the one inherited socket) reaches nothing that is not already open.
"""

from __future__ import annotations

import errno
import os

_CLONE_THREAD = 0x00010000
# Refused whatever the arguments. io_uring and other kernel interfaces that would go round this list are among them.
_REFUSED = """
    socket socketpair connect bind listen accept accept4
    execve execveat fork vfork ptrace process_vm_readv process_vm_writev kcmp
    kill tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal pidfd_getfd
    creat mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat mknod mknodat
    truncate chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr name_to_handle_at open_by_handle_at
    mount umount2 pivot_root chroot setns unshare open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr
    io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd fanotify_init
    add_key request_key keyctl init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff
    setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset personality
    setrlimit prlimit64 setpriority acct quotactl syslog sethostname setdomainname settimeofday clock_settime adjtimex
    iopl ioperm shmget shmat msgget semget mq_open
""".split()  # noqa: SIM905
# Answered as on an old kernel, so that the C library falls back to the call that can be looked at.
_UNKNOWN = ("clone3", "openat2")


def refuse() -> None:
    """Load the filter. Raises ``ImportError`` or ``OSError`` where ``pyseccomp`` or libseccomp is missing, and what
    libseccomp says when the kernel refuses.
    """
    import pyseccomp as seccomp

    denied, thread = seccomp.ERRNO(errno.EPERM), os.getpid()
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    rules.set_attr(seccomp.Attr.CTL_TSYNC, 1)
    for name in _REFUSED:
        if seccomp.resolve_syscall(seccomp.system_arch(), name) != -1:  # known to this version of libseccomp
            rules.add_rule(denied, name)
    for name in _UNKNOWN:
        rules.add_rule(seccomp.ERRNO(errno.ENOSYS), name)
    rules.add_rule(denied, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, _CLONE_THREAD, 0))
    rules.add_rule(denied, "tgkill", seccomp.Arg(0, seccomp.NE, thread))
    for name, flags in (("open", 1), ("openat", 2)):
        for mask, value in (
            (os.O_ACCMODE, os.O_WRONLY), (os.O_ACCMODE, os.O_RDWR), (os.O_CREAT, os.O_CREAT), (os.O_TRUNC, os.O_TRUNC),
        ):  # fmt: skip
            rules.add_rule(denied, name, seccomp.Arg(flags, seccomp.MASKED_EQ, mask, value))
    rules.load()
