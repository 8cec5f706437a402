"""A small batch of every format with one damaged image, and what must hold after a run of it, whatever went wrong."""
import collections
import json
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))
from program import PIXMILL, png  # noqa: E402

REFUSED = ("in-the-way", "onto-itself")
WELL = ("ok", "repaired", "skipped")
# What is wrong with a file's content: no failing call may make a good image look so.
OF_CONTENT = ("unsupported", "corrupt", "truncated", "kernel-failed")
GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")


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
        self.earlier = None  # the manifest before the run

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
        how = ["--resume"] if scenario.startswith("resume") else ["--overwrite"] if scenario == "overwrite" else []
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
        made = call_program("run", self.inputs, "-o", self.out, "--ops", "invert", "--progress", "none")
        assert made.returncode == 1, made.stderr
        shutil.copytree(self.out, self.other)

    def clear(self):
        shutil.rmtree(self.out, ignore_errors=True)
        self.report.unlink(missing_ok=True)

    def set_up(self, scenario):
        self.clear()
        self.fill(scenario)
        self.earlier = self.manifest()

    def fill(self, scenario):
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
        return [p.name for folder in {self.out, self.report.parent} if folder.exists() for p in folder.iterdir()
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


def check_rows(stage, scenario, code, rows, summary):
    """One verdict an image, the right one, and an exit code that agrees."""
    if nothing_recorded(stage, code):
        return
    indices = [row["index"] for row in rows]
    if not scenario.startswith("resume"):  # until it is whole, a resumed manifest holds the rows of the earlier run too
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


def check_outputs(stage, scenario, code, rows):
    """Whole ones, and just those of which a row tells."""
    there = stage.outputs()
    old = {name: content for name, (content, _) in stage.snapshot(stage.other).items()}
    for name, content in there.items():
        right = content == stage.want.get(name) or (scenario == "overwrite" and content == old.get(name))
        expect(right, f"the output {name} is not what it should be")
    for row in rows if not nothing_recorded(stage, code) else []:
        name = pathlib.Path(row["output"]).name if row["output"] else None
        if scenario != "stats" and row["verdict"] in WELL:
            expect(there.get(name) == stage.want.get(name), f"{row['input']} is {row['verdict']}, but its output is not right")
    if scenario == "run" and code != 3:
        good = {pathlib.Path(row["output"]).name for row in rows if row["verdict"] in WELL}
        expect(set(there) == good, f"outputs {sorted(set(there) ^ good)} and rows disagree")


def check_leftovers(stage, scenario, code):
    left = stage.leftovers()
    if code == 3 or (code == 2 and scenario == "resume-broken"):  # --resume needs it
        left = [name for name in left if not name.endswith(".journal")]
    expect(not left, f"left behind: {left}")


def check_refused(stage, scenario, code):
    """What fails while it looks for files in its way must not make it blind."""
    expect(code in (2, 3), f"exit {code}, where the run must be refused")
    if scenario == "in-the-way":
        there = {p.name: p.read_text() for p in stage.out.glob("*.png")}
        expect(there == dict.fromkeys(stage.want, "not made by pixmill"), "a file that was in the way is gone")
    check_leftovers(stage, scenario, code)


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


def judge(stage, scenario, code, out, said, may_leave=False):
    """Raises Broken if anything is wrong with how a run ended; else says how it did."""
    expect(code >= 0, f"killed by signal {-code}")
    expect(code in (0, 1, 2, 3), f"exit {code}")
    expect("internal error" not in said, "it takes it for a mistake of its own")
    expect(stage.snapshot(stage.inputs) == stage.before, "the inputs were touched")
    if scenario in REFUSED:
        check_refused(stage, scenario, code)
        return f"exit {code}"
    rows, summary = stage.rows()
    check_rows(stage, scenario, code, rows, summary)
    check_outputs(stage, scenario, code, rows)
    if not may_leave:
        check_leftovers(stage, scenario, code)
    if scenario == "stats":
        check_stats(stage, code, out, rows)
    else:
        check_resumes(stage)
    if code != 1:
        return f"exit {code}"
    return "completed" if sum(row["verdict"] in WELL for row in rows) == len(stage.before) - 1 else "some images failed"
