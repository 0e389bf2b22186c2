#!/usr/bin/env bash
# trailscan against tools that anyone can install, on the same files: CPU time of the whole process,
# all of its threads, divided by that of `libdeflate-gunzip -c FILES >/dev/null`.
#
#   benches/compare.sh             makes a corpus first: 100,000 events, 900 a file in the mean
#   benches/compare.sh DIR         uses the *.json.gz files below DIR
#
# TRAILSCAN=PATH   the program; else it is built: cargo build --release
# EVENTS=n MEAN=n  the size of the corpus to make, and of its files
# ROUNDS=n         rounds; every program once a round, in turn, and medians of it (5)
# ARGUMENTS="…"    more for `trailscan run`, such as "--rules DIR"
#
# Needs libdeflate-gunzip (Debian: libdeflate-tools), jq and Python 3 with venv; DuckDB comes by pip.
# jq and DuckDB answer one question (who was refused what, how often); trailscan does its whole job.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in libdeflate-gunzip jq python3; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install libdeflate-tools jq python3-venv" >&2; exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

program="${TRAILSCAN:-}"
if [ -z "$program" ]; then
  cargo build --release --locked
  program="${CARGO_TARGET_DIR:-target}/release/trailscan"
fi
files="${1:-}"
if [ -z "$files" ]; then
  files="$work/corpus"
  cargo bench --locked --bench scan -- --write "$files" "${EVENTS:-100000}" "${MEAN:-900}"
fi

venv="${XDG_CACHE_HOME:-$HOME/.cache}/trailscan-compare"
if ! "$venv/bin/python" -c 'import duckdb' 2>/dev/null; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check duckdb
fi

PROGRAM="$program" FILES="$files" WORK="$work" "$venv/bin/python" - <<'PYTHON'
import glob, os, platform, shutil, statistics, subprocess, sys, time

import duckdb

folder, work, rounds = os.environ["FILES"], os.environ["WORK"], int(os.environ.get("ROUNDS", 5))
files = sorted(glob.glob(os.path.join(folder, "**", "*.json.gz"), recursive=True))
if not files:
    sys.exit(f"no *.json.gz below {folder}")
listing = os.path.join(work, "files")
with open(listing, "w") as out:
    out.write("\0".join(files))
gunzip = f"xargs -0 libdeflate-gunzip -c <{listing}"

jq = r'''[.Records[] | select((.errorCode // "") | test("Denied|Unauthorized"))
  | [.userIdentity.arn // .userIdentity.invokedBy, .eventSource, .eventName]] | group_by(.)[] | [length, .[0][]] | @tsv'''
sql = os.path.join(work, "query.py")
with open(sql, "w") as out:
    out.write(f'''
import duckdb
connection = duckdb.connect(config={{"threads": int(__import__("os").environ["JOBS"])}})
connection.sql("""
  SELECT coalesce(r.userIdentity.arn, r.userIdentity.invokedBy), r.eventSource, r.eventName, count(*)
  FROM (SELECT unnest(Records) AS r FROM read_json({[os.path.abspath(f) for f in files]!r},
    maximum_object_size = 268435456, format = 'unstructured', columns = {{
    'Records': 'STRUCT(userIdentity STRUCT(arn VARCHAR, invokedBy VARCHAR), eventSource VARCHAR, eventName VARCHAR, errorCode VARCHAR)[]'}}))
  WHERE regexp_matches(r.errorCode, 'Denied|Unauthorized') GROUP BY ALL""").fetchall()
''')

report = os.path.join(work, "report")
run = [os.environ["PROGRAM"], "run", folder, "--out", report, "--quiet", *os.environ.get("ARGUMENTS", "").split()]
shell = lambda line: ["sh", "-c", line]
python = lambda jobs: (["env", f"JOBS={jobs}", sys.executable, sql])
programs = {
    "libdeflate-gunzip": shell(f"{gunzip} >/dev/null"),
    "trailscan run, 2 threads": [*run, "--jobs", "2"],
    "trailscan run, 1 thread": [*run, "--jobs", "1"],
    "jq, one question": shell(f"{gunzip} | jq -r '{jq}' >/dev/null"),
    "DuckDB, one question, 2 threads": python(2),
}
# what takes long is asked less often
seldom = {"jq, one question": 3, "DuckDB, one question, 2 threads": 3}


def measured(name, command):
    """CPU seconds, wall seconds and peak MiB of the command and of all that it starts."""
    shutil.rmtree(report, ignore_errors=True)
    began = time.monotonic()
    with open(os.path.join(work, "errors"), "w+b") as errors:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        # trailscan answers 1 where it found something, and 3 where a file is damaged
        if child.returncode not in ((0, 1, 3) if "trailscan" in name else (0,)):
            errors.seek(0)
            sys.exit(f"{name}: exit {child.returncode}\n{errors.read().decode()}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss / 1024


took = {name: [] for name in programs}
floors = {name: [] for name in programs}
for turn in range(rounds):
    for name, command in programs.items():
        if turn >= seldom.get(name, rounds):
            continue
        took[name].append(measured(name, command))
        if name == "libdeflate-gunzip":
            floor = took[name][-1][0]
        floors[name].append(floor)

size = sum(map(os.path.getsize, files))
print(f"{len(files):,} files, {size / 1e6:,.1f} MB of gzip; DuckDB {duckdb.__version__}, {os.cpu_count()} cores, {platform.machine()}")
print(f"medians of {rounds} rounds (jq and DuckDB: of {min(3, rounds)})\n")
print("| | CPU s | × libdeflate | wall s | peak MiB |\n|---|--:|--:|--:|--:|")
for name, rows in took.items():
    cpu, wall, peak = (statistics.median(column) for column in zip(*rows))
    ratio = statistics.median(row[0] / floor for row, floor in zip(rows, floors[name]))
    print(f"| {name} | {cpu:.2f} | {ratio:.2f} | {wall:.2f} | {peak:,.0f} |")
two, one = (took[f"trailscan run, {jobs}"] for jobs in ("2 threads", "1 thread"))
print(f"\ntwo threads take {statistics.median(a[1] / b[1] for a, b in zip(two, one)):.2f} × the time of one")
PYTHON
