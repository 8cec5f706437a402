"""Workers, fork server and coordinator that are killed, stopped and starved: what becomes of the images, and what is left."""
import contextlib
import os
import pathlib
import random
import resource
import shutil
import signal
import struct
import subprocess
import threading
import time
import unittest
import zlib

from program import PIXMILL, SANITIZED, ProgramTest, png, slow_chain

SLOW = slow_chain(1500)
# No run here takes nearly so long, even on a slow and busy machine.
LONG = 240
NOBODY = 65534
# A sanitizer has files and threads of its own, which it does not do without.
PLAIN_ONLY = unittest.skipIf(SANITIZED, "a sanitizer needs files and threads itself")


def constant_png(side):
    """A gray PNG of one level, quick to make however large it is."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(b"\0" + b"\x80" * side) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def processes():
    """Every process of the machine: (pid, parent, comm, state)."""
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            pid, rest = (entry / "stat").read_text().split(" (", 1)
            comm, rest = rest.rsplit(") ", 1)
            yield int(pid), int(rest.split()[1]), comm, rest[0]


def children(parent, comm):
    return [pid for pid, of, name, state in processes() if of == parent and name == comm and state != "Z"]


def send(pid, number):
    """False: the process is gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


class ProcessesTest(ProgramTest):
    def command(self, *options, ops=SLOW, out=None):
        return ("run", self.inputs, "-o", out or self.out, "--ops", ops, "--progress", "none", *options)

    def serial(self, *options, ops=SLOW):
        """The outputs of an undisturbed run."""
        quiet = self.folder / "quiet"
        done = self.run_program(*self.command("--backend", "serial", *options, ops=ops, out=quiet))
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return self.outputs(quiet)

    def ended(self, process):
        """Its exit code, and what it said; fails if it hangs."""
        try:
            _, said = process.communicate(timeout=LONG)
        except subprocess.TimeoutExpired:
            process.kill()
            self.fail("it hangs")
        self.check_nothing_runs()
        return process.returncode, said

    def check_nothing_runs(self):
        """Every process of a run has its folder in its command line."""
        deadline = time.monotonic() + 60
        while left := self.running():
            self.assertLess(time.monotonic(), deadline, f"left running: {left}")
            time.sleep(0.02)
        self.assertEqual([name for name in os.listdir("/dev/shm") if "pixmill" in name], [])

    def running(self):
        mark = os.fsencode(self.folder)
        left = []
        for pid, _, comm, state in processes():
            with contextlib.suppress(OSError):
                if state != "Z" and mark in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    left.append((pid, comm))
        return left

    def until(self, process, what):
        """Waits until what() is true and returns that; nothing once the process has ended."""
        deadline = time.monotonic() + LONG
        while process.poll() is None:
            if found := what():
                return found
            self.assertLess(time.monotonic(), deadline, "it never came so far")
            time.sleep(0.005)
        return None

    def workers(self, process):
        return children(process.pid, "pixmill-work")

    def begun(self, process, rows=1):
        """Waits until some images are done."""
        manifest = self.out / "pixmill.jsonl"
        self.until(process, lambda: manifest.exists() and manifest.read_bytes().count(b"\n") >= rows)

    def stop_a_worker_at_work(self, process):
        """A stopped worker that has a picture in hand: one that had none is given one while it cannot answer."""
        for _ in range(1000):
            worker = (self.until(process, lambda: self.workers(process)) or [None])[0]
            if worker is None or not send(worker, signal.SIGSTOP):
                continue
            time.sleep(1)
            return worker
        self.fail("no worker to stop")

    def kill_at_random(self, process, seed, kinds=("pixmill-work",), numbers=(signal.SIGKILL,)):
        """Kills children, less and less often so that slow machines come to an end; returns how often that met one."""
        choose = random.Random(seed)
        met = 0
        pause = 0.03
        while process.poll() is None and met < 40:
            pause *= 1.05
            victims = [pid for kind in kinds for pid in children(process.pid, kind)]
            if victims:
                met += send(choose.choice(victims), choose.choice(numbers))
            time.sleep(choose.uniform(0, 2 * pause))
        return met

    def check_all_well(self, process, count, want):
        code, said = self.ended(process)
        self.assertEqual(code, 0, said)
        self.check_manifest_is_whole(count)
        self.assertEqual(self.outputs(), want)

    # --- Workers ---

    def test_workers_that_are_killed_cost_no_image(self):
        self.make_images(40)
        want = self.serial()
        process = self.start(*self.command("-j", 2, "--retries", 100000))
        self.begun(process)
        killed = self.kill_at_random(process, 1, numbers=(signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM))
        self.check_all_well(process, 40, want)
        charged = sum(row["attempts"] - 1 for row in self.rows()[0])
        self.assertGreater(killed, 0)
        self.assertLessEqual(charged, killed)

    def test_without_retries_a_death_costs_the_image_in_hand_and_no_other(self):
        self.make_images(30)
        want = self.serial()
        process = self.start(*self.command("-j", 1, "--retries", 0))
        self.begun(process)
        send(self.stop_a_worker_at_work(process), signal.SIGKILL)
        code, said = self.ended(process)
        self.assertEqual(code, 1, said)
        self.check_manifest_is_whole(30)
        rows, summary = self.rows()
        (crashed,) = [row for row in rows if row["verdict"] != "ok"]
        self.assertEqual((crashed["verdict"], crashed["attempts"], crashed["output"]), ("crashed", 1, ""))
        self.assertEqual(crashed["detail"], "its worker was killed by SIGKILL (Killed)")
        self.assertEqual({row["attempts"] for row in rows}, {1})
        self.assertEqual((summary["ok"], summary["crashed"], summary["backend"]), (29, 1, "processes"))
        name = pathlib.Path(crashed["input"]).name
        self.assertEqual(self.outputs(), {n: content for n, content in want.items() if n != name})

    def test_a_death_is_charged_once_and_tried_again(self):
        self.make_images(30)
        want = self.serial()
        process = self.start(*self.command("-j", 2, "--retries", 3))
        self.begun(process)
        send(self.stop_a_worker_at_work(process), signal.SIGABRT)
        for worker in self.workers(process):
            send(worker, signal.SIGCONT)  # a stopped process dies of SIGABRT only when it goes on
        self.check_all_well(process, 30, want)
        self.assertEqual(sorted(row["attempts"] for row in self.rows()[0]), [1] * 29 + [2])

    def test_a_stopped_worker_is_over_its_time(self):
        self.make_images(30)
        want = self.serial()
        process = self.start(*self.command("-j", 2, "--timeout", 4, "--retries", 20))
        self.begun(process)
        self.stop_a_worker_at_work(process)
        self.check_all_well(process, 30, want)
        self.assertGreaterEqual(max(row["attempts"] for row in self.rows()[0]), 2)

    def test_a_picture_that_takes_too_long_is_alone_with_that(self):
        chain = "median=61,median=59,median=57,median=55,median=53,median=51,median=49,median=47,median=45,median=43"
        self.make_images(30, side=8)
        want = self.serial(ops=chain)
        (self.inputs / "huge.png").write_bytes(constant_png(7000))
        process = self.start(*self.command("-j", 2, "--timeout", 3, ops=chain))
        code, said = self.ended(process)
        self.assertEqual(code, 1, said)
        self.check_manifest_is_whole(31)
        rows, _ = self.rows()
        (late,) = [row for row in rows if row["verdict"] != "ok"]
        self.assertEqual((pathlib.Path(late["input"]).name, late["verdict"], late["attempts"]), ("huge.png", "timeout", 2))
        self.assertIn("3 s", late["detail"])
        self.assertEqual(self.outputs(), want)

    # --- The fork server ---

    def test_a_killed_fork_server_is_replaced(self):
        self.make_images(40)
        want = self.serial()
        process = self.start(*self.command("-j", 2, "--retries", 100000))
        self.begun(process)
        killed = self.kill_at_random(process, 2, kinds=("pixmill-work", "pixmill-fork"))
        self.assertGreater(killed, 0)
        self.check_all_well(process, 40, want)

    def test_a_stopped_fork_server_is_replaced(self):
        self.make_images(16)
        want = self.serial()
        process = self.start(*self.command("-j", 2, "--retries", 100000))
        self.begun(process)
        for server in children(process.pid, "pixmill-fork"):
            send(server, signal.SIGSTOP)
        for worker in self.workers(process):
            send(worker, signal.SIGKILL)
        self.check_all_well(process, 16, want)

    # --- The coordinator ---

    def test_nothing_outlives_a_killed_coordinator(self):
        for number in (signal.SIGKILL, signal.SIGALRM):
            for stop in (None, "pixmill-work", "pixmill-fork"):
                with self.subTest(number=number, stop=stop):
                    self.setUp()
                    self.make_images(40)
                    process = self.start(*self.command("-j", 3))
                    self.begun(process)
                    if stop:
                        for pid in children(process.pid, stop):
                            send(pid, signal.SIGSTOP)
                    process.send_signal(number)
                    self.assertEqual(self.ended(process)[0], -number)
                    done = self.run_program(*self.command("--resume"))
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.check_manifest_is_whole(40)

    def test_an_interrupt_ends_it_though_a_worker_is_stopped(self):
        self.make_images(40)
        want = self.serial()
        process = self.start(*self.command("-j", 2))
        self.begun(process)
        self.stop_a_worker_at_work(process)
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        code, said = self.ended(process)
        self.assertEqual(code, 130, said)
        self.assertLess(time.monotonic() - begin, 60)
        self.check_manifest_is_whole(40)
        self.assertIn("cancelled", [row["verdict"] for row in self.rows()[0]])
        done = self.run_program(*self.command("--resume"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.outputs(), want)

    def test_a_second_interrupt_leaves_nothing_running(self):
        self.make_images(40)
        process = self.start(*self.command("-j", 2))
        self.begun(process)
        self.stop_a_worker_at_work(process)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        self.assertEqual(self.ended(process)[0], 130)

    def test_time_in_which_it_was_itself_stopped_is_charged_to_nobody(self):
        self.make_images(12)
        want = self.serial()
        process = self.start(*self.command("-j", 2, "--timeout", 10, "--retries", 0))
        self.begun(process)
        stopped = [process.pid, *self.workers(process), *children(process.pid, "pixmill-fork")]
        for number, pause in ((signal.SIGSTOP, 13), (signal.SIGCONT, 0)):
            for pid in stopped:
                send(pid, number)
            time.sleep(pause)
        self.check_all_well(process, 12, want)
        self.assertEqual({row["attempts"] for row in self.rows()[0]}, {1})

    def test_the_processes_have_their_names(self):
        self.make_images(40)
        process = self.start(*self.command("-j", 3))
        self.begun(process)
        want = ["pixmill-fork", "pixmill-work", "pixmill-work", "pixmill-work"]
        # A worker that was born this moment still has the name of the fork server.
        self.assertTrue(self.until(process, lambda: want == sorted(
            comm for _, parent, comm, _ in processes() if parent == process.pid)))
        self.assertEqual(pathlib.Path(f"/proc/{process.pid}/comm").read_text(), "pixmill\n")
        groups = {os.getpgid(pid) for pid in self.workers(process)}
        self.assertEqual(len(groups), 1)
        self.assertNotIn(os.getpgid(process.pid), groups)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.ended(process)[0], 130)

    # --- Reductions ---

    def reductions(self, name):
        images = {kind: self.folder / f"{name}-{kind}.tiff" for kind in ("mean-image", "min-image", "max-image", "std-image")}
        report = self.folder / f"{name}.json"
        listed = ["count,min,max,sum,mean,std,histogram", *(f"{kind}={path}" for kind, path in images.items())]
        return (["--reduce", ",".join(listed), "--reduce-out", report, "--per-image"],
                lambda: ({kind: path.read_bytes() for kind, path in images.items()},
                         report.read_text().replace(f"{self.folder}/{name}-", "")))

    def check_reductions(self, ops, disturb):
        options, serial_report = self.reductions("serial")
        want = self.serial(*options, ops=ops)
        options, report = self.reductions("processes")
        process = self.start(*self.command("-j", 3, "--retries", 100000, *options, ops=ops))
        killed = self.kill_at_random(process, 3) if disturb else None
        self.check_all_well(process, len(want), want)
        self.assertEqual(report(), serial_report())
        return killed

    def test_reductions_are_those_of_a_serial_run(self):
        self.make_images(30)
        self.check_reductions("blur=1", disturb=False)

    def test_reductions_survive_deaths_to_the_bit(self):
        self.make_images(30)
        self.assertGreater(self.check_reductions(SLOW, disturb=True), 0)

    def test_a_threshold_of_the_batch_survives_deaths(self):
        self.make_images(30)
        chain = slow_chain(1500, then="threshold=otsu:scope=batch")
        self.assertGreater(self.check_reductions(chain, disturb=True), 0)

    # --- Inputs ---

    def test_a_long_list_of_tiny_images(self):
        for i in range(2000):
            (self.inputs / f"{i}.png").write_bytes(png(8, 8, i))
        (self.inputs / "bad.png").write_bytes(png(8, 8, 1)[:60])
        want = self.serial(ops="gray,threshold=otsu")
        for jobs in (1, 2, 7):
            out = self.folder / f"out{jobs}"
            done = self.run_program(*self.command("-j", jobs, ops="gray,threshold=otsu", out=out))
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(self.outputs(out), want)
            rows, summary = self.rows(out)
            self.assertEqual(sorted(row["index"] for row in rows), list(range(2001)))
            self.assertEqual((summary["ok"], summary["truncated"]), (2000, 1))
        self.check_nothing_runs()

    def test_an_image_on_standard_input(self):
        picture = self.folder / "one.png"
        picture.write_bytes(png(64, 64, 1))
        for backend in ("processes", "serial"):
            with picture.open("rb") as stdin:
                done = self.run_program("run", "-", "-o", self.folder / backend, "--backend", backend, "--ops", "invert",
                                        stdin=stdin)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.outputs(self.folder / "processes"), self.outputs(self.folder / "serial"))

    # --- What the machine does not give ---

    @PLAIN_ONLY
    def test_few_open_files_are_enough_or_a_plain_reason(self):
        self.make_images(8)
        want = self.serial(ops="invert")
        codes = set()
        for files in (3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64):
            with self.subTest(files=files):
                out = self.folder / f"out{files}"
                done = self.run_program(*self.command("-j", 4, ops="invert", out=out), preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_NOFILE, (files, files)))
                codes.add(done.returncode)
                if done.returncode == 0:
                    self.assertEqual(self.outputs(out), want)
                elif done.returncode == 3:
                    self.assertIn("open files", done.stderr)
                else:  # the loader itself found no room for a library
                    self.assertEqual(done.returncode, 127, done.stderr)
        self.assertIn(0, codes)
        self.check_nothing_runs()

    @PLAIN_ONLY
    def test_without_processes_there_is_a_plain_reason(self):
        program = self.folder / "pixmill"
        shutil.copy(PIXMILL, program)
        self.make_images(8)
        self.folder.chmod(0o777)

        def poor(limit):
            def limits():
                if os.getuid() == 0:
                    os.setgroups([])
                    os.setgid(NOBODY)
                    os.setuid(NOBODY)
                resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
            return limits

        with contextlib.suppress(OSError, subprocess.SubprocessError):
            if subprocess.run(["/bin/sh", "-c", "/bin/true; /bin/true"], preexec_fn=poor(0), capture_output=True,
                              check=False).returncode == 0:
                self.skipTest("this user's processes cannot be limited")
        refused = False
        for limit in (0, 1, 2, 3, 4, 6, 8):
            with self.subTest(limit=limit):
                out = self.folder / f"out{limit}"
                done = subprocess.run([program, *map(str, self.command("-j", 2, ops="invert", out=out))], timeout=LONG,
                                      capture_output=True, text=True, check=False, preexec_fn=poor(limit),
                                      stdin=subprocess.DEVNULL)
                self.assertIn(done.returncode, (0, 3), done.stderr)
                if done.returncode == 3:
                    refused = True
                    self.assertRegex(done.stderr, "limit of processes|process limit")
        self.assertTrue(refused)
        self.check_nothing_runs()


if __name__ == "__main__":
    unittest.main()
