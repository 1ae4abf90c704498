"""Start-up: how long `levada --help` and `import levada` take, against a bare interpreter of the same sitting."""

import statistics
import subprocess
import sys
import time

RUNS = 10
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import levada": ["-c", "import levada"],
    "levada --help": ["-m", "levada", "--help"],
    "levada version": ["-m", "levada", "version"],
}


def seconds(arguments: list[str]) -> float:
    """Wall seconds of one process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Measure in turn, so that a noisy moment meets all alike; print medians."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(RUNS):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments))
    bare = statistics.median(times["python -c pass"])
    for name, measured in times.items():
        median = statistics.median(measured)
        print(f"{name:16} {median:6.3f} s   {median / bare:4.1f} x bare Python   (median of {RUNS})")


if __name__ == "__main__":
    main()
