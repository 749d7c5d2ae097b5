"""How the targets of notices look, and the notices that are on their way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flowerpower.text import mask_values
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.jobs import short_time
from flowerpower_cli.views.tables import Block, Cell, Line, cell, section_title, table

if TYPE_CHECKING:
    from flowerpower.jobs.notice import Delivery
    from flowerpower.pipeline.notices import NoticeTarget, TargetResult


def test_view(tested: Sequence[TargetResult]) -> Iterator[Block]:
    """A line for each target: whether a test notice has arrived."""
    for one in tested:
        label = cell(one.target.label, "bold")
        if one.error is None:
            yield Line((label, cell(": "), cell("sent", "green"), cell(f" in {_seconds(one)}")))
        else:
            yield Line((label, cell(": "), cell("not sent", "bold red"), cell(f": {one.error}")))


def _seconds(one: TargetResult) -> str:
    return format_duration(round(one.seconds, 2))


def notices_data(
    targets: Sequence[NoticeTarget], waiting: Sequence[Delivery], given_up: Sequence[Delivery]
) -> object:
    """All of it as one JSON object."""
    return mask_values({
        "targets": [target.to_json() for target in targets],
        "waiting": [delivery.to_json() for delivery in waiting],
        "given_up": [delivery.to_json() for delivery in given_up],
    })  # fmt: skip


def notices_view(
    targets: Sequence[NoticeTarget],
    waiting: Sequence[Delivery],
    given_up: Sequence[Delivery],
    timezone: str,
) -> Iterator[Block]:
    """A table of the targets, and one of the notices of each kind, if there are any."""
    if targets:
        yield table({
            "target": [cell(target.label, "bold") for target in targets],
            "is told of": [cell(", ".join(target.on)) for target in targets],
            "pipelines": [_pipelines(target) for target in targets],
        })  # fmt: skip
    labels = {target.id: target.label for target in targets}
    for title, deliveries in (("Waiting", waiting), ("Given up", given_up)):
        if deliveries:
            yield section_title(title)
            yield _deliveries(deliveries, labels, timezone)


def _pipelines(target: NoticeTarget) -> Cell:
    return cell("all", "dim") if target.pipelines is None else cell(", ".join(target.pipelines))


def _deliveries(deliveries: Sequence[Delivery], labels: dict[str, str], timezone: str) -> Block:
    now, zone = clock.now(), clock.timezone(timezone)
    columns: dict[str, list[Cell]] = {
        "notice": [cell(_subject(delivery)) for delivery in deliveries],
        "to": [cell(labels.get(delivery.target, "another target")) for delivery in deliveries],
        "since": [cell(short_time(one.created_at, now, zone), "dim") for one in deliveries],
        "attempts>": [cell(delivery.attempts) for delivery in deliveries],
        "error…": [cell(delivery.error or "", "red") for delivery in deliveries],
    }
    return table(columns, optional=("since",))


def _subject(delivery: Delivery) -> Any:
    notice = delivery.notice
    if notice is None:
        return "damaged"
    names = ", ".join(list(notice.pipelines)[:3])
    return f"{notice.count} {notice.kind}: {names}"
