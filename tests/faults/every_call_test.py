#!/usr/bin/env python3
"""Every system call of a run fails once, and from then on: a whole run or a clear error each time, and nothing left.

  every_call_test.py [--scenario NAME,...] [--backend NAME,...] [--calls NAME,...] [--most N] [--sample N]
                     [--seed S] [-v]

Without --most every call is failed at each of its places, with it at N of them; with --sample N cases are run of all.
The seed chooses. Wants the variables PIXMILL (the program), FAIL_CALL (the tracer beside this file) and SAMPLES (the
folder sample_images). Ends with 77 where no process may be traced.
"""
import argparse
import collections
import errno
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

from stage import PIXMILL, REFUSED, Broken, Stage, expect, judge

FAIL_CALL = os.environ["FAIL_CALL"]
SKIPPED = 77
FOR_EVER = 10**9
# What each call may fail with, as the kernel documents it. `!`: the program must do all the same as if it had not failed.
FAULTS = {
    "memfd_create": ["EMFILE", "ENOMEM"], "ftruncate": ["EIO", "!EINTR"], "fallocate": ["ENOSPC", "ENOMEM", "!EINTR"],
    "mmap": ["ENOMEM"], "mremap": ["ENOMEM"], "mprotect": ["ENOMEM"], "madvise": ["EINVAL"],
    "brk": ["ENOMEM"], "clone3": ["EAGAIN", "ENOMEM", "!ENOSYS"], "clone": ["EAGAIN"],
    "futex_wait": ["!EINTR", "!EAGAIN"], "futex_wake_shared": ["!EINTR"], "eventfd2": ["EMFILE"], "epoll_create1": ["EMFILE"],
    "epoll_ctl": ["ENOMEM", "ENOSPC"], "epoll_wait": ["!EINTR"], "poll": ["!EINTR", "ENOMEM"],
    "open": ["EMFILE"], "openat": ["EMFILE", "EIO", "EINTR"],
    "read": ["EIO", "!EINTR", "!short"], "pread64": ["EIO", "!EINTR", "!short"],
    "write": ["ENOSPC", "EIO", "!EINTR", "!short"], "pwrite64": ["ENOSPC", "EIO", "!EINTR", "!short"],
    "writev": ["EIO"], "close": ["EIO", "EINTR"], "close_range": ["!ENOSYS"], "rename": ["EIO", "ENOSPC"],
    "unlink": ["EIO"], "mkdir": ["ENOSPC", "EACCES"], "fstat": ["EIO"], "stat": ["EIO"], "lstat": ["EIO"],
    "newfstatat": ["EIO", "ENOMEM"], "access": ["EIO"], "readlink": ["EIO"], "getdents64": ["EIO"], "lseek": ["EIO"],
    "getcwd": ["ENOENT"], "fsync": ["EIO", "!EINTR"], "flock": ["ENOLCK", "!EINTR"], "fcntl": ["EINVAL"],
    "dup2": ["EBUSY"], "dup3": ["EBUSY"], "pipe2": ["EMFILE"], "socketpair": ["EMFILE", "ENOBUFS"],
    "sendmsg": ["ENOBUFS", "EPIPE", "!EINTR"], "recvmsg": ["ENOMEM", "!EINTR"], "pidfd_open": ["EMFILE", "ENOSYS"],
    "pidfd_send_signal": ["EPERM"], "kill": ["EPERM"], "waitid": ["ECHILD", "!EINTR"], "wait4": ["ECHILD", "!EINTR"],
    "signalfd4": ["EMFILE"], "rt_sigaction": ["EINVAL"], "prctl": ["EINVAL"],
    "prlimit64": ["EPERM"], "seccomp": ["EINVAL"], "setpgid": ["EPERM"], "sched_getaffinity": ["EINVAL"],
    "sched_setaffinity": ["EINVAL"], "sysinfo": ["EFAULT"], "ioctl": ["ENOTTY"], "clock_nanosleep": ["!EINTR"],
    "landlock_create_ruleset": ["EOPNOTSUPP"], "landlock_restrict_self": ["E2BIG"],
}
# Without these nothing can be taken away, so that what is left is no fault of the program.
LEAVES_FILES = ("unlink",)
# And without these nothing can be said.
SILENCING = ("write", "writev")


class Case(collections.namedtuple("Case", "scenario backend call how nth last must_work")):
    def __str__(self):
        places = f"{self.nth}" if self.last == self.nth else f"{self.nth} on"
        return f"{self.scenario}/{self.backend} {self.call} {self.how} {places}"


def trace(stage, order, command):
    told = stage.folder / "told.json"
    told.unlink(missing_ok=True)
    done = subprocess.run([FAIL_CALL, told, *order, "--", PIXMILL, *map(str, command)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(told.read_text()), done


def may_trace(folder):
    done = subprocess.run([FAIL_CALL, folder / "told.json", "--count", "--", PIXMILL, "--version"], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=300)
    if done.returncode == 0:
        return True
    print(done.stderr, file=sys.stderr)
    if "PTRACE_SEIZE" in done.stderr or "SECCOMP" in done.stderr:
        return False
    sys.exit(1)


def break_off(stage):
    """What a run leaves that can write no more rows."""
    stage.clear()
    trace(stage, ["pwrite64", str(errno.EIO), "18", str(FOR_EVER)], stage.command("run", "serial"))
    assert stage.leftovers(), "a journal should be left"
    shutil.copytree(stage.out, stage.broken_off)


def examine(stage, case):
    """How it ended."""
    stage.set_up(case.scenario)
    how = "short" if case.how == "short" else str(getattr(errno, case.how))
    told, done = trace(stage, [case.call, how, str(case.nth), str(case.last)],
                       stage.command(case.scenario, case.backend))
    try:
        expect("hung" not in told, f"it hangs: {told.get('hung')}")
        expect(not told.get("left"), f"processes are left: {told.get('left')}")
        code = told.get("exit", -told.get("signal", 0))
        expect(code in (0, 1) or done.stderr.strip() or case.call in SILENCING, f"exit {code} without a word")
        result = judge(stage, case.scenario, code, done.stdout, done.stderr, case.call in LEAVES_FILES)
        expect(not case.must_work or case.scenario in REFUSED or result == "completed",
               f"{result}, where all should go well")
    except (Broken, ValueError, KeyError, OSError) as problem:
        detail = f"{type(problem).__name__} " if not isinstance(problem, Broken) else ""
        raise Broken(f"{case}: {detail}{problem}\n    first: {told['first']}\n    said: {done.stderr.strip()[:1500]}") from None
    return result if told["failed"] > 0 else "not reached"


def cases(stage, scenario, backend, options, chance):
    stage.set_up(scenario)
    counts = trace(stage, ["--count"], stage.command(scenario, backend))[0]["counts"]
    wanted = options.calls.split(",") if options.calls else FAULTS
    for call in wanted:
        places = list(range(1, counts.get(call, 0) + 1))
        for fault in FAULTS[call]:
            how, must_work = fault.lstrip("!"), fault.startswith("!")
            chosen = places if not options.most else sorted(chance.sample(places, min(options.most, len(places))))
            for nth in chosen:
                yield Case(scenario, backend, call, how, nth, nth, must_work)
                if how == "EINTR":  # for ever is not what a signal does
                    yield Case(scenario, backend, call, how, nth, nth + 9, must_work)
                else:
                    yield Case(scenario, backend, call, how, nth, FOR_EVER, must_work)


def all_cases(stage, options, chance):
    chosen = []
    for backend in options.backend.split(","):
        stage.rehearse(backend)
        if not stage.broken_off.exists():
            break_off(stage)
        for scenario in options.scenario.split(","):
            chosen += cases(stage, scenario, backend, options, chance)
    return chance.sample(chosen, min(options.sample, len(chosen))) if options.sample else chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="run,resume,resume-broken,overwrite,stats,in-the-way,onto-itself")
    parser.add_argument("--backend", default="processes,threads,tbb,serial")
    parser.add_argument("--calls", help="names of FAULTS (default: all)")
    parser.add_argument("--most", type=int, default=0, help="places of each call (default: all)")
    parser.add_argument("--sample", type=int, default=0, help="cases in all (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-v", action="store_true", help="a line for every case")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    results, broken = collections.Counter(), 0
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pixmill-calls-") as folder:
        if not may_trace(pathlib.Path(folder)):
            return SKIPPED
        stage = Stage(pathlib.Path(folder))
        for case in all_cases(stage, options, chance):
            try:
                result = examine(stage, case)
            except Broken as problem:
                result, broken = "broken", broken + 1
                print(problem, flush=True)
            results[result] += 1
            if options.v:
                print(case, result, flush=True)
    print(f"{sum(results.values())} runs in {time.monotonic() - begin:.0f} s: "
          + ", ".join(f"{n} {what}" for what, n in sorted(results.items())))
    if results["not reached"] == sum(results.values()):
        print("no call was failed at all")
        return 1
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
