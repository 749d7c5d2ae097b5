"""kill -9 of whatever there is, then a count."""

import random

import pytest

from tests.acceptance.campaign import HEAD, Campaign, Tally
from tests.acceptance.fault_records import counted, raised
from tests.acceptance.working import MakeSite

JOBS = 100
EVERY_BACKEND = ("sqlite", "postgresql", "rq")


# How many jobs a child takes is a matter of workers, not of backends.
@pytest.mark.fault("worker-killed")
@pytest.mark.parametrize(
    ("url", "jobs_per_child"),
    [
        *((backend, 10) for backend in EVERY_BACKEND),
        ("sqlite", 1),
        *(pytest.param(backend, 1, marks=pytest.mark.faults) for backend in EVERY_BACKEND[1:]),
    ],
    indirect=["url"],
)
def test_no_kill_loses_a_job_or_runs_it_twice_at_once(
    make_site: MakeSite, url: str | None, jobs_per_child: int
):
    """Whatever of two workers is killed, every job is done, and none in two processes at once."""
    site = make_site(url)
    tally = Tally(site.name, random.SystemRandom().randrange(2**32), JOBS)
    print("seed", tally.seed)
    campaign = Campaign(site, tally, mean_seconds=0.1, jobs_per_child=jobs_per_child)
    campaign.run(6, every=0.4, drain=40)
    print(HEAD, tally.row(), *tally.reasons, sep="\n")
    raised(tally.raised)
    counted(**tally.counts)
    assert tally.is_clean
    assert tally.finished + tally.failed == JOBS
    assert tally.failed == 0
