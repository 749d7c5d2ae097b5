"""An attempt: the policy that its child sends, and who is told that it is recorded."""

from typing import Any

import pytest

from flowerpower.config.run_section import RetryConfig
from flowerpower.job_queue.worker.attempt import Attempt
from flowerpower.jobs.claim import Claim


def attempt() -> Attempt:
    return Attempt(Claim("job", "worker", 1, "report", {}), 0.0)


def policy_after(retry: Any) -> RetryConfig | None:
    """The policy of an attempt whose child has sent these settings."""
    one = attempt()
    one.apply_settings({"type": "settings", "retry": retry})
    return one.policy


def test_equal_settings_give_the_same_policy_and_others_their_own() -> None:
    """Whatever attempt has had which before."""
    thrice = RetryConfig(max_retries=3).model_dump()
    first = policy_after(thrice)
    assert first is not None
    assert policy_after({**thrice}) is first
    assert policy_after({**thrice, "max_retries": 4}) == RetryConfig(max_retries=4)
    assert policy_after(thrice) == RetryConfig(max_retries=3)


@pytest.mark.parametrize("retry", [None, "x", {"max_retries": -1}, {"unknown": 1}])
def test_settings_that_are_not_valid_give_no_policy(retry: object) -> None:
    """Neither that of the attempt before, nor one of the next attempt's."""
    assert policy_after({"max_retries": 2}) is not None
    assert policy_after(retry) is None
    assert policy_after(retry) is None


def test_who_waits_for_the_record_is_told_once() -> None:
    """Also if it was recorded before anybody asked."""
    told: list[str] = []
    one = attempt()
    one.when_recorded(lambda: told.append("later"))
    assert (told, one.is_recorded) == ([], False)
    one.set_recorded()
    assert (told, one.is_recorded) == (["later"], True)
    one.when_recorded(lambda: told.append("at once"))
    assert told == ["later", "at once"]


def test_an_error_of_who_is_told_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The recorder has other attempts to go on with; the error is in the log of the worker."""
    one = attempt()
    one.when_recorded(lambda: [][0])
    one.set_recorded()
    assert "An error at the end of the attempt job:1" in caplog.text
