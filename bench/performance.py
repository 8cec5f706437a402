#!/usr/bin/env python3
"""Writes the tables of docs/performance.md and README.md from what `pixmill bench --peers --json` found.

    performance.py [--root DIR] REPORT.json...      README.md gets the first of them

They go between the lines `<!-- scripts/performance: NAME -->` and `<!-- scripts/performance: end -->`; all else stays.
Refused is a report of runs that are not equal, and with --quiet one of a machine that was not quiet. Standard library only.
"""
import argparse
import json
import pathlib
import re
import sys

MOST_NOISE = 0.1


def duration(seconds):
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"


def ratio(over):
    return f"{over['ratio']:.2f} [{over['ci95'][0]:.2f}, {over['ci95'][1]:.2f}]"


def cell(text):
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def workload(report):
    work = next(work for work in report["workloads"] if work["mode"] == "files")
    return f"{work['images']} images of {work['pixels'] / work['images'] / 1e6:.1f} megapixels"


def widest(report):
    """The runs from files with the most workers that find a CPU each."""
    runs = [run for run in report["runs"] if run["mode"] == "files" and not run["oversubscribed"]]
    jobs = max(run["jobs"] for run in runs)
    return [run for run in runs if run["jobs"] == jobs]


def backends(report):
    runs = widest(report)
    jobs = runs[0]["jobs"]
    beside = {(b["backend"], b["jobs"]): b for b in report["beside"] if b["mode"] == "files"}
    rows = []
    for run in runs:
        over = beside.get((run["backend"], jobs))
        rows.append([f"pixmill `{run['backend']}`", duration(run["median"]), ratio(over) if over else "1"])
    for floor in report["floors"]:
        if floor["mode"] == "files" and floor["base_over"]:
            rows.append([f"{floor['name']}; `{floor['base']}` over it: {ratio(floor['base_over'])}", duration(floor["median"]), ""])
    base = next((b["over"] for b in report["beside"] if b["mode"] == "files"), "processes")
    return table([f"{workload(report)}, {jobs} workers", "median", f"over `{base}`"], rows)


def peers(report):
    rows = []
    for peer in report["peers"]:
        name = cell(peer["name"]) + (f" ({cell(peer['note'])})" if peer["note"] else "")
        time = duration(peer["median"]) if peer["seconds"] else cell(peer["why_not"])
        outputs = f"{peer['outputs']} of {peer['inputs']}" if peer["inputs"] else ""
        rows.append([name, cell(peer["version"]), time, ratio(peer["over"]) if peer["over"] else "", outputs])
    return table(["whole programs, with their start", "version", "median", "times pixmill's", "outputs"], rows)


def whole(reports):
    machine = reports[0]["machine"]
    parts = [f"From files to files, `{reports[0]['chain']}`, on {machine['cpu']}, {machine['cpus']} CPUs, {machine['system']}; "
             f"medians of {reports[0]['repeats']} interleaved rounds and 95 % intervals of the ratio within a round "
             f"(`scripts/performance FOLDER...`); the same arithmetic varied by "
             f"{max(report['machine']['noise']['probe_spread'] for report in reports):.0%} meanwhile:"]
    for report in reports:
        parts += [backends(report), peers(report)] if report.get("peers") else [backends(report)]
    return "\n\n".join(parts)


def beside(reports):
    rows = []
    for peer in reports[0].get("peers", []):
        if not peer["seconds"]:
            continue
        name = cell(peer["name"]) + (f" ({cell(peer['note'])})" if peer["note"] else "")
        times = f"{peer['over']['ratio']:.1f} ×" if peer["over"] else ""
        rows.append([name if peer["over"] else f"**{name}**", duration(peer["median"]), times])
    return table([f"{workload(reports[0])}, {reports[0]['peers'][0]['jobs']} workers each", "time", ""], rows)


def replace(path, name, text):
    begin, end = f"<!-- scripts/performance: {name} -->", "<!-- scripts/performance: end -->"
    old = path.read_text(encoding="utf-8")
    new, count = re.subn(re.escape(begin) + ".*?" + re.escape(end), lambda _: f"{begin}\n\n{text}\n\n{end}", old, flags=re.DOTALL)
    if count != 1:
        sys.exit(f"{path}: {count} places for '{name}', not one")
    path.write_text(new, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--quiet", action="store_true", help="refuse a report of a machine that was not quiet")
    parser.add_argument("reports", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in arguments.reports]
    for path, report in zip(arguments.reports, reports):
        if report["unequal"]:
            sys.exit(f"{path}: {report['unequal'][0]}")
        noise = max(report["machine"]["noise"].values())
        if arguments.quiet and noise > MOST_NOISE:
            sys.exit(f"{path}: the machine was not quiet ({noise:.0%}); its figures say little")
    replace(arguments.root / "docs/performance.md", "whole", whole(reports))
    if reports[0].get("peers"):
        replace(arguments.root / "README.md", "beside", beside(reports))


if __name__ == "__main__":
    main()
