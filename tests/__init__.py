"""The tests. What fixtures and helpers assert is shown as what the tests assert is."""

import pytest

pytest.register_assert_rewrite(
    "tests.dashboard_app", "tests.dashboard_figures", "tests.dashboard_shop", "tests.programs"
)
