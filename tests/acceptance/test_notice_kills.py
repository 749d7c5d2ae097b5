"""kill -9 of those who send notices, then a count."""

import random

import pytest

from tests.acceptance.fault_records import counted, raised
from tests.acceptance.notice_campaign import HEAD, Tally, run_campaign

# Takes a notice for delivered before it is.
TOO_EARLY = """
import time
def send_next(self, take=sender.NoticeSender._send_next):
    claim = self._backend.notices.claim
    def claim_and_delete(*args):
        delivery = claim(*args)
        if delivery is not None:
            self._backend.notices.delivered(delivery)
            time.sleep(0.3)
        return delivery
    self._backend.notices.claim = claim_and_delete
    try:
        return take(self)
    finally:
        self._backend.notices.claim = claim
sender.NoticeSender._send_next = send_next
"""


def tally_of(url: str | None, rounds: int, kills: int, broken: str = "") -> Tally:
    backend = "sqlite" if url is None else url.partition("://")[0]
    seed = random.SystemRandom().randrange(2**32)
    tally = run_campaign(backend, url, seed, rounds, kills, broken)
    print("seed", seed, HEAD, tally.row(), *tally.reasons, sep="\n")
    return tally


@pytest.mark.fault("sender-killed")
def test_no_kill_loses_a_notice(url: str | None) -> None:
    """Each event and each ping arrives, and comes twice only where a kill was in between."""
    tally = tally_of(url, rounds=8, kills=5)
    raised(tally.raised)
    counted(**tally.counts)
    assert tally.is_clean
    assert tally.kills == 5
    assert all(tally.events[kind] for kind in ("failed", "recovered", "lost", "missed", "late"))
    assert tally.events["ping"]


@pytest.mark.catches("notice_campaign", "lost")
@pytest.mark.faults
def test_what_would_be_lost_is_counted() -> None:
    """A sender that says too early that it has sent loses notices, and the campaign sees it."""
    assert tally_of(None, rounds=30, kills=25, broken=TOO_EARLY).lost
