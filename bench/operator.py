"""What an operator does for a Locust run, by the commands of the program."""

import json
import subprocess
import sys
from typing import Any


class Unusable(Exception):
    """The environment cannot be used. The sentence says why, and repeats no key."""


def run_command(*words: str) -> dict[str, Any]:
    """Run `watchword NOUN VERB ...` on the settings of the environment, and read what it says.

    Raises:
        Unusable: the command said no; its sentence is passed on.
    """
    command = [sys.executable, "-m", "watchword", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sentence = done.stderr.strip().removeprefix("Error: ")
        raise Unusable(f"`watchword {words[0]} {words[1]}`: {sentence}")
    return json.loads(done.stdout)
