#!/usr/bin/env python3
"""Runs every oracle of this folder, and fails when a kernel or a reduction of the program has none.

    every_oracle.py PIXMILL [IMAGE...]      IMAGE: any that OpenCV reads; default: those of sample_images

An oracle is a script that names what it checks in KERNELS or REDUCTIONS, takes the same arguments, and exits 0 if all
agrees. Needs python3-opencv with its contrib modules, python3-skimage and numpy.
"""
import ast
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent


def named_in(script):
    """What the script says that it checks."""
    names = set()
    for node in ast.parse(script.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("KERNELS", "REDUCTIONS"):
            names |= set(ast.literal_eval(node.value))
    return names


def names_of(program):
    """Every kernel and reduction of the program."""
    listed = subprocess.run([program, "kernels"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^([a-z][a-z0-9-]*)(?:=FILE)?  ", listed, re.MULTILINE))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = str(pathlib.Path(sys.argv[1]).resolve())
    oracles = {script: named for script in sorted(FOLDER.glob("*.py")) if (named := named_in(script))}
    failed = []
    missing = names_of(program) - set().union(*oracles.values())
    if missing or not names_of(program):
        failed.append(f"no oracle for {', '.join(sorted(missing)) or 'anything'}")
    for script in oracles:
        print(f"== {script.name}", flush=True)
        if subprocess.run([sys.executable, script, program, *sys.argv[2:]], check=False).returncode != 0:
            failed.append(script.name)
    print(f"{len(oracles)} oracles, {', '.join(failed) + ' failed' if failed else 'all agree'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
