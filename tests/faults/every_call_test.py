"""Every system call of a run fails once, and from then on: a whole run or a clear error each time, and nothing left.

  every_call_test.py [--scenario NAME,...] [--backend NAME,...] [--calls NAME,...] [--most N] [--sample N]
                     [--seed S] [-v]

Without --most every call is failed at each of its places, with it at N of them; with --sample N cases are run of all.
The seed chooses. Wants the variables
PIXMILL (the program) and FAIL_CALL (the tracer beside this file). Ends with 77 where no process may be traced.
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

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))
from program import PIXMILL, png  # noqa: E402

FAIL_CALL = os.environ["FAIL_CALL"]
SKIPPED = 77
FOR_EVER = 10**9
REFUSED = ("in-the-way", "onto-itself")
WELL = ("ok", "repaired", "skipped")
# What is wrong with a file's content: no failing call may make a good image look so.
OF_CONTENT = ("unsupported", "corrupt", "truncated", "kernel-failed")
GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")

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
    "signalfd4": ["EMFILE"], "rt_sigaction": ["EINVAL"], "rt_sigprocmask": ["EINVAL"], "prctl": ["EINVAL"],
    "prlimit64": ["EPERM"], "seccomp": ["EINVAL"], "setpgid": ["EPERM"], "sched_getaffinity": ["EINVAL"],
    "sched_setaffinity": ["EINVAL"], "sysinfo": ["EFAULT"], "ioctl": ["ENOTTY"], "clock_nanosleep": ["!EINTR"],
    "landlock_create_ruleset": ["EOPNOTSUPP"], "landlock_restrict_self": ["E2BIG"],
}
# Without these nothing can be taken away, so that what is left is no fault of the program.
LEAVES_FILES = ("unlink",)


class Case(collections.namedtuple("Case", "scenario backend call how nth last must_work")):
    def __str__(self):
        places = f"{self.nth}" if self.last == self.nth else f"{self.nth} on"
        return f"{self.scenario}/{self.backend} {self.call} {self.how} {places}"


class Broken(Exception):
    """What a case shows to be wrong."""


def expect(truth, what):
    if not truth:
        raise Broken(what)


def call_program(*arguments):
    return subprocess.run([PIXMILL, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=300)


class Stage:
    """The images, and what an undisturbed run makes of them."""

    def __init__(self, folder):
        self.folder = folder
        self.inputs = folder / "in"
        self.inputs.mkdir()
        self.out = folder / "out"
        self.report = folder / "report.json"
        self.make_inputs()
        self.before = self.snapshot(self.inputs)
        self.half = folder / "half"  # what a run over some of the images has left
        self.broken_off = folder / "broken-off"  # what a run that lost its manifest has left
        self.other = folder / "other"  # what another chain has made
        self.want, self.want_report, self.want_stats = {}, {}, {}

    def make_inputs(self):
        first = self.folder / "first"
        first.mkdir()
        for i, (width, height) in enumerate([(31, 17), (20, 20), (8, 40), (700, 500), (1, 1)]):
            (first / f"{i}.png").write_bytes(png(width, height, i))
        for i, kind in enumerate(["jpg", "webp", "tiff", "bmp", "pgm"]):
            made = call_program("run", first / f"{i % 3}.png", "-o", self.folder / kind, "--format", kind)
            assert made.returncode == 0, made.stderr
            shutil.copy(self.folder / kind / f"{i % 3}.{kind}", self.inputs / f"b{i}.{kind}")
        for path in first.iterdir():
            shutil.copy(path, self.inputs / f"a{path.name}")
        (self.inputs / "c.gif").write_bytes(GIF)
        damaged = bytearray((self.inputs / "a0.png").read_bytes())
        damaged[60] ^= 0xFF
        (self.inputs / "damaged.png").write_bytes(damaged)

    @staticmethod
    def snapshot(folder):
        return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*")
                if p.is_file()} if folder.exists() else {}

    def command(self, scenario, backend):
        jobs = [] if backend == "serial" else ["-j", "2"]
        rest = ["--backend", backend, *jobs, "--progress", "none", "--reduce", "count,mean,histogram"]
        if scenario == "stats":
            return ["stats", self.inputs, "--manifest", self.out / "pixmill.jsonl", *rest]
        if scenario == "onto-itself":  # the inputs, which must stand, would be the outputs
            return ["run", self.inputs, "-o", self.inputs, "--overwrite", "--manifest", self.out / "pixmill.jsonl", *rest]
        how = {"run": [], "in-the-way": [], "resume": ["--resume"], "resume-broken": ["--resume"], "overwrite": ["--overwrite"]}[scenario]
        return ["run", self.inputs, "-o", self.out, "--ops", "gray,threshold=otsu", "--fsync", "--reduce-out", self.report,
                *how, *rest]

    def rehearse(self, backend):
        """Undisturbed runs; the same for every backend."""
        self.clear()
        done = call_program(*self.command("run", backend))
        assert done.returncode == 1, done.stderr
        self.want = self.outputs()
        self.want_report = self.report.read_text()
        self.clear()
        self.out.mkdir()
        done = call_program(*self.command("stats", backend))
        assert done.returncode == 1, done.stderr
        self.want_stats = done.stdout
        if self.half.exists():
            return
        names = sorted(self.inputs.iterdir())[::2]
        options = self.command("run", backend)
        self.clear()
        made = call_program("run", *names, *options[2:])
        assert made.returncode in (0, 1), made.stderr
        shutil.copytree(self.out, self.half)
        self.clear()
        trace(self, ["pwrite64", str(errno.EIO), "18", str(FOR_EVER)], options)
        assert self.leftovers(), "a journal should be left"
        shutil.copytree(self.out, self.broken_off)
        self.clear()
        made = call_program("run", self.inputs, "-o", self.out, "--ops", "invert", "--progress", "none")
        assert made.returncode == 1, made.stderr
        shutil.copytree(self.out, self.other)

    def clear(self):
        shutil.rmtree(self.out, ignore_errors=True)
        self.report.unlink(missing_ok=True)

    def set_up(self, scenario):
        self.clear()
        if scenario == "run":
            return
        if scenario == "resume":
            shutil.copytree(self.half, self.out)
        elif scenario == "resume-broken":
            shutil.copytree(self.broken_off, self.out)
        elif scenario == "overwrite":
            shutil.copytree(self.other, self.out)
        elif scenario == "in-the-way":  # files that nobody has given up
            self.out.mkdir()
            for name in self.want:
                (self.out / name).write_text("not made by pixmill")
        else:
            self.out.mkdir(exist_ok=True)

    def outputs(self):
        if not self.out.exists():
            return {}
        return {p.name: p.read_bytes() for p in self.out.iterdir() if p.suffix == ".png" and not p.name.startswith(".")}

    def leftovers(self):
        return [p.name for folder in (self.out, self.folder) if folder.exists() for p in folder.iterdir()
                if p.name.startswith(".")]

    def manifest(self):
        path = self.out / "pixmill.jsonl"
        return path.read_text() if path.exists() else None

    def rows(self):
        lines = [json.loads(line) for line in (self.manifest() or "").splitlines()]
        summary = lines[-1].get("summary") if lines else None
        return [line for line in lines if "verdict" in line], summary


def nothing_recorded(stage, code):
    """It gave up before it had a word of its own for the manifest, which so tells of an earlier run."""
    return code in (2, 3) and stage.earlier is not None and stage.manifest() == stage.earlier


def check_rows(stage, case, code, rows, summary):
    """One verdict an image, the right one, and an exit code that agrees."""
    if nothing_recorded(stage, code):
        return
    indices = [row["index"] for row in rows]
    if not case.scenario.startswith("resume"):  # until it is whole, a resumed manifest holds the rows of the earlier run too
        expect(len(indices) == len(set(indices)), "an image has two verdicts")
    if summary is None:
        expect(code in (2, 3), f"exit {code} without a summary")
        return
    count = len(stage.before)
    if code != 3:
        expect(sorted(indices) == list(range(count)), f"rows for {sorted(indices)}")
    expect(summary["images"] == count, "the summary misses images")
    for row in rows:
        name, verdict = pathlib.Path(row["input"]).name, row["verdict"]
        if name == "damaged.png":
            expect(verdict not in WELL, f"{name} is {verdict}")
        else:
            expect(verdict not in OF_CONTENT, f"{name} is said to be {verdict}: {row['detail']}")
        if verdict not in WELL:
            expect(row["detail"], f"{name} is {verdict} without a word")
    if sorted(indices) != list(range(count)):
        return
    told = collections.Counter(row["verdict"] for row in rows)
    expect(all(summary.get(v, 0) == n for v, n in told.items()), f"the summary says {summary}, the rows {told}")
    bad = any(row["verdict"] not in WELL for row in rows)
    expect(code != 0 or not bad, "exit 0 though images failed")
    expect(code != 1 or bad, "exit 1 though no image failed")
    expect(code != 1 or "cancelled" not in told, "exit 1 though images are cancelled")
    expect(code in (0, 1, 3), f"exit {code} with a summary")


def check_outputs(stage, case, code, rows):
    """Whole ones, and just those of which a row tells."""
    there = stage.outputs()
    old = {name: content for name, (content, _) in stage.snapshot(stage.other).items()}
    for name, content in there.items():
        right = content == stage.want.get(name) or (case.scenario == "overwrite" and content == old.get(name))
        expect(right, f"the output {name} is not what it should be")
    for row in rows if not nothing_recorded(stage, code) else []:
        name = pathlib.Path(row["output"]).name if row["output"] else None
        if case.scenario != "stats" and row["verdict"] in WELL:
            expect(there.get(name) == stage.want.get(name), f"{row['input']} is {row['verdict']}, but its output is not right")
    if case.scenario == "run" and code != 3:
        good = {pathlib.Path(row["output"]).name for row in rows if row["verdict"] in WELL}
        expect(set(there) == good, f"outputs {sorted(set(there) ^ good)} and rows disagree")


def check_leftovers(stage, case, code):
    left = stage.leftovers()
    if code == 3 or (code == 2 and case.scenario == "resume-broken"):  # what --resume needs
        left = [name for name in left if not name.endswith(".journal")]
    expect(not left or case.call in LEAVES_FILES, f"left behind: {left}")


def check_refused(stage, case, code):
    """A call that fails while it looks for what stands in the way must not make it blind."""
    expect(code in (2, 3), f"exit {code}, where the run must be refused")
    if case.scenario == "in-the-way":
        there = {p.name: p.read_text() for p in stage.out.glob("*.png")}
        expect(there == dict.fromkeys(stage.want, "not made by pixmill"), "a file that was in the way is gone")
    check_leftovers(stage, case, code)


def check_stats(stage, code, out, rows):
    if code in (2, 3):
        return
    report = json.loads(out)
    expect(report["images"] == sum(row["verdict"] in WELL for row in rows), "reductions and rows disagree")
    if report["images"] == json.loads(stage.want_stats)["images"]:
        expect(out == stage.want_stats, "the reductions are not those of an undisturbed run")


def check_resumes(stage):
    done = call_program(*stage.command("resume", "processes"))
    expect(done.returncode == 1, f"--resume afterwards: exit {done.returncode}: {done.stderr}")
    expect(stage.outputs() == stage.want, "--resume afterwards: other outputs than an undisturbed run")
    expect(stage.report.read_text() == stage.want_report, "--resume afterwards: other reductions")
    rows, summary = stage.rows()
    expect(summary and sorted(row["index"] for row in rows) == list(range(len(stage.before))),
           "--resume afterwards: the manifest is not whole")
    expect(not stage.leftovers(), f"--resume afterwards: left behind: {stage.leftovers()}")


def trace(stage, order, command):
    told = stage.folder / "told.json"
    told.unlink(missing_ok=True)
    done = subprocess.run([FAIL_CALL, told, *order, "--", PIXMILL, *map(str, command)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300)
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr)
        sys.exit(SKIPPED if "PTRACE_SEIZE" in done.stderr or "SECCOMP" in done.stderr else 1)
    return json.loads(told.read_text()), done


def examine(stage, case):
    """What became of it: "not reached", "completed" or "refused"."""
    stage.set_up(case.scenario)
    stage.earlier = stage.manifest()
    how = "short" if case.how == "short" else str(getattr(errno, case.how))
    told, done = trace(stage, [case.call, how, str(case.nth), str(case.last)],
                       stage.command(case.scenario, case.backend))
    try:
        expect("hung" not in told, f"it hangs: {told.get('hung')}")
        expect(not told.get("left"), f"processes are left: {told.get('left')}")
        expect("signal" not in told, f"killed by signal {told.get('signal')}")
        code = told["exit"]
        expect(code in (0, 1, 2, 3), f"exit {code}")
        expect(code in (0, 1) or done.stderr.strip() or case.call in ("write", "writev"), f"exit {code} without a word")
        expect("internal error" not in done.stderr, "it takes it for a mistake of its own")
        expect(stage.snapshot(stage.inputs) == stage.before, "the inputs were touched")
        if case.scenario in REFUSED:
            check_refused(stage, case, code)
            return f"exit {code}"
        rows, summary = stage.rows()
        check_rows(stage, case, code, rows, summary)
        check_outputs(stage, case, code, rows)
        check_leftovers(stage, case, code)
        if case.must_work:
            good = sum(row["verdict"] in WELL for row in rows)
            expect(code == 1 and good == len(stage.before) - 1, f"exit {code}, {good} images done, where all should go well")
        if case.scenario == "stats":
            check_stats(stage, code, done.stdout, rows)
        else:
            check_resumes(stage)
    except (Broken, ValueError, KeyError, OSError) as problem:
        detail = f"{type(problem).__name__} " if not isinstance(problem, Broken) else ""
        raise Broken(f"{case}: {detail}{problem}\n    first: {told['first']}\n    said: {done.stderr.strip()[:1500]}") from None
    if told["failed"] == 0:
        return "not reached"
    if code != 1:
        return f"exit {code}"
    return "completed" if sum(row["verdict"] in WELL for row in rows) == len(stage.before) - 1 else "some images failed"


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
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
