"""What is said where something could not be shown: what is wrong, and where to read on."""

import json

import pytest
from bson.errors import InvalidBSON
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from dashboard.orders_cards import failed_cards
from dashboard.reasons import mistake, why
from ecommerce.errors import EcommerceError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("total"), "It failed (KeyError: 'total'): the dashboard's log has its traceback."),
        (OperationFailure("not allowed"), "It failed (OperationFailure: not allowed): `ecommerce check` says more."),
        (OperationFailure("no right", 13), "It failed (OperationFailure: no right): `ecommerce doctor` says more."),
        (InvalidBSON("year 10000"), "It failed (InvalidBSON: year 10000): `ecommerce check` says more."),
        (ServerSelectionTimeoutError("27117: refused"), "MongoDB does not answer."),
        (EcommerceError("there are no figures yet"), "there are no figures yet"),
    ],
)
def test_a_reason_says_where_to_read_on(error: Exception, said: str) -> None:
    assert why(error, "It failed") == said
    assert mistake(error) is (error if isinstance(error, KeyError) else None)


def test_orders_that_cannot_be_read_say_why() -> None:
    """A refused query was called a database that does not answer, and a mistake was the name of a field."""
    said = {
        type(error).__name__: json.loads(failed_cards(error)["list"])["subtitle"]
        for error in (KeyError("total"), OperationFailure("not allowed"), ServerSelectionTimeoutError("27117: refused"))
    }
    assert said == {
        "KeyError": "Reading them failed (KeyError: 'total'): the dashboard's log has its traceback.",
        "OperationFailure": "Reading them failed (OperationFailure: not allowed): `ecommerce check` says more.",
        "ServerSelectionTimeoutError": "MongoDB does not answer: load the page again when it does",
    }
