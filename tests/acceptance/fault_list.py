"""All faults that are raised on purpose: the one list, which marks of tests and campaigns name.

`@pytest.mark.fault("redis-killed")` says that a test raises a fault; a campaign says so of each of
its strikes. `make faults` runs them all and ends with a table that has a line for every fault here.
"""

from __future__ import annotations

from dataclasses import dataclass

SQL = ("sqlite", "postgresql")
SHARED = (*SQL, "redis")
SQLITE, POSTGRESQL, REDIS = SHARED
COUNTS = ("lost", "doubled", "overlapping", "wrong", "tracebacks", "hung", "left")
"""What is counted, of jobs, fires, notices and processes; all of it must be 0.

`wrong` is what a campaign counts besides: too early, too many at once, of an edited schedule, with
other content. `tracebacks` are of our own processes, `hung` are commands that took over 20 s, and
`left` are processes that were there once their worker had ended.
"""
ANY = "any"
"""The column of a fault that has nothing to do with where the queue is."""


@dataclass(frozen=True)
class Fault:
    """A fault.

    Args:
        id: its name in marks.
        text: what happens, in a few words.
        on: the backends on which it must be raised; none if it has nothing to do with them.
        counted: what must have been counted wherever it was raised.
        not_here: why no test raises it, if none does.
    """

    id: str
    text: str
    on: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    not_here: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Where a result is expected."""
        return () if self.not_here else self.on or (ANY,)


RUNS = ("lost", "doubled", "overlapping")
KEPT = ("lost", "doubled")
SECTIONS = {
    "A": "Workers, schedulers and commands are killed or stopped",
    "B": "Redis fails",
    "C": "SQLite or PostgreSQL fails",
    "D": "A job does its worst",
    "E": "Clocks jump, and times that were missed",
    "F": "Signals to workers",
    "G": "Records and projects that are damaged or changed",
    "H": "Hostile input",
    "I": "Hostile text, and streams that are not there",
    "J": "Forgeries, and what others may read",
}
FAULTS = {
    "A": (
        Fault("worker-killed", "kill -9 of a worker", SHARED, RUNS),
        Fault("tree-killed", "kill -9 of a worker with all of its processes", SHARED, RUNS),
        Fault("child-killed", "kill -9 of the process of a job", SHARED, RUNS),
        Fault("fork-server-killed", "kill -9 of the process that forks the jobs", SHARED, RUNS),
        Fault("all-workers-killed", "kill -9 of all workers at once", SHARED, RUNS),
        Fault("enqueue-killed", "kill -9 of a command that adds a job", SHARED, KEPT),
        Fault("scheduler-killed", "kill -9 of one of several schedulers, every second a fire",
              SHARED, KEPT),
        Fault("schedulers-at-once", "several schedulers at the same schedules", SHARED, KEPT),
        Fault("worker-frozen", "a worker stopped (SIGSTOP) beyond its lease, then continued", SHARED, RUNS),
        Fault("late-finish", "a job's end that comes after its lease was lost", SHARED, KEPT),
        Fault("sender-killed", "kill -9 of who sends notices", SHARED, ("lost",)),
        Fault("migration-killed", "kill -9 while a queue is moved", SQL, KEPT),
        Fault("backfill-killed", "kill -9 in the midst of a backfill", SHARED, KEPT),
        Fault("apply-killed", "kill -9 in the midst of `schedule apply`", ("sqlite", "redis")),
    ),
    "B": (
        Fault("redis-killed", "Redis killed and started again", (REDIS,), KEPT),
        Fault("redis-away", "Redis stopped for longer than a lease", (REDIS,), RUNS),
        Fault("redis-down-at-start", "Redis not there when a worker or command starts", (REDIS,), ("hung",)),
        Fault("redis-full", "Redis out of memory", (REDIS,), KEPT),
        Fault("redis-read-only", "Redis made a replica that takes no writes", (REDIS,), KEPT),
        Fault("redis-hung", "Redis takes connections and says nothing", (REDIS,), KEPT),
        Fault("redis-cut", "a connection cut before the answer, when the deed was done, at each answer",
              (REDIS,), KEPT),
        Fault("redis-cut-inside", "a connection cut in the middle of an answer, at each answer",
              (REDIS,), KEPT),
        Fault("redis-emptied", "FLUSHALL while a worker waits", (REDIS,)),
        Fault("redis-failed-over", "the master dies or steps down, Sentinels choose another", (REDIS,), KEPT),
        Fault("redis-password", "a wrong password", (REDIS,)),
        Fault("redis-database", "a wrong database", (REDIS,)),
        Fault("redis-none", "not a Redis at all", (REDIS,)),
    ),
    "C": (
        Fault("sqlite-full", "the disk is full", (SQLITE,), KEPT),
        Fault("sqlite-read-only", "file or folder read-only", (SQLITE,), KEPT),
        Fault("sqlite-garbage", "garbage in place of the file", (SQLITE,), ("lost",)),
        Fault("sqlite-truncated", "the file cut off", (SQLITE,), ("lost",)),
        Fault("sqlite-empty", "zero bytes", (SQLITE,), ("lost",)),
        Fault("sqlite-folder", "a folder in its place", (SQLITE,), ("lost",)),
        Fault("sqlite-locked", "locked for 30 s", (SQLITE,), RUNS),
        Fault("sqlite-deleted", "deleted or replaced while in use", (SQLITE,), KEPT),
        Fault("sqlite-newer", "made by a newer version", (SQLITE,), ("lost",)),
        Fault("many-at-once", "four that add and four that claim at once", SHARED, KEPT),
        Fault("postgresql-killed", "PostgreSQL killed (-9) and started again", (POSTGRESQL,), KEPT),
        Fault("postgresql-restarted", "PostgreSQL restarted under load", (POSTGRESQL,), RUNS),
        Fault("postgresql-cut", "its connections terminated", (POSTGRESQL,), KEPT),
        Fault("postgresql-newer", "tables of a newer version", (POSTGRESQL,)),
        Fault("postgresql-address", "a wrong password, database or port", (POSTGRESQL,)),
    ),
    "D": (
        Fault("job-segfaults", "a crash in C, abort, kill -9 of itself"),
        Fault("job-exits", "os._exit, of which 0 is the worst"),
        Fault("job-sys-exit", "sys.exit"),
        Fault("job-interrupts", "KeyboardInterrupt"),
        Fault("job-generator-exit", "GeneratorExit"),
        Fault("job-str-raises", "an exception whose str() raises"),
        Fault("job-unpicklable", "an exception that cannot be pickled"),
        Fault("job-recurses", "recursion without end"),
        Fault("job-eats-memory", "memory without end"),
        Fault("job-prints-much", "100 MB of prints"),
        Fault("job-prints-bytes", "bytes that are no text, and escapes, printed"),
        Fault("job-closes-descriptors", "all descriptors closed"),
        Fault("job-changes-all", "folder, environment, umask, signals, paths and streams changed"),
        Fault("job-outlives", "processes and threads that outlive the job"),
        Fault("job-ignores-term", "TERM ignored, beyond the timeout"),
        Fault("job-catches-all", "all exceptions caught, without end"),
        Fault("job-resets-alarm", "SIGALRM reset"),
        Fault("job-hangs-in-c", "a deadlock in C"),
        Fault("job-reads-stdin", "stdin read"),
        Fault("job-returns-lock", "a lock returned"),
        Fault("job-returns-nan", "NaN returned"),
        Fault("job-returns-bytes", "bytes returned"),
        Fault("job-returns-gigabyte", "1 GB returned"),
        Fault("job-evil-repr", "an object returned whose repr raises"),
        Fault("job-babbles", "false messages written to the worker"),
        Fault("jobs-bad-among-good", "20 bad jobs among 200 good ones", (SQLITE,), KEPT),
    ),
    "E": (
        Fault("clock-forward", "the clock set an hour forward", (SQLITE,), ("doubled",)),
        Fault("clock-back", "the clock set an hour back", (SQLITE,), ("doubled",)),
        Fault("clock-day-back", "the clock set a day back", (SQLITE,), ("doubled",)),
        Fault("clocks-apart", "two schedulers whose clocks are 5 s apart", (SQLITE,), KEPT),
        Fault("dst-forward", "clocks go forward: times that are skipped"),
        Fault("dst-back", "clocks go back: times that come twice"),
        Fault("fires-missed", "nothing ran over 1, 3 and 100,000 fires"),
    ),
    "F": (
        Fault("signal-idle", "TERM, INT, HUP to an idle worker", (SQLITE,), ("left",)),
        Fault("signal-in-job", "to a worker in a job, alone and with its group", (SQLITE,), ("lost", "left")),
        Fault("signal-at-start", "TERM at any time of the start", (SQLITE,), ("lost", "left")),
        Fault("signal-twice", "a second signal", SHARED),
        Fault("signal-to-all", "to every process, as a service's stop does", (SQLITE,), ("lost", "left")),
        Fault("signal-10000", "TERM with 10,000 jobs queued", (SQLITE,), ("lost", "left")),
        Fault("signal-scheduler", "TERM to a scheduler, at any of its calls", SHARED),
        Fault("signal-command", "Ctrl-C and TERM to commands that wait or run"),
    ),
    "G": (
        Fault("payload-unknown-field", "a payload with an unknown field", SHARED),
        Fault("payload-newer", "a payload of a newer version", SHARED),
        Fault("payload-missing-field", "a payload that lacks fields", SHARED),
        Fault("payload-damaged", "a payload that is no JSON, or of a wrong form", SHARED),
        Fault("record-bad-status", "a status that does not exist", SHARED),
        Fault("record-damaged", "bad dates, numbers and bytes in every column and field", ("sqlite", "redis")),
        Fault("record-part", "a result, error or progress that cannot be read", SHARED),
        Fault("schedule-damaged", "a schedule that cannot be read", SHARED),
        Fault("module-deleted", "the pipeline's module or YAML deleted", (SQLITE,)),
        Fault("module-renamed", "the module renamed", (SQLITE,)),
        Fault("module-broken", "the module broken, or raising", (SQLITE,)),
        Fault("module-slow", "the module slow at import", (SQLITE,)),
        Fault("module-exits", "the module exits at import", (SQLITE,)),
        Fault("edited-before-run", "code or configuration edited between enqueue and run", (SQLITE,)),
    ),
    "H": (
        Fault("hostile-yaml", "YAML: tags, bombs, keys twice, wrong types, bytes, 20,000 random ones"),
        Fault("hostile-names", "names and ids"),
        Fault("hostile-inputs", "inputs"),
        Fault("hostile-cron", "cron expressions"),
        Fault("hostile-dates", "dates and durations"),
        Fault("hostile-zones", "time zones"),
    ),
    "I": (
        Fault("text-in-names", "markup, ESC, BEL, CR, newline, U+202E in names and inputs"),
        Fault("text-in-errors", "in errors"),
        Fault("text-in-logs", "in logs and results"),
        Fault("arguments-not-utf8", "arguments that are not UTF-8"),
        Fault("lang-c", "LANG=C"),
        Fault("stream-closed", "stdin, stdout or stderr closed"),
        Fault("dev-full", "/dev/full as stdout"),
    ),
    "J": (
        Fault("forged-job", "a job that names another function", (REDIS,)),
        Fault("forged-callback", "callbacks", (REDIS,)),
        Fault("forged-pickle", "pickles, in the queue and in the cache", (REDIS,)),
        Fault("forged-path", "paths out of the project"),
        Fault("zlib-bomb", "a zlib bomb", (REDIS,)),
        Fault("database-link", "a symbolic link in place of the database", (SQLITE,)),
        Fault("log-link", "a symbolic link in place of the log of an unforeseen failure"),
        Fault("file-modes", "files and folders that others might read", (SQLITE,)),
        Fault("completion-names", "names in completions that a shell would expand"),
    ),
}  # fmt: skip
BY_ID = {fault.id: fault for faults in FAULTS.values() for fault in faults}
CAMPAIGNS = {
    "campaign": SHARED,
    "calendar_campaign": SHARED,
    "migration_campaign": SQL,
    "notice_campaign": SHARED,
    "chain_campaign": SHARED,
}
"""The programs beside this file that strike for minutes, and the backends of each."""
CAUGHT = {
    "campaign": ("lost", "doubled", "overlapping"),
    "calendar_campaign": ("lost", "doubled"),
    "migration_campaign": ("lost", "doubled", "changed"),
    "notice_campaign": ("lost", "doubled"),
    "chain_campaign": ("lost", "doubled", "overlapping", "early", "exceeded", "too fast"),
}
"""What the count of each campaign must find in a store that is broken on purpose.

`@pytest.mark.catches("campaign", "lost")` says that a test shows it.
"""
