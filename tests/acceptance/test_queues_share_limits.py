"""Workers of different queues under one limit: neither keeps the other's jobs waiting for ever."""

from __future__ import annotations

from flowerpower.jobs.job_spec import JobSpec
from tests.acceptance.working import MakeSite, Site
from tests.conditions import eventually
from tests.contract.fake_worker import with_inputs

COUNT = 30
"""Jobs that are looked at; each queue has more of them."""
TURNS = 4
"""Jobs that each queue has begun among these."""
SECONDS = 0.4


def test_two_queues_take_turns_under_one_limit(make_site: MakeSite, url: str | None) -> None:
    """A worker that has just had the place leaves it to the other for a moment."""
    order = _order_of(make_site(url))
    print(order)
    assert min(order.count("a"), order.count("b")) >= TURNS


def _order_of(site: Site) -> str:
    """The queues of the jobs, in the order in which they began."""
    (site.root / "conf" / "project.yml").write_text("name: site\nlimits: {one: 1}\n")
    body = f"from traced import traced\ntraced(name, {SECONDS})"
    site.pipeline("load", body, "run: {limits: [one]}", "name: str")
    for queue in "ab":
        specs = [
            JobSpec("load", with_inputs(name=queue), id=f"{queue}-{number}", queue=queue)
            for number in range(2 * COUNT)
        ]
        site.queue.add_jobs(specs)
    workers = [site.worker(num_workers=1, queues=[queue], jobs_per_child=100) for queue in "ab"]

    def begun() -> list[str]:
        return [name for name, what, _, _ in site.trace() if what == "begin"]

    # The first ones are of the worker that is up first.
    eventually(lambda: set(begun()) == {"a", "b"})
    already = len(begun())

    def are_enough() -> bool:
        order = begun()[already:]
        # On a busy machine one queue may have many turns in a row, before the other one looks.
        return len(order) >= COUNT or min(order.count("a"), order.count("b")) >= TURNS

    eventually(are_enough)
    for worker in workers:
        worker.kill()
    return "".join(begun()[already:])
