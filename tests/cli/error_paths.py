"""Calls that fail: what each is, its exit code, and what it must say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flowerpower.jobs.schedule import ScheduleSpec
from flowerpower.pipeline import PipelineManager
from flowerpower.triggers.make import make_trigger

GOOD = ("run:\n  inputs: {x: 2}\n", "def double(x: int) -> int:\n    return 2 * x\n")
SUM = ("", "def total(left: int, right: int) -> int:\n    return left + right\n")


def _failing(body: str) -> tuple[str, str]:
    return (
        "",
        f"def broken() -> int:\n    {body}\n\n\ndef after(broken: int) -> int:\n    return broken\n",
    )


PIPELINES = {
    "good": GOOD,
    "total": SUM,
    "raises": _failing("raise ValueError('no such luck')"),
    "markup": _failing("raise ValueError('[/] [red]x[/red] \\x1b[31m \\u202e \\r')"),
    "exits": _failing("raise SystemExit(3)"),
    "unprintable": _failing(
        "class E(Exception):\n        def __str__(self): raise TypeError\n    raise E"
    ),
    "recurses": _failing("return broken()"),
    "syntax": ("", "def broken(:\n"),
    "badimport": ("", "import no_such_library\n"),
    "exitimport": ("", "raise SystemExit\n"),
    "circle": (
        "",
        "def a(b: int) -> int:\n    return b\n\n\ndef b(a: int) -> int:\n    return a\n",
    ),
    "untyped": ("", "def a(b):\n    return b\n"),
    "empty": ("", ""),
    "mistyped": (
        "",
        "def orders() -> int:\n    return 1\n\n\ndef total(order: int) -> int:\n    return order\n",
    ),
    "config": ("run: {config: {double: 3}, inputs: {x: 1}}\n", GOOD[1]),
    "flow": ("run: {inputs: {x: ${X}}}\n", GOOD[1]),
    "twofaults": (
        "run: {inputs: {x: 1}}\nschedule:\n  cron: 61 * * * *\n  timezone: Europe/Berln\n",
        GOOD[1],
    ),
    "nomodule": ("run: {modules: [pipelines.nothere]}\n", ""),
    "badkey": ("run:\n  input: {x: 1}\n", GOOD[1]),
    "badtype": ("run:\n  retry: {max_retries: many}\n", GOOD[1]),
    "duplicate": ("run:\n  cache: true\n  cache: false\n", GOOD[1]),
    "tagged": ("run: !!python/object:os.system {}\n", GOOD[1]),
    "notyaml": ("run: [1\n", GOOD[1]),
    "listed": ("- run\n", GOOD[1]),
    "unset": ("run: {inputs: {x: '${NO_SUCH_VARIABLE}'}}\n", GOOD[1]),
    "badfinal": ("run: {final_vars: [doubel]}\n", GOOD[1]),
    "badinput": ("run: {inputs: {y: 1}}\n", GOOD[1]),
    "wrongtype": ("run: {inputs: {x: two}}\n", GOOD[1]),
    "badcron": ("run: {inputs: {x: 1}}\nschedule: {cron: '61 * * * *'}\n", GOOD[1]),
    "hourly": ("run: {inputs: {x: 1}}\nschedule: {interval: 1h}\n", GOOD[1]),
}


@dataclass(frozen=True)
class Path_:
    """One error path: arguments, exit code, and what the message must say."""

    name: str
    arguments: tuple[str, ...]
    code: int
    says: tuple[str, ...]
    project: bool = True
    prepare: Callable[[Path], object] | None = None


def path(name: str, arguments: str, code: int, *says: str, **rest: object) -> Path_:
    return Path_(name, tuple(arguments.split()), code, says, **rest)  # type: ignore[arg-type]


def _conf(text: bytes) -> Callable[[Path], object]:
    return lambda root: (root / "conf" / "project.yml").write_bytes(text)


def _nightly(root: Path) -> None:
    """The project's queue has a job called nightly, which nobody does."""
    manager = PipelineManager(root, quiet=True, environ={})
    manager.add_job("good", job_id="nightly")
    manager.close()


def _calendar(root: Path) -> None:
    """The project has a schedule called nightly, and one called over that has no fires to come."""
    manager = PipelineManager(root, quiet=True, environ={})
    manager.schedule("good", cron="0 2 * * *", schedule_id="nightly")
    over = ScheduleSpec("good", make_trigger(date="2020-01-01"), id="over")
    manager.job_queue.backend.schedules.add(over)
    manager.close()


def _database(content: bytes) -> Callable[[Path], object]:
    def write(root: Path) -> None:
        (root / ".flowerpower").mkdir()
        (root / ".flowerpower" / "jobs.db").write_bytes(content)

    return write


MEMORY = _conf(b"job_queue: {backend: {url: memory}}\n")
# Port 1 is nobody's.
NO_REDIS = _conf(b"job_queue: {type: rq, backend: {url: 'redis://:hunter2@127.0.0.1:1/0'}}\n")
NOT_ASKED = [
    path("not asked", "pipeline delete good", 8, "Nothing was done"),
    path(
        "not asked for a job",
        "job-queue delete-job nightly",
        8,
        "Nothing was done",
        prepare=_nightly,
    ),
    path(
        "not asked for a schedule",
        "schedule delete nightly",
        8,
        "Nothing was done",
        prepare=_calendar,
    ),
]
PATHS = [
    path("no command", "pipelin list", 2, "No such command 'pipelin'", "Did you mean 'pipeline'"),
    path("no subcommand", "pipeline rnu", 2, "No such command 'rnu'", "Did you mean 'run'"),
    path("no option", "pipeline list --jsno", 2, "No such option: --jsno", "--json"),
    path("argument missing", "pipeline run", 2, "Missing argument", "PIPELINE"),
    path("argument too many", "pipeline list a", 2, "unexpected extra argument"),
    path("value missing", "pipeline run good -i", 2, "requires an argument", "run --help"),
    path("value missing in a short command", "status --base-dir", 2, "requires an argument",
         "flowerpower status --help"),
    path("bad executor", "pipeline run good --executor thread", 2, "threadpool", "--executor"),
    path("bad count", "pipeline run good --max-workers two", 2, "'two' is not a whole number"),
    path("digits of elsewhere", "pipeline run good --max-retries ٥", 2, "is not a whole number"),
    path("no workers", "pipeline run good --max-workers 0", 2, "max_workers", "at least 1"),
    path("bad delay", "pipeline run good --retry-delay soon", 2, "'soon' is not a duration", "1h30m"),
    path("bad jitter", "pipeline run good --jitter-factor 7", 2, "jitter_factor", "at most 1"),
    path("no pair", "pipeline run good -i x", 2, "-i takes KEY=VALUE", "'x'"),
    path("no key", "pipeline run good -i =1", 2, "KEY=VALUE"),
    path("config no pair", "pipeline run good --config x", 2, "--config takes KEY=VALUE", "'x'"),
    path("inputs no JSON", "pipeline run good --inputs x", 2, "--inputs 'x'", "@FILE"),
    path("inputs no file", "pipeline run good --inputs @none.yml", 2, "none.yml", "No such file"),
    path("inputs a folder", "pipeline run good --inputs @conf", 2, "conf", "directory"),
    path("inputs broken", "pipeline run good --inputs {x", 2, "--inputs '{x': is", "neither JSON nor YAML",
         "Expected a mapping", "-i name=1"),
    path("inputs for one", "pipeline run good -i {x", 2, "-i takes KEY=VALUE", "A mapping is for --inputs"),
    path("inputs a list", "pipeline run good --inputs @list.json", 2, "mapping",
         prepare=lambda root: (root / "list.json").write_text("[1]")),
    path("unknown input", "pipeline run good -i y=1", 2, "no input 'y'", "It takes: x"),
    path("input of a wrong type", "pipeline run good -i x=two", 2, "x takes int", "'two'"),
    path("inputs missing", "pipeline run total", 2, "left (int), needed by total", "right", "-i left="),
    path("unknown node", "pipeline run good --final-vars doubel", 2, "'doubel'", "'double'"),
    path("no nodes", "pipeline run good --final-vars ,", 2, "--final-vars"),
    path("bad new name", "pipeline new a/b", 2, "'a/b'", "A-Z a-z 0-9 _ -"),
    path("new name like an option", "pipeline new -- -rf", 2, "'-rf'", "A-Z a-z 0-9 _ -, and not beginning with -"),
    path("long new name", f"pipeline new {'a' * 101}", 2, "1 to 100 characters"),
    path("bad project name", "init a.b", 2, "'a.b'", "A-Z a-z 0-9 _ -", project=False),
    path("project name like an option", "init -- -x", 2, "'-x'", "not beginning with -", project=False),
    path("bad backend", "init x --type redis", 2, "--type", "apscheduler", project=False),
    path("no example", "init x --example wether", 2, "'wether'", "'weather'", project=False),
    path("no pipeline", "pipeline run goood", 3, "no pipeline 'goood'", "Did you mean 'good'"),
    path("no pipeline to show", "pipeline show nothing", 3, "no pipeline 'nothing'"),
    path("no pipeline to delete", "pipeline delete nothing", 3, "no pipeline 'nothing'"),
    path("no pipeline to validate", "pipeline validate nothing", 3, "no pipeline 'nothing'"),
    path("path as pipeline", "pipeline run ../good", 3, "no pipeline '../good'"),
    path("no project", "pipeline list", 4, "project.yml", "flowerpower init", project=False),
    path("no such folder", "pipeline list --base-dir /no/such", 4, "/no/such is not a project"),
    path("unknown key", "pipeline run badkey", 4, "badkey.yml, line 2", "run.input", "'inputs'"),
    path("wrong kind", "pipeline run badtype", 4, "line 2", "max_retries", "a whole number"),
    path("key twice", "pipeline run duplicate", 4, "line 3", "run.cache", "twice"),
    path("tag", "pipeline run tagged", 4, "line 1", "tags are not allowed"),
    path("not YAML", "pipeline run notyaml", 4, "notyaml.yml, line 2", "not valid YAML"),
    path("a list", "pipeline run listed", 4, "listed.yml", "a list", "mapping"),
    path("variable unset", "pipeline run unset", 4, "line 1", "NO_SUCH_VARIABLE is not set"),
    path("node in YAML", "pipeline run badfinal", 4, "badfinal.yml, line 1", "'doubel'", "'double'"),
    path("module missing", "pipeline run nomodule", 4, "pipelines.nothere", "pipelines/nothere.py"),
    path("no functions", "pipeline run empty", 4, "empty has no nodes"),
    path("not UTF-8", "pipeline list", 4, "project.yml", "UTF-8", prepare=_conf(b"name: \xff\n")),
    path("unknown project key", "pipeline list", 4, "line 1", "'timezon'", "'timezone'",
         prepare=_conf(b"timezon: UTC\n")),
    path("unknown zone", "pipeline list", 4, "Europe/Berln", "Europe/Berlin",
         prepare=_conf(b"timezone: Europe/Berln\n")),
    path("all faults at once", "pipeline list", 4, "2 faults", "line 1", "line 2",
         prepare=_conf(b"timezon: UTC\nnam: x\n")),
    path("url of another backend", "pipeline list", 4, "begins with 'redis://'", "sqlite:///", "job_queue.type: rq",
         prepare=_conf(b"job_queue: {backend: {url: 'redis://:hunter2@h'}}\n")),
    path("all invalid", "pipeline validate", 4, "badcron.yml, line 2: schedule.cron", "circle",
         "badkey.yml, line 2"),
    path("input in YAML", "pipeline run badinput", 2, "no input 'y'", "badinput.yml"),
    path("type in YAML", "pipeline run wrongtype", 2, "x takes int", "'two'"),
    path("node raises", "pipeline run raises", 6, "broken", "pipelines/raises.py, line 2", "no such luck"),
    path("hostile message", "pipeline run markup", 6, r"[/] [red]x[/red] \x1b[31m \u202e \r"),
    path("node exits", "pipeline run exits", 6, "broken", "SystemExit", "3"),
    path("message raises", "pipeline run unprintable", 6, "broken", "str() raised TypeError"),
    path("recursion", "pipeline run recurses", 6, "broken", "RecursionError"),
    path("syntax error", "pipeline run syntax", 6, "pipelines/syntax.py, line 1", "SyntaxError"),
    path("import fails", "pipeline run badimport", 6, "pipelines/badimport.py, line 1", "no_such_library"),
    path("import exits", "pipeline run exitimport", 6, "pipelines/exitimport.py", "SystemExit"),
    path("circle", "pipeline run circle", 4, "circle", "a -> b"),
    path("no types", "pipeline run untyped", 4, "pipelines/untyped.py, line 1: a:", "function a", "DAG"),
    path("input asked for", "pipeline run total --final-vars left", 2, "left (int), which is asked for"),
    path("input mistyped in code", "pipeline run mistyped", 2, "order (int), needed by total. Did you mean 'orders'?"),
    path("setting like a node", "pipeline run config", 4, "config.yml, line 1: run.config.double", "is a node"),
    path("placeholder without quotes", "pipeline run flow", 4, "flow.yml, line 1", 'a placeholder needs quotes: "${X}"'),
    path("output nowhere", "pipeline run good -o /no/such/file", 1, "/no/such/file", "No such file"),
    *NOT_ASKED,
    path("new over old", "pipeline new good", 8, "good.yml already exists"),
    path("init over old", "init", 8, "project.yml already exists"),
    path("no pipeline for a job", "job-queue add-job goood", 3, "no pipeline 'goood'", "'good'"),
    path("run-at no time", "job-queue add-job good --run-at tomorrow", 2, "--run-at", "ISO 8601"),
    path("run-at no date", "job-queue add-job good --run-at 2026-02-30", 2, "--run-at", "'2026-02-30'"),
    path("run-in no duration", "job-queue add-job good --run-in soon", 2, "--run-in", "1h30m"),
    path("run-in backwards", "job-queue add-job good --run-in -5m", 2, "--run-in", "'-5m'"),
    path("run-in too long", "job-queue add-job good --run-in 5000w99999d", 2, "100 years"),
    path("run-at and run-in", "job-queue add-job good --run-at 2199-01-01 --run-in 5m", 2,
         "--run-at and --run-in are both given"),
    path("no queue", "job-queue add-job good --queue defualt", 2, "'defualt'", "'default'"),
    path("bad job id", "job-queue add-job good --job-id a/b", 2, "'a/b'", "A-Z a-z 0-9 _ -"),
    path("bad result ttl", "job-queue add-job good --result-ttl -2", 2, "--result-ttl", "'-2'"),
    path("priority too high", "job-queue add-job good --priority 101", 2, "priority is 101",
         "-100 to 100"),
    path("priority too low", "schedule add good --cron @daily --priority -101", 2,
         "priority is -101", "-100 to 100"),
    path("priority no number", "job-queue add-job good --priority high", 2, "--priority",
         "'high' is not a whole number"),
    path("expires at once", "job-queue add-job good --expires 0", 2, "expires is 0",
         "more than 0 seconds"),
    path("bad expires", "schedule add good --cron @daily --expires soon", 2, "--expires", "'soon'"),
    path("bad timeout", "job-queue add-job good --timeout long", 2, "--timeout", "'long'"),
    path("job no pair", "job-queue add-job good -i x", 2, "-i takes KEY=VALUE", "'x'"),
    path("bad type", "job-queue add-job good --type celery", 2, "--type", "apscheduler"),
    path("no job named", "job-queue wait", 2, "Missing argument", "JOB"),
    path("bad status", "job-queue list-jobs --status faild", 2, "'faild'", "Did you mean 'failed'"),
    path("bad since", "job-queue list-jobs --since whenever", 2, "--since", "ISO 8601"),
    path("bad limit", "job-queue list-jobs --limit all", 2, "--limit", "'all' is not a whole number"),
    path("no slots", "job-queue start-worker -n 0", 2, "num_workers is 0", "1 to 1000"),
    path("no jobs to do", "job-queue start-worker --max-jobs 0", 2, "max_jobs is 0", "1 or more"),
    path("no queue to watch", "job-queue start-worker --queues default,bgi", 2, "'bgi'"),
    path("no queues to watch", "job-queue start-worker --queues ,", 2, "--queues"),
    path("no job to show", "job-queue show-job nothing", 3, "no job 'nothing'", "list-jobs"),
    path("job mistyped", "job-queue show-job nigthly", 3, "Did you mean 'nightly'", prepare=_nightly),
    path("no job to cancel", "job-queue cancel-job nothing", 3, "no job 'nothing'"),
    path("no jobs to cancel", "job-queue cancel-job one two", 3, "2 jobs", "'one'", "'two'"),
    path("no job to retry", "job-queue retry-job nothing", 3, "no job 'nothing'"),
    path("no job to delete", "job-queue delete-job nothing --yes", 3, "no job 'nothing'"),
    path("no job to wait for", "job-queue wait nothing", 3, "no job 'nothing'"),
    path("no log", "job-queue logs nothing -f", 3, "no job 'nothing'"),
    path("no such attempt", "job-queue logs nightly --attempt 7", 2, "--attempt 7", prepare=_nightly),
    path("database damaged", "job-queue list-jobs", 5, "jobs.db cannot be used",
         prepare=_database(b"garbage" * 1000)),
    path("database empty", "job-queue add-job good", 5, "jobs.db", "empty", prepare=_database(b"")),
    path("nobody does it", "job-queue wait nightly --timeout 0", 7, "nightly", "is queued",
         "job-queue workers", prepare=_nightly),
    path("retry of what waits", "job-queue retry-job nightly", 8, "nightly", prepare=_nightly),
    path("job in memory", "job-queue add-job good", 8, "in memory", "sqlite:///", prepare=MEMORY),
    path("worker in memory", "job-queue start-worker", 8, "in memory", prepare=MEMORY),
    path("no pipeline for a schedule", "schedule add goood --cron @daily", 3, "no pipeline 'goood'", "'good'"),
    path("wrong cron", "schedule add good --cron @dayly", 2, "'@dayly'", "@daily"),
    Path_("six fields", ("schedule", "add", "good", "--cron", "0 0 8 * * *"), 2, ("6 fields",)),
    Path_("no such hour", ("schedule", "add", "good", "--cron", "0 25 * * *"), 2, ("25", "hour")),
    path("two triggers", "schedule add good --cron @daily --interval 1h", 2,
         "exactly one of --cron, --every, --interval and --date"),
    path("nothing declared", "schedule add good", 2, "good has no schedule of its own",
         "conf/pipelines/good.yml"),
    path("declared and wrong", "schedule add badcron", 4, "badcron.yml, line 2", "61"),
    path("options without a trigger", "schedule add hourly --max-retries 1", 2, "--max-retries",
         "--cron, --every, --interval or --date", "conf/pipelines/hourly.yml"),
    path("none of those declared", "schedule add hourly --schedule-id x", 2, "declares no schedule 'x'"),
    path("no step", "schedule add good --every 2w --start 2030-01-01", 2, "'2w' is no step of the calendar",
         "such as 2 weeks"),
    path("step without a start", "schedule add good --every week", 2, "needs a start", "--start 2026"),
    path("no date to except", "schedule add good --cron @daily --except xmas", 2, "'xmas' is not a date"),
    path("diff of no pipeline", "schedule diff goood", 3, "no pipeline 'goood'", "'good'"),
    path("apply of no pipeline", "schedule apply goood", 3, "no pipeline 'goood'", "'good'"),
    path("apply of wrong YAML", "schedule apply badcron", 4, "badcron.yml, line 2", "61"),
    path("diff in memory", "schedule diff", 8, "in memory", "sqlite:///", prepare=MEMORY),
    path("interval of nothing", "schedule add good --interval 0", 2, "at least 1 second"),
    path("no interval", "schedule add good --interval often", 2, "'often' is not a duration"),
    path("no date", "schedule add good --date tomorrow", 2, "'tomorrow' is not a time"),
    path("cron and zone", "schedule add twofaults", 4, "twofaults.yml, line 3: schedule.cron",
         "twofaults.yml, line 4: schedule.timezone", "Europe/Berlin"),
    Path_("cron and zone given", ("schedule", "preview", "--cron", "61 * * * *", "--timezone", "Europe/Berln"), 2,
          ("2 faults", "'61' is out of range", "Did you mean 'Europe/Berlin'")),
    Path_("too many minutes", ("schedule", "add", "good", "--cron", "*/90 * * * *"), 2, ("--interval 90m",)),
    Path_("zone in the cron", ("schedule", "add", "good", "--cron", "CRON_TZ=UTC 0 8 * * *"), 2, ("--timezone UTC",)),
    path("date in the past", "schedule add good --date 2020-01-01", 2, "would never fire", "1 January 2020"),
    path("end in the past", "schedule add good --interval 1h --end 2020-01-01", 2, "would never fire"),
    path("postgres", "pipeline list", 4, "begins with 'postgres://'", "Did you mean 'postgresql://…'",
         prepare=_conf(b"job_queue: {backend: {url: 'postgres://me:hunter2@h/d'}}\n")),
    path("number as a password", "pipeline list", 4, "line 1: job_queue.backend.password: expected text, got ***; put it in quotes.",
         prepare=_conf(b"job_queue: {type: rq, backend: {password: 41496}}\n")),
    path("no zone", "schedule add good --cron @daily --timezone Europe/Berln", 2, "Europe/Berlin"),
    path("bad start", "schedule add good --cron @daily --start soon", 2, "--start", "ISO 8601"),
    path("end before start", "schedule add good --cron @daily --start 2030-01-02 --end 2030-01-01", 2,
         "lies before the start"),
    path("bad schedule jitter", "schedule add good --interval 1m --jitter 2m", 2,
         "jitter must be shorter than the interval"),
    path("no instances", "schedule add good --cron @daily --max-instances 0", 2,
         "max_instances is 0", "1 to 1000"),
    path("bad grace", "schedule add good --cron @daily --misfire-grace-time -1", 2,
         "--misfire-grace-time", "'-1'"),
    path("no queue for a schedule", "schedule add good --cron @daily --queue defualt", 2,
         "'defualt'", "'default'"),
    path("bad schedule id", "schedule add good --cron @daily --schedule-id a/b", 2, "'a/b'", "A-Z a-z 0-9 _ -"),
    path("schedule id like an option", "schedule add good --cron @daily --schedule-id=-x", 2,
         "'-x'", "not beginning with -"),
    path("schedule no pair", "schedule add good --cron @daily -i x", 2, "-i takes KEY=VALUE", "'x'"),
    path("bad state", "schedule list --state activ", 2, "'activ'", "Did you mean 'active'"),
    path("no schedule named", "schedule pause", 2, "Missing argument", "SCHEDULE"),
    path("preview of nothing", "schedule preview", 2, "exactly one of --cron, --every, --interval and --date"),
    path("preview of both", "schedule preview nightly --cron @daily", 2, "both given"),
    path("preview of none", "schedule preview --cron @daily --count 0", 2, "--count", "1 to 1000"),
    path("no schedule", "schedule show nihgtly", 3, "no schedule 'nihgtly'", "Did you mean 'nightly'",
         prepare=_calendar),
    path("no schedule to preview", "schedule preview nothing", 3, "no schedule 'nothing'"),
    path("no schedule to pause", "schedule pause nothing", 3, "no schedule 'nothing'", "schedule list"),
    path("no schedules to resume", "schedule resume one two", 3, "2 schedules", "'one'", "'two'"),
    path("no schedule to run", "schedule run-now nothing", 3, "no schedule 'nothing'"),
    path("no schedule to delete", "schedule delete nothing --yes", 3, "no schedule 'nothing'"),
    path("no history", "schedule history nothing", 3, "no schedule 'nothing'"),
    path("no Redis", "schedule list", 5, "redis://:***@127.0.0.1:1/0", prepare=NO_REDIS),
    path("no Redis to schedule", "job-queue start-scheduler", 5, "redis://:***@127.0.0.1:1/0",
         prepare=NO_REDIS),
    path("another schedule", "schedule add good --cron @daily --schedule-id nightly", 8,
         "schedule nightly already", "--overwrite", prepare=_calendar),
    path("done is not paused", "schedule pause over", 8, "over is done", prepare=_calendar),
    path("done is not resumed", "schedule resume over", 8, "over is done", prepare=_calendar),
    path("schedule in memory", "schedule add good --cron @daily", 8, "in memory", prepare=MEMORY),
    path("scheduler in memory", "job-queue start-scheduler", 8, "in memory", prepare=MEMORY),
]  # fmt: skip

ENVIRONMENTS: dict[str, dict[str, str]] = {
    "terminal": {},
    "narrow terminal": {"COLUMNS": "40"},
    "NO_COLOR": {"NO_COLOR": "1"},
    "dumb": {"TERM": "dumb"},
    "LC_ALL=C": {"LC_ALL": "C"},
    "closed stdin": {},
}


# One function shows every error. These take the ways that it goes: the parser, our own checks, files
# with one fault and with several, a backend, runs with their progress, questions, and each exit code.
SHOWN_EVERYWHERE = {
    "no command", "value missing", "digits of elsewhere", "unknown input", "no pipeline",
    "no pipeline for a schedule", "unknown key", "all faults at once", "no Redis", "node raises",
    "hostile message", "recursion", "no jobs to cancel", "scheduler in memory", "output nowhere",
    "nobody does it", "new over old", "not asked", "not asked for a job", "not asked for a schedule",
}  # fmt: skip


# What in the list of all faults some of them are.
FAULTS = {
    "hostile-yaml": ("unknown key", "wrong kind", "key twice", "tag", "not YAML", "a list", "not UTF-8"),
    "hostile-names": ("bad new name", "new name like an option", "long new name", "bad job id",
                      "bad schedule id", "bad project name"),
    "hostile-inputs": ("inputs no JSON", "inputs broken", "inputs a list", "input of a wrong type",
                       "digits of elsewhere"),
    "hostile-cron": ("wrong cron", "six fields", "no such hour", "too many minutes", "zone in the cron"),
    "hostile-dates": ("run-at no time", "run-at no date", "run-in backwards", "run-in too long", "no date"),
    "hostile-zones": ("no zone", "unknown zone"),
    "text-in-errors": ("hostile message",),
    "forged-path": ("path as pipeline",),
}  # fmt: skip
