"""Every task of the project, one command each; needs nothing but Python 3.11+ with pip and venv.

python3 tasks.py demo     install into .venv, run `levada demo`
python3 tasks.py test     install, then check and run the whole test suite
python3 tasks.py check    lint, format, strict types
python3 tasks.py bench    the benchmarks: ratios of one sitting
python3 tasks.py docs     write docs/cli.md and the tables of docs/spec.md anew from the code
python3 tasks.py pins     write constraints.txt anew from what is installed

More arguments go on: `python3 tasks.py test -k paging`.
"""

import hashlib
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / "python"
STAMP = VENV / "installed"
#: Scripts of bench/ that compare; the others are what they compare with.
BENCHES = ("channel.py", "contract_avro.py", "jobs.py", "load.py", "pages.py", "staging.py", "startup.py")
#: Holds the emulator of the Lambda runtime, one binary; nothing of what it depends on is needed for that.
EMULATOR = "aws-sam-cli==1.170.0"
#: What an installation depends on; when they change it is made again.
INPUTS = ("pyproject.toml", "constraints.txt", "tasks.py")


def run(*command: str | Path) -> None:
    """Run a command in the project's folder; end with its exit code if it fails."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def install() -> None:
    """Make .venv and put Levada with all extras in it, unless that was done for these very inputs."""
    wanted = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in INPUTS)).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    if not PYTHON.exists():
        print("making .venv", flush=True)
        try:
            venv.create(VENV, with_pip=True)
        except subprocess.CalledProcessError:
            sys.exit("this Python has no working venv module; on Debian or Ubuntu: apt-get install python3-venv")
    print("installing levada[all,dev] into .venv (a minute or so)", flush=True)
    run(PYTHON, "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "-e", ".[all,dev]")
    run(PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", EMULATOR)
    STAMP.write_text(wanted)


def demo(rest: Sequence[str]) -> None:
    """Run the demonstration."""
    run(BIN / "levada", "demo", *rest)


def check(rest: Sequence[str]) -> None:
    """Lint, format and types; what the test command runs first."""
    run(PYTHON, "-m", "ruff", "check", *rest)
    run(PYTHON, "-m", "ruff", "format", "--check")
    run(PYTHON, "-m", "mypy")


def test(rest: Sequence[str]) -> None:
    """Check, then the whole suite (or what the arguments choose), on every core; `-n 0` for one and a debugger."""
    check([])
    # By files: the servers of a file are started once. In order: few long tests must not come last and alone.
    run(PYTHON, "-m", "pytest", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", *rest)


def bench(rest: Sequence[str]) -> None:
    """Run every benchmark."""
    for script in BENCHES:
        print(f"\n== {script}", flush=True)
        run(PYTHON, f"bench/{script}", *rest)


def docs(rest: Sequence[str]) -> None:
    """Write what the docs have from the code: a page, and the tables of another."""
    run(PYTHON, "-m", "levada.cli.reference", "docs/cli.md", *rest)
    run(PYTHON, "-m", "levada.spec.reference", "docs/spec.md", *rest)


def pins(rest: Sequence[str]) -> None:
    """Freeze the installed versions, without addresses."""
    beside = EMULATOR.partition("==")[0]
    command = [str(PYTHON), "-m", "pip", "freeze", "--exclude-editable", "--exclude", beside, *rest]
    frozen = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    head = "# Versions that the tests ran with; written by `python3 tasks.py pins`.\n"
    (ROOT / "constraints.txt").write_text(head + frozen)


TASKS: dict[str, Callable[[Sequence[str]], None]] = {
    task.__name__: task for task in (demo, test, check, bench, docs, pins)
}


def main(arguments: Sequence[str]) -> None:
    """Install, then run the task that the first argument names."""
    if not arguments or arguments[0] not in TASKS:
        sys.exit(__doc__)
    install()
    TASKS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
