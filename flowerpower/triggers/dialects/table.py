"""The dialects that are read, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flowerpower.errors import InvalidTrigger, UsageError
from flowerpower.text import shortened
from flowerpower.triggers.cron_grammar import MAX_LENGTH
from flowerpower.triggers.dialects import crontabs, libraries, quartz, systemd
from flowerpower.triggers.dialects.meaning import Meaning


@dataclass(frozen=True)
class Dialect:
    """How one scheduler writes and reads times.

    Attributes:
        title: the program, with the version that its reading was compared with.
        reader: from an expression to what it means.
        is_crontab: its files are crontabs.
    """

    title: str
    reader: Callable[[str], Meaning]
    is_crontab: bool = False

    def read(self, expression: str) -> Meaning:
        """What an expression means.

        Raises:
            InvalidTrigger: if the scheduler does not take it, or we cannot read it.
        """
        plain = " ".join(expression.split())
        if not plain.isascii() or not plain.isprintable() or len(plain) > MAX_LENGTH:
            raise InvalidTrigger(
                f"an expression is up to {MAX_LENGTH} characters of printable ASCII"
            )
        try:
            return self.reader(plain)
        except UsageError as error:
            raise InvalidTrigger(
                f"{self.title} does not take {shortened(plain, 60)!r}: {error.message}."
            ) from None


DIALECTS: Mapping[str, Dialect] = {
    "debian": Dialect("Debian's cron", crontabs.read_debian, is_crontab=True),
    "busybox": Dialect("busybox's crond", crontabs.read_busybox, is_crontab=True),
    "systemd": Dialect("systemd", systemd.read_systemd),
    "quartz": Dialect("Quartz", quartz.read_quartz),
    "kubernetes": Dialect("Kubernetes", libraries.read_kubernetes),
    "apscheduler": Dialect("APScheduler", libraries.read_apscheduler),
    "airflow": Dialect("Airflow", libraries.read_airflow),
    "bcron": Dialect("bcron", crontabs.read_bcron, is_crontab=True),
    "mcron": Dialect("mcron", crontabs.read_mcron, is_crontab=True),
    "systemd-cron": Dialect("systemd-cron", crontabs.read_systemd_cron, is_crontab=True),
}
