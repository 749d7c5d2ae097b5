"""Real schedulers, asked when they would fire: each a program of Debian, or a package of PyPI.

Nothing is installed on the machine: packages are fetched and unpacked in a folder of their own,
which a second call finds. Needs root (Debian's cron), a C compiler, a JDK and systemd-analyze.
Daemons that only run commands get a clock that only their own waiting moves (`virtual_clock.c`).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.tools import record_debian_cron

HERE = Path(__file__).parent
LIMIT = 600
"""Seconds that one program may take for one question."""


class Question(NamedTuple):
    """When an expression fires at whole seconds t with `start <= t < stop`, clocks in `zone`."""

    expression: str
    zone: str
    start: int
    stop: int


Answer = list[int] | None
"""Seconds since 1970; None if the program does not take the expression."""


def folder() -> Path:
    """Where packages are unpacked: SCHEDULERS, or one in the folder for temporary files."""
    path = Path(os.environ.get("SCHEDULERS") or Path(tempfile.gettempdir(), "other-schedulers"))
    path.mkdir(parents=True, exist_ok=True)
    return path


@cache
def debian(*packages: str) -> Path:
    """The folder that these packages of Debian are unpacked in, all in one."""
    root, archives = folder() / "root", folder() / "debs"
    archives.mkdir(exist_ok=True)
    for package in packages:
        if not list(archives.glob(f"{package}_*.deb")):
            _run("apt-get", "download", "-qq", package, cwd=archives)
        (archive,) = archives.glob(f"{package}_*.deb")
        if not (mark := archives / f"{package}.unpacked").exists():
            _run("dpkg", "-x", str(archive), str(root))
            mark.touch()
    return root


@cache
def clock() -> Path:
    """The compiled virtual clock."""
    target = folder() / "clock.so"
    _run("cc", "-shared", "-fPIC", "-w", "-o", str(target), str(HERE / "virtual_clock.c"))
    return target


def by_span(ask: Callable[[list[str], str, int, int], list[Answer]]) -> Callable[..., list[Answer]]:
    """Ask all questions of one zone and span at once: the expressions of one crontab."""

    def asking(questions: Sequence[Question]) -> list[Answer]:
        spans: dict[tuple[str, int, int], list[int]] = defaultdict(list)
        for place, question in enumerate(questions):
            spans[question[1:]].append(place)
        answers: list[Answer] = [None] * len(questions)
        for span, places in spans.items():
            expressions = [questions[place].expression for place in places]
            for place, answer in zip(places, ask(expressions, *span), strict=True):
                answers[place] = answer
        return answers

    return asking


@by_span
def debian_cron(expressions: list[str], zone: str, start: int, stop: int) -> list[Answer]:
    """Debian's cron; a file of its own for each expression, because a fault spoils a whole file."""
    debian("cron")
    (package,) = (folder() / "debs").glob("cron_*.deb")
    fires: dict[int, set[int]] = defaultdict(set)
    with tempfile.TemporaryDirectory() as name:
        root = record_debian_cron._root(Path(name), package)
        (root / "etc/crontab").write_text("")
        for number, expression in enumerate(expressions):
            file = root / "etc/cron.d" / f"e{number}"
            file.write_text(f"{expression} root fire {number}\n")
            file.chmod(0o644)
        log = root / "fires"
        log.write_text("")
        environ = {"TZ": zone, "FIRES": "/fires"} | _span(start - 60, stop)
        preload = ["/usr/bin/env", "LD_PRELOAD=/clock.so", "/usr/sbin/cron", "-f"]
        _run("/usr/sbin/chroot", str(root), *preload, env=environ)
        for line in log.read_text().splitlines():
            # A command that is made up may start a minute late, because cron sleeps.
            fires[int(re.findall(r"fire (\d+)", line)[0])].add(int(line.split()[0]) // 60 * 60)
    return _within(fires, len(expressions), start, stop)


@cache
def busybox() -> Path:
    """Debian's source of busybox, with nothing but crond; its own package has no crond.

    That of busybox-static has one, into which no clock can be loaded.
    """
    source = folder() / "src" / "busybox-1.35.0"
    if not (source / "busybox").exists():
        _source("busybox", "busybox_1.35.0.orig.tar.bz2")
        _run("make", "allnoconfig", cwd=source)
        config = source / ".config"
        text = config.read_text()
        for name in ("CROND", "FEATURE_CROND_D", "FEATURE_CROND_SPECIAL_TIMES"):
            text = text.replace(f"# CONFIG_{name} is not set", f"CONFIG_{name}=y")
        config.write_text(text)
        _run("sh", "-c", 'yes "" | make oldconfig && make', cwd=source, limit=1800)
    # By the name of its one applet, which needs no word for it.
    if not (source / "crond").exists():
        (source / "crond").symlink_to("busybox")
    return source / "crond"


@by_span
def busybox_crond(expressions: list[str], zone: str, start: int, stop: int) -> list[Answer]:
    """The crond of busybox, asked for each expression alone first: it must not end the others."""
    taken = [n for n, text in enumerate(expressions) if _busybox([text], zone, start, start + 60)]
    answers = _busybox([expressions[n] for n in taken], zone, start, stop) or []
    by_number = dict(zip(taken, answers, strict=True))
    return [by_number.get(number) for number in range(len(expressions))]


def _busybox(expressions: list[str], zone: str, start: int, stop: int) -> list[Answer] | None:
    with tempfile.TemporaryDirectory() as name:
        log = _crontab(Path(name, "tabs"), expressions)
        environ = _daemon(zone, start - 60, stop, log)
        command = [str(busybox()), "-f", "-c", f"{name}/tabs", "-L", "/dev/null"]
        done = subprocess.run(command, env=environ, timeout=LIMIT, check=False)
        if done.returncode:
            return None
        return _within(_read(log), len(expressions), start, stop)


@by_span
def bcron(expressions: list[str], zone: str, start: int, stop: int) -> list[Answer]:
    """The scheduler of bcron."""
    root = debian("bcron", "libbg2")
    with tempfile.TemporaryDirectory() as name:
        log = _crontab(Path(name, "crontabs"), expressions)
        os.mkfifo(Path(name, "trigger"))
        environ = _daemon(zone, start - 90, stop, log)
        environ |= {"LD_LIBRARY_PATH": str(root / "usr/lib"), "BCRON_SPOOL": name}
        shown = _run(str(root / "usr/sbin/bcron-sched"), env=environ)
        refused = re.findall(r"unparseable line: '.*?fire (\d+)'", shown)
        answers = _within(_read(log), len(expressions), start, stop)
        return [None if str(n) in refused else answer for n, answer in enumerate(answers)]


def mcron(questions: Sequence[Question]) -> list[Answer]:
    """What `mcron --schedule` says; a fault in a line would spoil the others."""
    return [_mcron(question) for question in questions]


def _mcron(question: Question) -> Answer:
    root = debian("mcron", "guile-3.0-libs", "libgc1", "libunistring2", "libffi8", "libgmp10")
    environ = _daemon(question.zone, question.start - 60, question.stop, folder() / "unused") | {
        "LD_LIBRARY_PATH": str(root / "usr/lib/x86_64-linux-gnu"),
        "GUILE_AUTO_COMPILE": "0",
        "GUILE_LOAD_PATH": f"{root}/usr/share/guile/3.0:{root}/usr/share",
        "GUILE_LOAD_COMPILED_PATH": f"{root}/usr/lib/x86_64-linux-gnu/guile/3.0/ccache",
        "VIRTUAL_END": "99999999999",
    }
    count = min((question.stop - question.start) // 60, 400)
    command = [root / "usr/bin/mcron", "-i", "vixie", "-s", str(count), "-"]
    try:
        done = subprocess.run(
            command, input=f"{question.expression} fire\n", env=environ, capture_output=True,
            text=True, timeout=20, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        # It looks for a date that never comes without an end.
        return None
    if done.returncode:
        return None
    lines = re.findall(r"^\w{3} \w{3} .* [+-]\d{4}$", done.stdout, re.MULTILINE)
    times = [int(datetime.strptime(line, "%a %b %d %H:%M:%S %Y %z").timestamp()) for line in lines]
    return sorted({time for time in times if question.start <= time < question.stop})


def systemd_cron(questions: Sequence[Question]) -> list[Answer]:
    """What systemd-cron's generator makes of a line, asked of systemd."""
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    root = debian("systemd-cron")
    path = root / "lib/systemd/system-generators/systemd-crontab-generator"
    spec = spec_from_loader("generator", SourceFileLoader("generator", str(path)))
    generator = module_from_spec(spec)
    with warnings.catch_warnings(action="ignore"):
        spec.loader.exec_module(generator)
    answers: list[Answer] = []
    for question in questions:
        with tempfile.TemporaryDirectory() as name:
            generator.TARGET_DIR = generator.TIMERS_DIR = name
            Path(name, "tab").write_text(f"{question.expression} root fire\n")
            for job in generator.parse_crontab(f"{name}/tab"):
                if "c" in job:
                    generator.generate_timer_unit(job, unit_name="unit")
            timer = Path(name, "unit.timer")
            lines = timer.read_text() if timer.exists() else ""
        calendar = re.findall(r"^OnCalendar=(.*)$", lines, re.MULTILINE)
        answers.append(_systemd(question._replace(expression=calendar[0])) if calendar else None)
    return answers


def systemd(questions: Sequence[Question]) -> list[Answer]:
    """What `systemd-analyze calendar` says."""
    return [_systemd(question) for question in questions]


def _systemd(question: Question) -> Answer:
    iterations = min((question.stop - question.start) // 60, 3000)
    base = datetime.fromtimestamp(question.start - 1, UTC)
    done = subprocess.run(
        ["systemd-analyze", "calendar", f"--iterations={iterations}",
         f"--base-time={base:%Y-%m-%d %H:%M:%S} UTC", question.expression],
        env={**os.environ, "TZ": question.zone, "LC_ALL": "C"}, capture_output=True, text=True,
        timeout=LIMIT, check=False,
    )  # fmt: skip
    if done.returncode:
        return None
    shown = re.findall(r"\w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC$", done.stdout, re.MULTILINE)
    times = [int(datetime.fromisoformat(f"{text}+00:00").timestamp()) for text in shown]
    return sorted({time for time in times if question.start <= time < question.stop})


def quartz(questions: Sequence[Question]) -> list[Answer]:
    """Quartz's CronExpression."""
    jar = debian("libquartz2-java") / "usr/share/java/quartz2.jar"
    _run("javac", "-cp", str(jar), "-d", str(folder()), str(HERE / "ask_quartz.java"))
    return _by_lines(["java", "-cp", f"{jar}:{folder()}", "AskQuartz"], questions)


def robfig(questions: Sequence[Question]) -> list[Answer]:
    """robfig/cron, which Kubernetes reads its schedules with."""
    root = debian("golang-1.19-go", "golang-1.19-src", "golang-github-robfig-cron-dev")
    program, go = folder() / "ask_robfig", folder() / "go"
    if not program.exists():
        go.mkdir(exist_ok=True)
        for part in ("share", "lib"):
            _run("cp", "-a", f"{root}/usr/{part}/go-1.19/.", str(go))
        environ = {
            **os.environ, "GOROOT": str(go), "GOPATH": str(root / "usr/share/gocode"),
            "GO111MODULE": "off", "GOCACHE": str(folder() / "go-cache"),
        }  # fmt: skip
        command = [str(go / "bin/go"), "build", "-o", str(program), str(HERE / "ask_robfig.go")]
        _run(*command, env=environ, limit=1800)
    return _by_lines([str(program)], questions)


def apscheduler(questions: Sequence[Question]) -> list[Answer]:
    """APScheduler's CronTrigger.from_crontab, asked for one fire after another."""
    from apscheduler.triggers.cron import CronTrigger

    answers: list[Answer] = []
    for question in questions:
        try:
            trigger = CronTrigger.from_crontab(question.expression, timezone=question.zone)
        except ValueError:
            answers.append(None)
            continue
        fires: list[int] = []
        begin = datetime.fromtimestamp(question.start, trigger.timezone)
        fire = trigger.get_next_fire_time(None, begin)
        while fire is not None and fire.timestamp() < question.stop:
            fires.append(int(fire.timestamp()))
            fire = trigger.get_next_fire_time(fire, fire)
        answers.append(fires)
    return answers


def airflow(questions: Sequence[Question]) -> list[Answer]:
    """The code that Airflow's timetables of cron expressions are made of."""
    target = folder() / "airflow"
    if not (target / "deps").exists():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        _run(*pip, "download", "-q", "--no-deps", "apache-airflow-core==3.3.2", "-d", str(target))
        (wheel,) = target.glob("*.whl")
        parts = ["airflow/timetables/*", "airflow/_shared/timezones/*", "airflow/utils/dates.py"]
        _run("unzip", "-q", "-o", str(wheel), *parts, "-d", str(target))
        _run(*pip, "install", "-q", "--target", str(target / "deps"), "pendulum", "cron-descriptor")
    # All else of Airflow would need a hundred packages; this is the one name that is imported.
    (target / "airflow/exceptions.py").write_text(
        "class AirflowTimetableInvalid(ValueError): ...\n"
    )
    environ = {**os.environ, "PYTHONPATH": f"{target}:{target / 'deps'}"}
    return _by_lines([sys.executable, str(HERE / "ask_airflow.py")], questions, environ)


PROGRAMS: dict[str, Callable[[Sequence[Question]], list[Answer]]] = {
    "debian": debian_cron,
    "busybox": busybox_crond,
    "bcron": bcron,
    "mcron": mcron,
    "systemd-cron": systemd_cron,
    "systemd": systemd,
    "quartz": quartz,
    "kubernetes": robfig,
    "apscheduler": apscheduler,
    "airflow": airflow,
}


def version_of(dialect: str) -> str:
    """What was asked, with its version."""
    from importlib.metadata import version

    packages = {"debian": "cron", "quartz": "libquartz2-java"}
    packages["kubernetes"] = "golang-github-robfig-cron-dev"
    package = packages.get(dialect, dialect)
    archives = [path.name.split("_")[1] for path in (folder() / "debs").glob(f"{package}_*.deb")]
    if archives:
        shown = f"Debian package {package} {archives[0].replace('%3a', ':')}"
    else:
        shown = {
            "busybox": "busybox 1.35.0, from Debian's source",
            "apscheduler": f"APScheduler {version('apscheduler')}",
            "airflow": f"apache-airflow-core 3.3.2 with croniter {version('croniter')}",
        }.get(dialect, "")
    if "systemd" in dialect:
        systemd = _run("systemd-analyze", "--version").partition("\n")[0]
        return (
            f"{shown} with systemd-analyze of {systemd}"
            if shown
            else f"systemd-analyze of {systemd}"
        )
    return shown


def _source(package: str, archive: str) -> None:
    """Fetch a source package of Debian, and unpack its archive."""
    target, lists = folder() / "src", folder() / "apt"
    target.mkdir(exist_ok=True)
    (lists / "lists/partial").mkdir(parents=True, exist_ok=True)
    # The machine's own mirror, which may list packages only.
    targets = ("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)")
    mirror = _run(*targets, "Created-By: Packages", "Component: main").partition("\n")[0]
    (lists / "sources.list").write_text(f"deb-src {mirror}\n")
    options = [
        "-o", f"Dir::Etc::sourcelist={lists}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null",
        "-o", f"Dir::State::lists={lists}/lists",
    ]  # fmt: skip
    _run("apt-get", *options, "update", "-qq", limit=300)
    _run("apt-get", *options, "source", "-qq", "--download-only", package, cwd=target, limit=300)
    _run("tar", "xf", archive, cwd=target)


def _span(start: int, stop: int) -> dict[str, str]:
    # A little longer: what is due at the last minute is looked at a moment later.
    return {"VIRTUAL_START": str(start), "VIRTUAL_END": str(stop + 60)}


def _daemon(zone: str, start: int, stop: int, log: Path) -> dict[str, str]:
    return {"TZ": zone, "LD_PRELOAD": str(clock()), "FIRES": str(log), **_span(start, stop)}


def _crontab(tabs: Path, expressions: Iterable[str]) -> Path:
    tabs.mkdir()
    lines = [f"{expression} fire {number}\n" for number, expression in enumerate(expressions)]
    (tabs / "root").write_text("".join(lines))
    log = tabs.parent / "fires"
    log.touch()
    return log


def _read(log: Path) -> dict[int, set[int]]:
    fires: dict[int, set[int]] = defaultdict(set)
    for line in log.read_text().splitlines():
        second, _, number = line.split()
        fires[int(number)].add(int(second) // 60 * 60)
    return fires


def _within(fires: dict[int, set[int]], count: int, start: int, stop: int) -> list[Answer]:
    return [sorted(time for time in fires[n] if start <= time < stop) for n in range(count)]


def _by_lines(
    command: list[str], questions: Sequence[Question], environ: dict[str, str] | None = None
) -> list[Answer]:
    lines = [f"{q.zone}\t{q.start}\t{q.stop}\t{q.expression}\n" for q in questions]
    done = subprocess.run(
        command, input="".join(lines), env=environ, capture_output=True, text=True,
        timeout=10 * LIMIT, check=True,
    )  # fmt: skip
    return [
        None if line == "error" else [int(text) for text in line.split()]
        for line in done.stdout.splitlines()
    ]


def _run(
    *command: str, cwd: Path | None = None, env: dict[str, str] | None = None, limit: int = LIMIT
) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=limit, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = f"{done.stdout}\n{done.stderr}"[-2000:]
    assert done.returncode == 0, f"{command}: {done.returncode}\n{said}"
    return done.stdout + done.stderr
