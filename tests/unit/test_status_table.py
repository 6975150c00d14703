"""The table of `ecommerce status`: what is wrong with each service, and what is wrong with all of them once."""

from rich.console import Console

from cli.services import _show
from ecommerce.services.health import ServiceState

FAILED = "`ecommerce up` failed: ECOMMERCE_TIMEZONE=Europe/Berlin, but the shop of database 'ecommerce' has UTC [sic]"


def shown(*states: ServiceState) -> str:
    console = Console(width=100, record=True, highlight=False)
    _show(console, [*states])
    return console.export_text()


def test_a_long_reason_of_several_services_is_said_once() -> None:
    names = ("mongod", "namenode", "dashboard")
    text = shown(*(ServiceState(name, "here", "down", FAILED) for name in names))
    assert text.count("ECOMMERCE_TIMEZONE") == 1
    assert f"mongod, namenode, dashboard: {FAILED}\n" in text
    assert [line.split() for line in text.splitlines()[1:4]] == [[name, "here", "down"] for name in names]


def test_a_reason_of_one_service_stands_beside_it() -> None:
    text = shown(ServiceState("mongod", "here", "down", "does not answer"), ServiceState("dashboard", "here", "up"))
    assert [line.rstrip() for line in text.splitlines()[1:]] == [
        "mongod     here     down: does not answer",
        "dashboard  here     up",
    ]
