"""`pixmill bench` as a user runs it."""
import html.parser
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

from processes_test import processes
from program import ProgramTest, slow_chain

BACKENDS = os.environ["BACKENDS"]
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


class PageCheck(html.parser.HTMLParser):
    """Finds tags that are not closed, and whatever would be fetched or run."""

    VOID = {"meta", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.problems, self.figures, self.tables = [], [], 0, 0

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "link", "iframe", "img", "object", "embed"):
            self.problems.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "srcset") or name.startswith("on") or "nan" in (value or ""):
                self.problems.append((tag, name, value))
        self.figures += tag == "figure"
        self.tables += tag == "table"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append("/" + tag)


class BenchTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.make_images(3)
        self.scratch = self.folder / "tmp"
        self.scratch.mkdir()
        self.environment = {**os.environ, "TMPDIR": str(self.scratch)}

    def bench(self, *arguments):
        return self.run_program("bench", self.inputs, *arguments, env=self.environment)

    def check_clean(self):
        self.assertEqual(list(self.scratch.iterdir()), [])

    def test_a_table_and_json(self):
        report = self.folder / "report.json"
        done = self.bench("--backends", BACKENDS, "--jobs", "1,2", "--repeats", "1", "--seed", "7", "--json", report, "--advice")
        self.assertEqual(done.returncode, 0, done.stderr)
        for backend in BACKENDS.split(","):
            self.assertIn(backend, done.stdout)
        self.assertIn("--seed 7", done.stdout)
        self.assertIn("Use --backend", done.stdout)
        data = json.loads(report.read_text())
        self.assertEqual({run["mode"] for run in data["runs"]}, {"files", "memory"})
        for mode in ("files", "memory"):
            self.assertEqual(len({run["output_hash"] for run in data["runs"] if run["mode"] == mode}), 1)
        for run in data["runs"]:
            self.assertEqual(len(run["seconds"]), 1)
            self.assertGreater(run["peak_rss_kb"] + run["minor_faults"], 0)
        self.assertEqual(data["unequal"], [])
        self.assertFalse((self.inputs / "pixmill.jsonl").exists())
        self.check_clean()

    def test_compare_says_what_is_slower_by_its_exit_code(self):
        report = self.folder / "report.json"
        which = ("--backends", "serial", "--mode", "files", "--repeats", "6")
        self.assertEqual(self.bench(*which, "--json", report).returncode, 0)
        data = json.loads(report.read_text())
        data["machine"]["noise"]["probe_spread"] = 0
        for factor, code in ((1000, 0), (0.001, 1)):
            old = json.loads(json.dumps(data))
            for run in old["runs"]:
                run["seconds"] = [second * factor for second in run["seconds"]]
            path = self.folder / "old.json"
            path.write_text(json.dumps(old))
            # However noisy the machine is, it is not by a factor of a thousand.
            done = self.bench(*which, "--compare", path)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            self.assertIn("since the old report", done.stdout)
        self.check_clean()

    def test_the_page_needs_nothing_else(self):
        page = self.folder / "report.html"
        done = self.bench("--backends", BACKENDS, "--jobs", "1,2", "--repeats", "2", "--report", page, "--ops", "gray")
        self.assertEqual(done.returncode, 0, done.stderr)
        text = page.read_text()
        check = PageCheck()
        check.feed(text)
        check.close()
        self.assertEqual(check.open, [])
        self.assertEqual(check.problems, [])
        self.assertEqual(check.figures, 12 if "," in BACKENDS else 10)  # six a mode; there may be nothing to set it beside
        self.assertGreaterEqual(check.tables, 4)
        self.assertNotIn("url(", text)
        self.assertNotIn("@import", text)
        self.check_clean()

    def test_processes_give_the_same_as_threads(self):
        report = self.folder / "report.json"
        done = self.bench("--backends", "processes,threads", "--jobs", "2", "--repeats", "1", "--json", report)
        self.assertEqual(done.returncode, 0, done.stderr)
        runs = json.loads(report.read_text())["runs"]
        for mode in ("files", "memory"):
            self.assertEqual(len({run["output_hash"] for run in runs if run["mode"] == mode}), 1)
        processes = next(run for run in runs if (run["mode"], run["backend"]) == ("files", "processes"))
        rows = [row["name"] for row in processes["breakdown"]["rows"]]
        # Which reader was quicker is chance; a worker that came too late for an image is there as well.
        self.assertEqual({row.split()[0] for row in rows}, {"worker", "reader", "writer"})
        self.assertTrue({"worker 1", "worker 2"} <= set(rows), rows)
        self.check_clean()

    def test_faults_need_no_input(self):
        done = self.run_program("bench", "--faults", "--backends", "processes", "--advice", "--json", self.folder / "report.json",
                                env=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("\n\n\n", done.stdout)
        self.assertFalse(done.stdout.endswith("\n\n"), done.stdout)
        faults = json.loads((self.folder / "report.json").read_text())["faults"]
        self.assertEqual({fault["fault"]: fault["verdict"] for fault in faults},
                         {"crash": "crashed", "hang": "timeout", "bomb": "too-large"})
        for fault in faults:
            self.assertTrue(fault["ended"], fault)
            self.assertEqual(fault["came_through"], fault["good"], fault)
        self.check_clean()

    def test_cold_files_are_told_apart_or_it_says_why_not(self):
        for image in self.inputs.iterdir():
            with image.open("rb") as file:
                os.fsync(file.fileno())
        done = self.bench("--cold", "--backends", "serial", "--mode", "files", "--repeats", "2", "--json", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        data = json.loads(done.stdout)
        cold = data["cold"]
        self.assertEqual((cold["backend"], cold["jobs"]), ("serial", 1))
        if cold["why_not"]:
            self.assertEqual(cold["seconds"], [])
        else:
            self.assertEqual(len(cold["seconds"]), 2)
            self.assertLessEqual(cold["left_share"], 0.05)
        self.assertIn("cached_share", data["workloads"][0])
        self.assertEqual(self.bench("--cold", "--mode", "memory").returncode, 2)
        self.check_clean()

    def test_ctrl_z_stops_the_workers_of_a_run(self):
        self.make_images(60)
        # A group of its own, as a shell makes it, with somebody outside it who waits: else the kernel stops nobody.
        process = self.start("bench", self.inputs, "--backends", "processes", "--mode", "files", "--jobs", "2", "--ops",
                             slow_chain(3000), "--repeats", "1",
                             env=self.environment, preexec_fn=os.setpgrp)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def descendants():
            known = {process.pid}
            everybody = list(processes())
            for _ in range(4):
                known |= {pid for pid, parent, _, _ in everybody if parent in known}
            return [(comm, state) for pid, _, comm, state in everybody if pid in known and state != "Z"]

        self.wait_until(lambda: sum(comm == "pixmill-work" for comm, _ in descendants()) == 2)
        os.killpg(process.pid, signal.SIGTSTP)
        self.wait_until(lambda: {state for _, state in descendants()} == {"T"})
        os.killpg(process.pid, signal.SIGCONT)
        self.wait_until(lambda: "T" not in {state for _, state in descendants()})
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=120), 130)
        self.check_clean()

    def wait_until(self, what):
        deadline = time.monotonic() + 120
        while not what():
            self.assertLess(time.monotonic(), deadline, "it never came so far")
            time.sleep(0.01)

    def test_markdown(self):
        report = self.folder / "report.md"
        done = self.bench("--backends", "serial", "--mode", "files", "--repeats", "1", "--report", report)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = report.read_text()
        self.assertTrue(text.startswith("# The backends of pixmill"), text)
        self.assertIn("| serial -j 1 |", text)
        self.check_clean()

    def test_no_report_replaces_an_input_or_another_report(self):
        image = next(self.inputs.iterdir())
        link = self.folder / "link.md"
        link.symlink_to(image)
        listed = self.folder / "list"
        listed.write_text(f"{image}\n")
        before = image.read_bytes()
        same = self.folder / "same.md"
        for arguments in (("--json", image), ("--report", link), ("--json", listed, "--files-from", listed),
                          ("--json", same, "--report", same), ("--report", self.folder / "report.pdf")):
            done = self.bench("--backends", "serial", "--repeats", "1", *arguments)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual(image.read_bytes(), before)
        self.assertEqual(listed.read_text(), f"{image}\n")
        self.assertFalse(same.exists())

    def test_a_report_that_cannot_be_written_is_refused_before_work(self):
        for option in ("--json", "--report"):
            for path in (self.folder / "no" / "report", self.folder):
                done = self.bench(option, path)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stdout, "")

    def test_json_may_be_standard_output(self):
        done = self.bench("--backends", "serial", "--mode", "files", "--repeats", "1", "--json", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("runs", json.loads(done.stdout))

    def take_the_place_of(self, program, script):
        """Of one of the other programs, so that it is known what it does."""
        fake = self.folder / "fake"
        fake.mkdir(exist_ok=True)
        (fake / program).write_text("#!/bin/sh\n" + script)
        (fake / program).chmod(0o755)
        self.environment["PATH"] = f"{fake}:{os.environ['PATH']}"

    def test_peers_whose_outputs_are_not_there_have_no_time(self):
        self.take_the_place_of("gm", "echo 'GraphicsMagick that does nothing http://'\n")
        report, page = self.folder / "report.json", self.folder / "report.html"
        done = self.bench("--peers", "--backends", "serial", "--mode", "files", "--repeats", "1", "--json", report, "--report", page)
        self.assertEqual(done.returncode, 0, done.stderr)
        peers = {peer["name"].split(",")[0]: peer for peer in json.loads(report.read_text())["peers"]}
        self.assertEqual(set(peers), {"pixmill run", "Python", "OpenCV", "libvips", "GraphicsMagick", "ImageMagick"})
        for peer in peers.values():
            self.assertEqual(len(peer["seconds"]), 0 if peer["why_not"] else 1, peer)
            if peer["seconds"]:
                self.assertEqual(peer["outputs"], 3, peer)
        self.assertEqual(len(peers["pixmill run"]["seconds"]), 1)
        self.assertIn("0 of 3 outputs", peers["GraphicsMagick"]["why_not"])
        self.assertIn("0 of 3 outputs", done.stdout)
        self.assertIn("Beside other programs", page.read_text())
        self.check_performance_page(report)
        self.check_clean()

    def test_an_image_that_fails_costs_no_peer_its_time(self):
        bad = self.inputs / "bad.png"
        bad.write_bytes((self.inputs / "0.png").read_bytes()[:40])
        # One that makes something of every file, and one that does not go on after the first.
        self.environment["MAGICK_THREAD_LIMIT"] = "8"
        self.take_the_place_of("gm", """case $1 in version) echo Gm; exit;; esac
[ "$MAGICK_THREAD_LIMIT$OMP_NUM_THREADS" = 11 ] || exit 9
for file; do case $file in 0*) echo > "$3/${file%.*}.png";; esac; done
""")
        self.take_the_place_of("python3", """case $3 in --version) echo Py; exit;; esac
first=$(head -n 1 "$3"); echo > "$4/${first##*/}.png"; exit 1
""")
        report, page = self.folder / "report.json", self.folder / "report.html"
        done = self.bench("--peers", "--backends", "serial", "--mode", "files", "--repeats", "1", "--json", report, "--report", page)
        self.assertEqual(done.returncode, 1, done.stderr)
        peers = {peer["name"].split(",")[0]: peer for peer in json.loads(report.read_text())["peers"]}
        for name in ("pixmill run", "GraphicsMagick"):
            self.assertEqual((peers[name]["why_not"], len(peers[name]["seconds"])), ("", 1), name)
        own, gm, python = peers["pixmill run"], peers["GraphicsMagick"], peers["Python"]
        self.assertEqual([own[key] for key in ("inputs", "outputs", "expected", "lacking", "beyond")], [4, 3, 3, 0, 0])
        self.assertEqual([gm[key] for key in ("inputs", "outputs", "expected", "lacking", "beyond")], [4, 4, 3, 0, 1])
        self.assertIn("bad.png", gm["differs"])
        self.assertEqual((python["seconds"], python["lacking"]), ([], 2))
        self.assertIn("stopped after 1 of 3 outputs", python["why_not"])
        # Those that are as we wrote them go on, whatever they make of the bad one.
        for name in ("OpenCV", "libvips"):
            if peers[name]["version"]:
                self.assertEqual((peers[name]["why_not"], peers[name]["lacking"]), ("", 0), peers[name])
        for text in (done.stdout, page.read_text()):
            self.assertIn("stopped after 1 of 3 outputs", text)
            self.assertIn("also made one of bad.png", text)
        self.check_clean()

    def test_our_own_programs_go_on_after_a_bad_file(self):
        (self.inputs / "0.bad.png").write_bytes((self.inputs / "0.png").read_bytes()[:40])
        report = self.folder / "report.json"
        done = self.bench("--peers", "--backends", "serial", "--mode", "files", "--repeats", "1", "--json", report)
        self.assertEqual(done.returncode, 1, done.stderr)
        peers = {peer["name"].split(",")[0]: peer for peer in json.loads(report.read_text())["peers"]}
        for name in ("Python", "OpenCV", "libvips"):
            if peers[name]["version"]:
                self.assertEqual((peers[name]["why_not"], peers[name]["outputs"]), ("", 3), peers[name])

    def check_performance_page(self, report):
        root = self.folder / "repository"
        (root / "docs").mkdir(parents=True)
        for name in ("README.md", "docs/performance.md"):
            shutil.copy(REPOSITORY / name, root / name)
        before = (root / "README.md").read_text().split("<!-- scripts/performance")
        subprocess.run([sys.executable, REPOSITORY / "bench/performance.py", "--root", root, report], check=True)
        after = (root / "README.md").read_text().split("<!-- scripts/performance")
        self.assertEqual((before[0], before[2]), (after[0], after[2]))
        self.assertIn("| **pixmill run** |", after[1])
        self.assertIn("0 of 3 outputs", (root / "docs/performance.md").read_text())

    def test_peers_know_one_job(self):
        for arguments in (("--ops", "blur=1"), ("--mode", "memory"), ("--format", "jpg"), ("--compression", "9"),
                          ("--keep-metadata",)):
            done = self.bench("--peers", *arguments)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--peers", done.stderr)
        self.assertEqual(self.run_program("bench", "--peers", "--ipc").returncode, 2)
        self.check_clean()

    def test_an_image_that_fails_is_said(self):
        (self.inputs / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        done = self.bench("--backends", "serial", "--repeats", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 image failed", done.stderr)

    def test_wrong_use(self):
        old = self.folder / "old.json"
        old.write_text("{}")
        for arguments in (("--backends", "thread"), ("--jobs", "0"), ("--jobs", ""), ("--repeats", "0"), ("--mode", "disk"),
                          ("--compare", str(old)), ("--compare", "/no/such/file"), ("--ops", "nonsense")):
            done = self.bench(*arguments)
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertEqual(done.stdout, "")
        self.assertEqual(self.run_program("bench").returncode, 2)
        self.assertEqual(self.run_program("bench", "/no/such/file").returncode, 2)
        self.check_clean()

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "two CPUs are needed")
    def test_queues_need_no_input(self):
        done = self.run_program("bench", "--ipc", "--repeats", "1", "--json", "-", env=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        data = json.loads(done.stdout)
        self.assertEqual(data["runs"], [])
        names = {queue["name"] for queue in data["ipc"]}
        self.assertTrue({"ring, spinning", "pipe", "boost message_queue", "boost spsc_queue", "Unix socket, stream"} <= names)
        self.check_clean()

    def test_an_interrupt_leaves_nothing(self):
        # So many rounds that it does not end by itself.
        process = self.start("bench", str(self.inputs), "--backends", BACKENDS, "--repeats", "100000", env=self.environment)
        self.addCleanup(process.kill)
        while not list(self.scratch.glob("pixmill-bench-*/*")):
            self.assertIsNone(process.poll(), "it ended by itself")
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), 130)
        self.check_clean()
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.assertNotIn(str(self.inputs).encode(), entry.read_bytes())
            except (FileNotFoundError, ProcessLookupError):
                pass


if __name__ == "__main__":
    unittest.main()
