"""The retry policies that children send to their worker, each made once."""

from __future__ import annotations

from flowerpower.config.run_section import RetryConfig


class RetryPolicies:
    """Makes policies of what children send; for use by any thread."""

    # Most jobs have the same one, which cannot change: to validate it for each job takes as long as
    # to parse the message that it is in.

    def __init__(self) -> None:
        self._last: tuple[object, RetryConfig] | None = None

    def policy_of(self, settings: object) -> RetryConfig:
        """The policy with these settings; raises pydantic's ValidationError."""
        # Read once: another thread may have its own by the next line.
        last = self._last
        if last is not None and last[0] == settings:
            return last[1]
        policy = RetryConfig.model_validate(settings)
        self._last = settings, policy
        return policy


POLICIES = RetryPolicies()
