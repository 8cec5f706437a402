#!/usr/bin/env python3
"""Fails when a file includes what its folder may not know, or a CMakeLists.txt links it.

    check_includes.py [ROOT]       checks the tree (default: the one that this file stands in)
    check_includes.py --self-test  checks the checker, on small trees that it makes

Prints one line a finding, FILE:LINE: what is wrong; exit 1 if there is any. Standard library only.
"""

import re
import sys
import tempfile
import unittest
from pathlib import Path

PUBLIC = "include/pixmill"


class Folder:
    """What the files of one folder may include and link."""

    def __init__(self, private=(), public=(), links=(), never=None):
        self.private = tuple(private)  # Beginnings of "…" includes, from the root.
        self.public = public  # Names of <pixmill/…> headers, or None: all.
        self.links = frozenset(links)  # Libraries of ours in target_link_libraries.
        self.never = re.compile(never) if never else None  # <…> headers that do not belong here.


FIRST_PRINCIPLES = ("error.hpp", "descriptor.hpp")
# What would make pixel functions depend on where they run.
FILES_AND_THREADS = r"(thread|jthread|fstream|filesystem|unistd\.h|fcntl\.h|sys/.*|tbb/.*|oneapi/.*|boost/.*)$"

# pixmill::pixmill is the public library, pixmill_pipeline the target behind it.
PIPELINE = ("ipc", "kernels", "codecs", "inputs", "pipeline", "pixmill")

FOLDERS = {
    PUBLIC: Folder(public=None),
    "ipc": Folder(["ipc/"], FIRST_PRINCIPLES, ["ipc"], never=r"opencv2/"),
    "kernels": Folder(["kernels/"], FIRST_PRINCIPLES, ["kernels"], never=FILES_AND_THREADS),
    "pipeline": Folder(["ipc/", "kernels/", "pipeline/"], None, PIPELINE),
    "cli": Folder(["cli/", "bench/"], None, ["cli", "bench", "pixmill"]),
    "bench": Folder(["bench/", "ipc/", "kernels/", "pipeline/"], None, ["bench", "ipc", "kernels", "codecs", "inputs", "pixmill"]),
    "sample_images": Folder(["sample_images/"]),
    "docs": Folder(["cli/", "kernels/", "pipeline/"], None, ["cli", "codecs", "kernels", "pixmill"]),
    "examples": Folder(public=None),
    "tests": Folder(["tests/", "ipc/", "kernels/", "pipeline/", "cli/", "bench/"], None,
                    [*PIPELINE, "cli", "bench"]),
}
LIBRARIES = {*PIPELINE, "cli", "bench"}

# A public header may name the standard library (no slash, no dot) and OpenCV's core.
PUBLIC_SYSTEM_HEADER = re.compile(r"[a-z_]+$|opencv2/core(\.hpp|/.*)$")

INCLUDE = re.compile(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
LINKS = re.compile(r"target_link_libraries\s*\(([^)]*)\)")
HIGHWAY_GUARD = re.compile(r"\s*#\s*if.*\bHWY_TARGET_TOGGLE\b")
OWN_TARGET = re.compile(r"\bpixmill(?:::|_)([a-z_]+)\b")


def quoted_problem(root, folder, name):
    if name.startswith("pixmill/"):
        return f'"{name}" is public: write <{name}>'
    if name.startswith("include/"):
        return f'"{name}" is public: write <{name[len("include/"):]}>'
    if not (root / name).is_file():
        return f'"{name}" does not exist: private headers are named from the root'
    if not name.startswith(FOLDERS[folder].private):
        return f'{folder} may not include "{name}"'
    return None


def angled_problem(root, folder, name):
    rules = FOLDERS[folder]
    if name.startswith("pixmill/"):
        header = name[len("pixmill/"):]
        if not (root / PUBLIC / header).is_file():
            return f"<{name}> does not exist"
        if rules.public is not None and header not in rules.public:
            return f"{folder} may not include <{name}>"
    elif folder == PUBLIC and not PUBLIC_SYSTEM_HEADER.match(name):
        return f"<{name}> may not stand in a public header"
    elif rules.never and rules.never.match(name):
        return f"<{name}> does not belong in {folder}"
    elif (root / name).is_file():
        return f'<{name}> is private: write "{name}"'
    return None


def check_source(root, folder, path):
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if match:
            quoted, angled = match.groups()
            problem = quoted_problem(root, folder, quoted) if quoted else angled_problem(root, folder, angled)
            if problem:
                yield path, number, problem
    # Highway compiles a …-inl.hpp once for each instruction set: its guard opens again every time.
    once = any(line.strip() == "#pragma once" for line in lines)
    toggled = path.name.endswith("-inl.hpp") and any(HIGHWAY_GUARD.match(line) for line in lines)
    if path.suffix == ".hpp" and not once and not toggled:
        yield path, 1, "a header without #pragma once"


def check_links(folder, path):
    text = re.sub(r"#[^\n]*", "", path.read_text(encoding="utf-8"))
    for call in LINKS.finditer(text):
        for name in OWN_TARGET.findall(call.group(1)):
            if name in LIBRARIES and name not in FOLDERS[folder].links:
                yield path, text.count("\n", 0, call.start()) + 1, f"{folder} may not link pixmill::{name}"


def check_tree(root):
    findings = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".hpp", ".cpp"):
                findings += check_source(root, folder, path)
            elif path.suffix in (".h", ".cc", ".cxx", ".hxx"):
                findings.append((path, 1, "sources end in .cpp, headers in .hpp"))
            elif path.name == "CMakeLists.txt":
                findings += check_links(folder, path)
    return findings


class CheckerTest(unittest.TestCase):
    """Each test plants one file in a sound tree."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.plant("include/pixmill/error.hpp", "#pragma once\n#include <string>\n")
        self.plant("include/pixmill/batch.hpp", "#pragma once\n#include <pixmill/error.hpp>\n#include <opencv2/core.hpp>\n")
        self.plant("ipc/ring.hpp", "#pragma once\n#include <pixmill/error.hpp>\n#include <sys/mman.h>\n")
        self.plant("kernels/frame.hpp", "#pragma once\n#include <opencv2/core/mat.hpp>\n")
        self.plant("pipeline/codecs/codec.hpp", '#pragma once\n#include "kernels/frame.hpp"\n#include <pixmill/batch.hpp>\n')
        self.plant("pipeline/program.hpp", '#pragma once\n#include "ipc/ring.hpp"\n')
        self.plant("cli/run.cpp", "#include <pixmill/batch.hpp>\n#include <CLI/CLI.hpp>\n")
        self.plant("bench/ring.cpp", '#include "ipc/ring.hpp"\n#include "pipeline/codecs/codec.hpp"\n')
        self.plant("tests/kernels/frame_test.cpp", '#include "kernels/frame.hpp"\n')
        self.plant("pipeline/CMakeLists.txt", "target_link_libraries(pixmill_pipeline PRIVATE pixmill::kernels pixmill::options)\n")

    def plant(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def expect(self, *fragments):
        problems = [problem for _, _, problem in check_tree(self.root)]
        self.assertEqual(len(fragments), len(problems), problems)
        for fragment, problem in zip(fragments, problems):
            self.assertIn(fragment, problem)

    def test_sound_tree_passes(self):
        self.expect()

    def test_lower_folders_know_no_other(self):
        self.plant("kernels/wrong.cpp", '#include "ipc/ring.hpp"\n')
        self.plant("ipc/wrong.cpp", '#include "kernels/frame.hpp"\n')
        self.expect('ipc may not include "kernels/frame.hpp"', 'kernels may not include "ipc/ring.hpp"')

    def test_lower_folders_know_first_principles_only(self):
        self.plant("ipc/wrong.cpp", "#include <pixmill/batch.hpp>\n")
        self.expect("ipc may not include <pixmill/batch.hpp>")

    def test_ipc_knows_no_image(self):
        self.plant("ipc/wrong.cpp", "#include <opencv2/core.hpp>\n")
        self.expect("does not belong in ipc")

    def test_kernels_know_no_thread_or_file(self):
        self.plant("kernels/wrong.cpp", "#include <thread>\n  #  include <fstream>\n")
        self.expect("<thread> does not belong", "<fstream> does not belong")

    def test_program_knows_the_public_headers_only(self):
        self.plant("cli/wrong.cpp", '#include "pipeline/program.hpp"\n')
        self.expect('cli may not include "pipeline/program.hpp"')

    def test_benchmarks_reach_what_they_measure_but_not_the_command_line(self):
        self.plant("cli/log.hpp", "#pragma once\n")
        self.plant("bench/wrong.cpp", '#include "cli/log.hpp"\n')
        self.expect('bench may not include "cli/log.hpp"')

    def test_public_headers_name_no_third_party_and_nothing_private(self):
        self.plant("include/pixmill/wrong.hpp", '#pragma once\n#include <fmt/format.h>\n#include <opencv2/imgproc.hpp>\n'
                   '#include <jpeglib.h>\n#include "kernels/frame.hpp"\n')
        self.expect("fmt/format.h", "imgproc", "jpeglib.h", "include/pixmill may not include")

    def test_quotes_and_brackets(self):
        self.plant("cli/wrong.cpp", '#include "pixmill/error.hpp"\n')
        self.plant("pipeline/wrong.cpp", '#include <ipc/ring.hpp>\n#include "program.hpp"\n#include <pixmill/none.hpp>\n')
        self.expect("write \"ipc/ring.hpp\"", "named from the root", "does not exist", "write <pixmill/error.hpp>")

    def test_headers_need_a_guard(self):
        self.plant("cli/wrong.hpp", "// #pragma once\n")
        self.plant("kernels/right-inl.hpp", "#ifdef HWY_TARGET_TOGGLE\n#endif\n")
        self.plant("kernels/wrong.hpp", "#ifdef HWY_TARGET_TOGGLE\n#endif\n")
        self.expect("without #pragma once", "without #pragma once")

    def test_links_agree(self):
        self.plant("kernels/CMakeLists.txt", "# pixmill::cli\n\ntarget_link_libraries(pixmill_kernels\n  PRIVATE pixmill::pipeline)\n")
        self.plant("cli/CMakeLists.txt", "target_link_libraries(pixmill_cli PRIVATE pixmill::pixmill pixmill::codecs)\n")
        self.expect("kernels may not link pixmill::pipeline", "cli may not link pixmill::codecs")

    def test_other_endings_are_not_passed_over(self):
        self.plant("cli/wrong.h", '#include "pipeline/program.hpp"\n')
        self.expect("end in .cpp")


def main(arguments):
    if arguments == ["--self-test"]:
        return 0 if unittest.main(argv=["check_includes"], exit=False).result.wasSuccessful() else 1
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        print("usage: check_includes.py [ROOT | --self-test]", file=sys.stderr)
        return 2
    root = Path(arguments[0] if arguments else Path(__file__).parent.parent).resolve()
    if not (root / PUBLIC).is_dir():
        print(f"check_includes.py: {root} has no {PUBLIC}: not pixmill's tree", file=sys.stderr)
        return 2
    findings = check_tree(root)
    for path, line, problem in findings:
        print(f"{path.relative_to(root)}:{line}: {problem}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
