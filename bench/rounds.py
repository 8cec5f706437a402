"""Commands timed in turns: what befalls the machine meanwhile befalls all of them."""
import random
import statistics
import subprocess
import time


def timed(commands, rounds):
    """The seconds of each round, by name: {name: [s, ...]}.

    `commands` is {name: function of the round that gives the command}. Each round runs all of them, in a new order. A
    first round is not counted: from then on files are in the page cache.
    """
    times = {name: [] for name in commands}
    for round_ in range(rounds + 1):
        for name in random.sample(sorted(commands), len(commands)):
            command = commands[name](round_)
            begin = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if round_ > 0:
                times[name].append(time.perf_counter() - begin)
    return times


def ratio(seconds, base, draws=4000):
    """The median of the ratios to `base` within a round, and its 95 % bootstrap interval: (median, low, high)."""
    ratios = [a / b for a, b in zip(seconds, base)]
    medians = sorted(statistics.median(random.choices(ratios, k=len(ratios))) for _ in range(draws))
    return statistics.median(ratios), medians[draws // 40], medians[-draws // 40]
