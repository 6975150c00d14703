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


def stderr_of(run: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        run()
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().err


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Makes `ecommerce` end with an exception."""
    monkeypatch.delenv("ECOMMERCE_DEBUG", raising=False)

    def fail_with(error: Exception) -> None:
        def app(arguments: list[str]) -> None:
            if "--debug" in arguments:
                monkeypatch.setenv("ECOMMERCE_DEBUG", "1")
            raise error

        monkeypatch.setattr(cli_app, "app", app)

    return fail_with


def test_an_unexpected_error_is_one_line(
    failing: Callable[[Exception], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(TypeError("conversion from str\nto Decimal"))
    monkeypatch.setattr(sys, "argv", ["ecommerce", "kpis"])
    code, said = stderr_of(cli_app.main, capsys)
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


def test_an_error_of_mongodb_is_one_line_that_says_what_is_kept_and_what_to_do(
    failing: Callable[[Exception], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(AutoReconnect("127.0.0.1:27117: connection refused, Timeout: 30s, Topology Description: <...>"))
    monkeypatch.setattr(sys, "argv", ["ecommerce", "generate"])
    code, said = stderr_of(cli_app.main, capsys)
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("error: MongoDB: 127.0.0.1:27117: connection refused. What was done is kept")
    assert row_of(said.removeprefix("error: ")) == "MongoDB: …"


@pytest.mark.parametrize("arguments", [["--debug", "kpis"], ["kpis", "--debug"]])
def test_debug_gives_the_traceback_wherever_it_stands(
    failing: Callable[[Exception], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    failing(InputError("--orders -1: not possible"))
    monkeypatch.setattr(sys, "argv", ["ecommerce", *arguments])
    code, said = stderr_of(cli_app.main, capsys)
    assert code == 2
    assert said.startswith("Traceback")
    assert said.splitlines()[-1] == "error: --orders -1: not possible"


def test_an_error_without_a_message_has_its_name(
    failing: Callable[[Exception], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(AssertionError())
    monkeypatch.setattr(sys, "argv", ["ecommerce", "status"])
    assert "AssertionError" in stderr_of(cli_app.main, capsys)[1]


def test_a_package_of_an_extra_that_is_missing_is_said_to_be(
    failing: Callable[[Exception], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(ModuleNotFoundError("No module named 'prefect'", name="prefect"))
    monkeypatch.setattr(sys, "argv", ["ecommerce", "kpis"])
    code, said = stderr_of(cli_app.main, capsys)
    assert code == 1
    assert (
        said
        == "error: prefect is not installed: pip install 'ecommerce-pipeline[all]' has all that the commands need\n"
    )
