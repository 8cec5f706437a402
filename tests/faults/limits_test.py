"""Few open files, few processes, little memory, small files, a small disk: a whole run or a clear error, and nothing left.

  python3 -m unittest -v limits_test        some of the limits
  FULL=1 python3 -m unittest -v limits_test all of them
"""
import contextlib
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from stage import PIXMILL, Broken, Stage, check_resumes, expect, judge

BACKENDS = ("processes", "threads", "tbb", "serial")
FULL = bool(os.environ.get("FULL"))
NOBODY = 65534
LONG = 240
# Exit code and words of the loader, which comes before the program.
LOADER = (127, "error while loading shared libraries")


def some(levels, most):
    """All of them, or `most` that are spread over them."""
    levels = list(levels)
    return levels if FULL or len(levels) <= most else [levels[i * (len(levels) - 1) // (most - 1)] for i in range(most)]


class Limits:
    """Runs under limits, on a stage of their own."""

    def __init__(self, folder):
        self.stage = Stage(folder)
        self.stage.rehearse("serial")
        self.program = folder / "pixmill"  # where another user can run it
        shutil.copy(PIXMILL, self.program)
        folder.chmod(0o777)
        self.results = {}

    def run(self, what, backend, limit, scenario="run", after=lambda: None, killable=False):
        """One run under limit(), which the child calls. `after` takes a limit away that stays when the child has ended.
        `killable`: the program itself may be too large for the limit."""
        stage = self.stage
        stage.set_up(scenario)
        begun = subprocess.Popen([self.program, *map(str, stage.command(scenario, backend))], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit)
        try:
            out, said = begun.communicate(timeout=LONG)
        except subprocess.TimeoutExpired:
            begun.kill()
            begun.communicate()
            raise Broken(f"{what}: it hangs") from None
        after()
        if begun.returncode == LOADER[0] and LOADER[1] in said:
            return "loader"
        try:
            expect(begun.returncode in (0, 1) or said.strip() or killable, f"exit {begun.returncode} without a word")
            if begun.returncode == -signal.SIGKILL and killable:
                check_resumes(stage)
                result = "killed by the kernel"
            else:
                result = judge(stage, scenario, begun.returncode, out, said)
            self.nothing_runs()
        except (Broken, ValueError, KeyError, OSError) as problem:
            raise Broken(f"{what}: {type(problem).__name__}: {problem}\n  said: {said.strip()[:1500]}") from None
        self.results[result] = self.results.get(result, 0) + 1
        return result

    def nothing_runs(self):
        """Every process of a run has the stage in its command line."""
        mark = os.fsencode(self.stage.inputs)
        deadline = time.monotonic() + 60
        while True:
            left = []
            for entry in pathlib.Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if mark in (entry / "cmdline").read_bytes() and (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                        left.append((entry / "comm").read_text().strip())
            if not left:
                return
            expect(time.monotonic() < deadline, f"left running: {left}")
            time.sleep(0.02)


def soft(kind, value):
    return lambda: resource.setrlimit(kind, (value, value))


class LimitsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="pixmill-limits-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.limits = Limits(pathlib.Path(folder))

    def setUp(self):
        self.limits.results = {}

    def tearDown(self):
        print(self.limits.results, file=sys.stderr)

    def check(self, what, backend, limit, scenario="run", **options):
        try:
            return self.limits.run(f"{backend}, {what}", backend, limit, scenario, **options)
        except Broken as problem:
            self.fail(str(problem))

    def check_all(self, levels, most, name, limit_of, scenarios=("run", "stats")):
        """Every backend at every level; enough is enough at last."""
        for backend in BACKENDS:
            for scenario in scenarios:
                for level in some(levels, most if backend == "processes" else max(2, most // 2)):
                    with self.subTest(backend=backend, scenario=scenario, level=level):
                        last = self.check(f"{name} {level}", backend, limit_of(level), scenario)
                self.assertEqual(last, "completed", f"{backend}: {name} {level} should be enough")

    def test_open_files(self):
        levels = [*range(4, 33), *range(36, 65, 4)]
        self.check_all(levels, 14, "open files:", lambda n: soft(resource.RLIMIT_NOFILE, n))

    def test_file_sizes(self):
        # A region is a file too, of gigabytes.
        levels = [0, 1, *(2**k for k in range(6, 20)), 2**40]
        self.check_all(levels, 8, "bytes a file:", lambda n: soft(resource.RLIMIT_FSIZE, n), ("run",))

    def test_address_space(self):
        levels = [*(2**20 * m for m in range(48, 512, 8)), *(2**30 * g for g in range(1, 9)), 2**36]
        self.check_all(levels, 12, "bytes of addresses:", lambda n: soft(resource.RLIMIT_AS, n))

    def test_processes(self):
        def poor(count):
            def limit():
                if os.getuid() == 0:  # nothing limits root's
                    os.setgroups([])
                    os.setgid(NOBODY)
                    os.setuid(NOBODY)
                resource.setrlimit(resource.RLIMIT_NPROC, (count, count))
            return limit

        if os.getuid() != 0:
            self.skipTest("how many processes this user has already is not known")
        self.check_all([*range(0, 13), 64], 8, "processes:", poor, ("run",))

    def test_memory_of_a_control_group(self):
        group = make_group()
        if group is None:
            self.skipTest("no control group for memory can be made here")
        folder, file = group
        self.addCleanup(remove_group, folder)
        levels = [2**20 * m for m in (*range(2, 32, 2), *range(32, 129, 16), 2048)]
        for backend in BACKENDS:
            for level in some(levels, 8 if backend == "processes" else 4):
                with self.subTest(backend=backend, level=level):
                    (folder / file).write_text(str(level))
                    last = self.check(f"bytes of memory: {level}", backend, lambda: join(folder), killable=level < 2**23)
            self.assertEqual(last, "completed", f"{backend}: {level} bytes should be enough")

    def test_a_small_disk(self):
        unshare = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-Ur", "-m"]
        if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
            self.skipTest("no file system can be mounted here")
        done = subprocess.run([*unshare, sys.executable, __file__, "small-disk", self.limits.stage.folder], timeout=600,
                              capture_output=True, text=True)
        print(done.stdout, end="", file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


def own_group(controller):
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == controller:
            return path.lstrip("/")
    return None


def make_group():
    """A new group below this process's own, and its file of the limit; nothing where that is forbidden."""
    root = pathlib.Path("/sys/fs/cgroup")
    for place, controller, file in ((root / "memory", "memory", "memory.limit_in_bytes"), (root, "", "memory.max")):
        path = own_group(controller)
        if path is None:
            continue
        folder = place / path / f"pixmill-limits-{os.getpid()}"
        with contextlib.suppress(OSError):
            folder.mkdir()
            if (folder / file).exists():
                return folder, file
            folder.rmdir()
    return None


def join(folder):
    (folder / "cgroup.procs").write_text(str(os.getpid()))


def remove_group(folder):
    for _ in range(500):  # its dead may still be counted
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.02)


def small_disk(folder):
    """At 20 fill levels, in a name space of mounts of its own."""
    limits = Limits(folder / "small")
    disk = folder / "disk"
    disk.mkdir()
    stage = limits.stage
    stage.out, stage.report = disk / "out", disk / "report.json"
    whole = sum(4096 * (1 + p.stat().st_size // 4096) for p in (stage.other).rglob("*")) + 65536
    problems = []
    for backend in BACKENDS:
        for level in some(range(1, 21), 20 if backend == "processes" else 5):
            size = max(4096, whole * level // 20 // 4096 * 4096)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=True)
            room = ["mount", "-o", "remount,size=64m", disk]
            try:
                limits.run(f"{backend}, a disk of {size} bytes", backend, None, after=lambda: subprocess.run(room, check=True))
            except Broken as problem:
                problems.append(str(problem))
            subprocess.run(["umount", disk], check=True)
    print(limits.results)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["small-disk"]:
        (pathlib.Path(sys.argv[2]) / "small").mkdir()
        sys.exit(small_disk(pathlib.Path(sys.argv[2])))
    unittest.main()
