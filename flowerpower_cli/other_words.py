"""Commands and options of other tools of this field, which people bring along, and ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flowerpower.text import did_you_mean
from flowerpower_cli.app import MODULES

COMMANDS = {
    "alerts": "notify list",
    "beat": "job-queue start-scheduler",
    "cfg": "pipeline validate",
    "check": "pipeline validate",
    "create": "pipeline new",
    "crontab": "schedule import",
    "dag": "pipeline dag",
    "diagnose": "doctor",
    "diagnostics": "doctor",
    "enqueue": "job-queue add-job",
    "exporter": "metrics",
    "jobs": "job-queue list-jobs",
    "health": "doctor --check worker",
    "healthcheck": "doctor --check worker",
    "list": "pipeline list",
    "ls": "pipeline list",
    "migrate": "job-queue migrate",
    "notifications": "notify list",
    "monitor": "job-queue watch",
    "pipelines": "pipeline list",
    "project": "init",
    "prometheus": "metrics",
    "queue": "job-queue list-jobs",
    "run": "pipeline run",
    "scheduler": "job-queue start-scheduler",
    "schedules": "schedule list",
    "show": "pipeline show",
    "stats": "status",
    "top": "job-queue watch",
    "server": "dashboard",
    "ui": "dashboard",
    "web": "dashboard",
    "webserver": "dashboard",
    "systemd": "service print",
    "worker": "job-queue start-worker",
    "workers": "job-queue workers",
    "webhooks": "notify list",
    "notify ls": "notify list",
    "notify send": "notify test",
    "notify show": "notify list",
    "notify targets": "notify list",
    "pipeline check": "pipeline validate",
    "pipeline create": "pipeline new",
    "pipeline describe": "pipeline show",
    "pipeline draw": "pipeline dag",
    "pipeline exec": "pipeline run",
    "pipeline execute": "pipeline run",
    "pipeline export-pipeline": "pipeline export",
    "pipeline graph": "pipeline dag",
    "pipeline import-pipeline": "pipeline import",
    "pipeline info": "pipeline show",
    "pipeline ls": "pipeline list",
    "pipeline remove": "pipeline delete",
    "pipeline rm": "pipeline delete",
    "pipeline run-job": "job-queue add-job --wait",
    "pipeline save-dag": "pipeline dag --output",
    "pipeline schedule": "schedule add",
    "pipeline schedule-all": "schedule apply",
    "pipeline show-dag": "pipeline dag",
    "pipeline show-pipelines": "pipeline list",
    "pipeline show-summary": "pipeline show",
    "pipeline test": "pipeline validate",
    "pipeline visualize": "pipeline dag",
    "job-queue add": "job-queue add-job",
    "job-queue cancel": "job-queue cancel-job",
    "job-queue cancel-schedule": "schedule delete",
    "job-queue check": "doctor",
    "job-queue clean": "job-queue prune",
    "job-queue clone-job": "job-queue retry-job --again",
    "job-queue delete": "job-queue delete-job",
    "job-queue delete-schedule": "schedule delete",
    "job-queue enqueue": "job-queue add-job",
    "job-queue enqueue-pipeline": "job-queue add-job",
    "job-queue info": "status",
    "job-queue inspect": "status",
    "job-queue list": "job-queue list-jobs",
    "job-queue live": "job-queue watch",
    "job-queue list-schedules": "schedule list",
    "job-queue ls": "job-queue list-jobs",
    "job-queue monitor": "job-queue watch",
    "job-queue metrics": "metrics",
    "job-queue move": "job-queue migrate",
    "job-queue pause-queue": "job-queue pause",
    "job-queue pause-schedule": "schedule pause",
    "job-queue purge": "job-queue prune",
    "job-queue repeat-job": "job-queue retry-job --again",
    "job-queue requeue": "job-queue retry-job",
    "job-queue rerun": "job-queue retry-job --again",
    "job-queue rerun-job": "job-queue retry-job --again",
    "job-queue resubmit": "job-queue retry-job --again",
    "job-queue resume-queue": "job-queue resume",
    "job-queue resume-schedule": "schedule resume",
    "job-queue retry": "job-queue retry-job",
    "job-queue rm": "job-queue delete-job",
    "job-queue run-job": "job-queue add-job --wait",
    "job-queue schedule": "schedule add",
    "job-queue schedule-pipeline": "schedule add",
    "job-queue scheduler": "job-queue start-scheduler",
    "job-queue show": "job-queue show-job",
    "job-queue show-job-ids": "job-queue list-jobs --quiet",
    "job-queue show-jobs": "job-queue list-jobs",
    "job-queue show-schedule-ids": "schedule list --quiet",
    "job-queue show-schedules": "schedule list",
    "job-queue start-worker-pool": "job-queue start-worker --num-workers",
    "job-queue stats": "status",
    "job-queue status": "status",
    "job-queue suspend": "job-queue pause",
    "job-queue top": "job-queue watch",
    "job-queue unpause": "job-queue resume",
    "job-queue worker": "job-queue start-worker",
    "schedule cancel": "schedule delete",
    "schedule create": "schedule add",
    "schedule fire": "schedule run-now",
    "schedule crontab": "schedule import",
    "schedule from-crontab": "schedule import",
    "schedule ls": "schedule list",
    "schedule new": "schedule add",
    "schedule next": "schedule preview",
    "schedule remove": "schedule delete",
    "schedule rm": "schedule delete",
    "schedule run": "schedule run-now",
    "schedule runs": "schedule history",
    "schedule trigger": "schedule run-now",
    "schedule unpause": "schedule resume",
    "service export": "service print",
    "service generate": "service print",
    "service install": "service print --output",
}
"""Ours by the path of a command that there is not; ours may end with an option."""
ABSENT = {
    "mqtt": "There is no MQTT client here; let yours call `flowerpower job-queue add-job`.",
    "pipeline add-hook": "There are no hooks here: they were those of an MQTT client.",
}
"""Sentences about commands that we have no other name for."""
ABSENT_OPTIONS = {
    "--cfg": "A pipeline is deleted with its configuration and its module.",
    "--module": "A pipeline is deleted with its configuration and its module.",
    "--storage-options": "A project is a folder of this machine; data may be at any address.",
}
"""Sentences about options that we have no other name for."""
OPTIONS = {
    "--all": ("--all-ended", "--status"),
    "--at": ("--run-at", "--date"),
    "--at-front": ("--priority",),
    "--background": ("--wait",),
    "--base_dir": ("--base-dir",),
    "--concurrency": ("--num-workers", "--max-workers"),
    "--condition": ("--on",),
    "--countdown": ("--run-in",),
    "--cron-expression": ("--cron",),
    "--crontab": ("--cron",),
    "--delay": ("--run-in", "--retry-delay"),
    "--dedupe": ("--unique",),
    "--depend-on": ("--after",),
    "--dependency": ("--after",),
    "--depends-on": ("--after",),
    "--env": ("--base-dir",),
    "--eta": ("--run-at",),
    "--executor-cfg": ("--executor",),
    "--executor-max-workers": ("--max-workers",),
    "--executor-num-cpus": ("--max-workers",),
    "--expire": ("--expires",),
    "--file": ("--output",),
    "--force": ("--overwrite", "--yes"),
    "--format": ("--json",),
    "--from-failure": ("--from-failed",),
    "--id": ("--job-id", "--schedule-id"),
    "--idempotent": ("--unique",),
    "--if-not-queued": ("--unique",),
    "--in": ("--run-in",),
    "--interval": ("--refresh",),
    "--install-completion": ("completion install",),
    "--job-queue-type": ("--type",),
    "--log-level": ("--verbose",),
    "--job-ttl": ("--expires",),
    "--max-age": ("--expires",),
    "--on-end": ("--on",),
    "--on-failure": ("--on",),
    "--on-success": ("--on",),
    "--once": ("--unique",),
    "--outputs": ("--final-vars",),
    "--parent": ("--after",),
    "--parents": ("--after",),
    "--pipeline": ("--to-pipeline",),
    "--priority-weight": ("--priority",),
    "--output-dir": ("--output",),
    "--output-file": ("--output",),
    "--output-path": ("--output",),
    "--queue-name": ("--queue", "--queues"),
    "--rerun": ("--again",),
    "--resume": ("--from-failed",),
    "--replicas": ("--workers",),
    "--retries": ("--max-retries",),
    "--run-every": ("--interval",),
    "--show-completion": ("completion show",),
    "--to-html": ("--html",),
    "--to-svg": ("pipeline dag",),
    "--singleton": ("--unique",),
    "--trigger-rule": ("--on",),
    "--ttl": ("--expires",),
    "--tz": ("--timezone",),
    "--upstream": ("--after",),
    "--wait-for": ("--after",),
    "--watch": ("job-queue watch",),
    "--workers": ("--num-workers", "--max-workers"),
}
"""Options that say the same; the first one that the command has is meant."""


_LIMITS = (
    "Limits stand in YAML: limits in conf/project.yml, run.limits and run.max_running in the "
    "pipeline's file."
)
IN_YAML = dict.fromkeys(
    ("--concurrency-limit", "--limits", "--max-active-runs", "--max-active-tis-per-dag",
     "--max-running", "--pool", "--pool-slots", "--rate-limit", "--tag"),
    _LIMITS,
)  # fmt: skip
"""Sentences about options that are settings in YAML here."""


def answer_for_command(group: str, name: str, commands: Iterable[str]) -> str:
    """What to say of a command `name` that the group (empty for none) does not have.

    `commands` are those of the group.
    """
    path = f"{group} {name}".lstrip()
    if path in ABSENT:
        return f" {ABSENT[path]}"
    same_verb = [known for known in MODULES if known.rpartition(" ")[2] == name]
    if ours := ([COMMANDS[path]] if path in COMMANDS else same_verb):
        return f" Say {' or '.join(f'`flowerpower {words}`' for words in ours)}."
    return did_you_mean(name, commands)


def answer_for_option(name: str, options: Sequence[str]) -> str:
    """What to say of an option that a command with these `options` does not have."""
    if name in IN_YAML:
        return f" {IN_YAML[name]}"
    for ours in OPTIONS.get(name, ()):
        if ours in options or ours in MODULES:
            return f" Say {ours if ours in options else f'`flowerpower {ours}`'}."
    if name in ABSENT_OPTIONS:
        return f" {ABSENT_OPTIONS[name]}"
    return did_you_mean(name, options)


def valued_flag(word: str, arguments: Sequence[str]) -> str | None:
    """The flag before `word` if that is a value which a flag does not take (`--cache true`)."""
    values = ("true", "false", "yes", "no", "on", "off", "1", "0")
    position = list(arguments).index(word) if word in arguments else 0
    before = arguments[position - 1] if position else ""
    return before if word.lower() in values and before.startswith("--") else None
