"""The shell completes commands and their options, and every command can answer in JSON."""

import os
import subprocess

import pytest

from tests.programs import PROGRAM
from tests.unit.test_names import GROUP


@pytest.mark.parametrize(
    ("typed", "proposed"),
    [("ecommerce ar", {"archive"}), ("ecommerce archive --older", {"--older-than-days"}), ("ecommerce xyz", set())],
)
def test_the_shell_completes_what_was_typed(typed: str, proposed: set[str]) -> None:
    asked = {"_ECOMMERCE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    done = subprocess.run([PROGRAM], env={**os.environ, **asked}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, set(done.stdout.split()), done.stderr) == (0, proposed, "")


@pytest.mark.parametrize("command", GROUP.commands)
def test_every_command_answers_in_json(command: str) -> None:
    options = {flag for one in GROUP.commands[command].params for flag in one.opts}
    assert "--json" in options, "tests/services/test_json_output.py looks at what each prints"
