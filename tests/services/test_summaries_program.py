"""A random life of the store: after every step every figure is what counting the accepted orders by hand gives.

Orders come, change, are corrected and delivered again, are archived and restored; processes advance at once, rebuild,
compact, and are killed in the middle of it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test
from pyspark.sql import SparkSession

from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.archiving import with_archive
from tests.summaries_program import Program, ProgramWithArchive
from tests.summaries_workers import Workers


@pytest.fixture
def machine(database: MongoDatabase, settings: Settings) -> Iterator[type[Program]]:
    with Workers(settings) as workers:
        yield type("ProgramHere", (Program,), {"services": (database, workers)})


def run(machine: type[Program], programs: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(
            max_examples=programs,
            stateful_step_count=steps,
            deadline=None,
            # Shrinking would replay a program against a server hundreds of times.
            phases=[phase for phase in Phase if phase.name != "shrink"],
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


@pytest.mark.hypothesis
def test_a_random_program_never_makes_a_figure_wrong(machine: type[Program]) -> None:
    run(machine, programs=6, steps=12)


@pytest.mark.drill
@pytest.mark.timeout(900)
def test_many_long_random_programs(machine: type[Program]) -> None:
    run(machine, programs=14, steps=40)


@pytest.mark.drill
@pytest.mark.timeout(900)
def test_random_programs_with_the_real_importer_and_archiver(
    database: MongoDatabase, settings: Settings, tmp_path: Path, spark: SparkSession
) -> None:
    archive = with_archive(settings, tmp_path / "archive")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    with Workers(settings) as workers:
        given = {"services": (database, workers), "settings_of_store": archive, "inbox": inbox}
        run(type("ProgramHere", (ProgramWithArchive,), given), programs=4, steps=12)
