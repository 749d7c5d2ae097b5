"""As tests/unit/test_extensions.py, where many packages are installed that Hamilton knows."""

from __future__ import annotations

from tests.unit.test_extensions import (  # noqa: F401 - they are tests of this file too
    test_a_run_imports_the_packages_that_it_uses,
    test_a_run_that_uses_no_pandas_imports_none,
    test_every_lookup_answers_what_it_does_with_all_extensions,
)
