"""An error of a command is one line that says what to do; the traceback is for who asks."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pymongo.errors import AutoReconnect

from cli import app as cli_app
from ecommerce.errors import InputError, SettingsError
from ecommerce.settings import load_settings
from tests.runbook import row_of

Ended = Callable[..., tuple[int, str]]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ended:
    """Has an `ecommerce` command end with an exception; its code, and what it says on standard error."""
    monkeypatch.delenv("ECOMMERCE_DEBUG", raising=False)

    def ended(error: Exception, *command: str) -> tuple[int, str]:
        def app(arguments: list[str]) -> None:
            if "--debug" in arguments:
                monkeypatch.setenv("ECOMMERCE_DEBUG", "1")
            raise error

        monkeypatch.setattr(cli_app, "app", app)
        monkeypatch.setattr(sys, "argv", ["ecommerce", *command])
        with pytest.raises(SystemExit) as exited:
            cli_app.main()
        assert isinstance(exited.value.code, int)
        return exited.value.code, capsys.readouterr().err

    return ended


def test_an_unexpected_error_is_one_line(ended: Ended) -> None:
    code, said = ended(TypeError("conversion from str\nto Decimal"), "kpis")
    assert code == 1
    assert said.count("\n") == 1
    assert said.startswith("error: TypeError in tests/unit/test_cli_errors.py, line ")
    assert "conversion from str" in said
    assert "--debug" in said


@pytest.mark.parametrize("below", ["", "below/it"])
def test_a_home_that_is_a_file_is_called_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, below: str) -> None:
    file = tmp_path / "passwd"
    file.touch()
    monkeypatch.setenv("ECOMMERCE_HOME", str(file / below))
    with pytest.raises(SettingsError) as raised:
        load_settings()
    message = str(raised.value)
    assert row_of(message) == "ECOMMERCE_…: …"
    assert f"{file} is a file: name a folder" in message


def test_an_error_of_mongodb_is_one_line_that_says_what_is_kept_and_what_to_do(ended: Ended) -> None:
    refused = AutoReconnect("127.0.0.1:27117: connection refused, Timeout: 30s, Topology Description: <...>")
    code, said = ended(refused, "generate")
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("error: MongoDB: 127.0.0.1:27117: connection refused. What was done is kept")
    assert row_of(said.removeprefix("error: ")) == "MongoDB: …"


@pytest.mark.parametrize("arguments", [["--debug", "kpis"], ["kpis", "--debug"]])
def test_debug_gives_the_traceback_wherever_it_stands(ended: Ended, arguments: list[str]) -> None:
    code, said = ended(InputError("--orders -1: not possible"), *arguments)
    assert code == 2
    assert said.startswith("Traceback")
    assert said.splitlines()[-1] == "error: --orders -1: not possible"


def test_an_error_without_a_message_has_its_name(ended: Ended) -> None:
    assert "AssertionError" in ended(AssertionError(), "status")[1]


def test_a_package_of_an_extra_that_is_missing_is_said_to_be(ended: Ended) -> None:
    code, said = ended(ModuleNotFoundError("No module named 'prefect'", name="prefect"), "kpis")
    assert code == 1
    assert said == (
        "error: prefect is not installed: pip install 'ecommerce-pipeline[all]' has all that the commands need\n"
    )
