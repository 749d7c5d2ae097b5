"""Making a new project, empty or from an example."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flowerpower.config.files import PIPELINES_FOLDER, PROJECT_FILE
from flowerpower.config.project_source import is_url
from flowerpower.errors import (
    ConfigError,
    FlowerpowerError,
    InvalidName,
    Refused,
    UsageError,
    os_errors_as,
)
from flowerpower.files.atomic import write_files
from flowerpower.pipeline.bundles.importing import (
    check_targets,
    is_project_folder,
    read_bundle,
    read_project_folder,
)
from flowerpower.pipeline.registry import MODULES_FOLDER
from flowerpower.text import check_name, did_you_mean, is_name
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.pipeline.upstream.conversion import Conversion
    from flowerpower.pipeline.upstream.report import Row

_PROJECT_YML = """\
name: "{name}"
timezone: {timezone}
"""
# Without a url one word moves the queue: a url belongs to one of the two types.
_JOB_QUEUE_YML = """\
job_queue:
  # apscheduler keeps jobs in the SQLite file .flowerpower/jobs.db, rq in the Redis on this machine.
  # After a change of this word, `flowerpower job-queue migrate --to TYPE` moves what waits.
  type: {backend}
  # Another place: postgresql://..., redis://...; with a password, from the environment.
  # backend:
  #   url: ${{JOB_QUEUE_URL}}
"""
_GITIGNORE_FILE = Path(".gitignore")
_GITIGNORE = """\
.flowerpower/
__pycache__/
"""


@dataclass(frozen=True)
class NewProject:
    """A project that was just made; `files` are relative to its `root`.

    `conversion` says what became of the settings of a project of upstream's, and `left_out` which
    settings of a project of ours the copy does not have.
    """

    name: str
    root: Path
    files: list[Path]
    conversion: Conversion | None = None
    left_out: list[Row] | None = None

    @property
    def pipelines(self) -> list[str]:
        """The names of the pipelines it starts with, sorted."""
        return sorted(path.stem for path in self.files if path.parent == PIPELINES_FOLDER)


def _examples_folder() -> Path:
    """The folder of the examples: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "examples"
    return installed if installed.is_dir() else package.parent / "examples"


def example_names() -> list[str]:
    """The examples that `create_project` can start from."""
    folder = _examples_folder()
    return sorted(path.name for path in folder.glob("*") if (path / PROJECT_FILE).is_file())


def create_project(
    parent: Path,
    name: str | None,
    backend: str | None = None,
    example: str | None = None,
    source: Path | str | None = None,
    timezone: str | None = None,
    *,
    dry_run: bool = False,
) -> NewProject:
    """Make a project in the folder `parent`/`name`, or in `parent` itself if there is no name.

    It starts empty, from an example, or from `source`: a bundle, the folder or URL of a project, or
    that of a project of upstream's, which is converted and not changed. By default its `timezone`
    and its `backend` are the old project's, or else the machine's and apscheduler. With `dry_run`
    nothing is written.

    Raises:
        InvalidName: if a project cannot have that name.
        InvalidTimezone: if there is no such time zone.
        UsageError: if there is no such example or source, or both are given.
        ConfigError: if the source contains what must not be copied.
        Refused: if a file that it would write already exists, or no zone is named and the
            machine's has no name; nothing is written then.
        FlowerpowerError: if it cannot be written.
    """
    if example and source:
        raise UsageError("A project starts from an example or from a path, not from both.")
    root = parent / check_name("name of a project", name) if name else parent
    if not is_name(root.name):
        message = f"The folder {root.name!r} cannot be the name of a project."
        raise InvalidName(message, hint="Give a NAME to `init`.")
    with _local_copy(source) as folder:
        start = _start(root.name, example, folder, backend, timezone)
    contents = {**start.files, PROJECT_FILE: start.project.encode()}
    contents.setdefault(_GITIGNORE_FILE, _GITIGNORE.encode())
    # A repository often has one before its project; it stays as it is.
    if os.path.lexists(root / _GITIGNORE_FILE):
        del contents[_GITIGNORE_FILE]
    for path in contents:
        if os.path.lexists(root / path):
            hint = "Choose another name or folder."
            raise Refused(f"{path} already exists in {root}.", hint=hint)
    check_targets(root, contents)
    folders = [root / PIPELINES_FOLDER, root / MODULES_FOLDER]
    if not dry_run:
        with os_errors_as(FlowerpowerError, f"The project cannot be made in {root}"):
            write_files({root / path: content for path, content in contents.items()}, folders)
    return NewProject(root.name, root, sorted(contents), start.conversion, start.left_out)


@contextlib.contextmanager
def _local_copy(source: Path | str | None) -> Iterator[Path | None]:
    """The source itself, or while it is entered a copy of the project at a URL."""
    if not is_url(source):
        yield None if source is None else Path(source)
        return
    from tempfile import TemporaryDirectory

    from flowerpower.config.remote.source import RemoteSource

    remote = RemoteSource(str(source))
    with TemporaryDirectory(prefix="flowerpower-") as name:
        remote.copy_to(Path(name))
        try:
            yield Path(name)
        except ConfigError as error:
            # Nobody knows the copy.
            error.message = error.message.replace(name, remote.shown)
            raise


@dataclass(frozen=True)
class _Start:
    """What a project starts with: the text of its conf/project.yml, and the other files."""

    project: str
    files: dict[Path, bytes] = field(default_factory=dict)
    conversion: Conversion | None = None
    left_out: list[Row] | None = None


def _start(
    name: str, example: str | None, source: Path | None, backend: str | None, timezone: str | None
) -> _Start:
    zone = None if timezone is None else clock.timezone(timezone).key
    if (conversion := _converted(source, name, backend)) is not None:
        from flowerpower.pipeline.upstream.new_file import yaml_text

        settings = dict(conversion.project)
        old_zone = settings.pop("timezone", None)
        head = _PROJECT_YML.format(name=name, timezone=zone or old_zone or _local_zone_name())
        return _Start(head + yaml_text(settings), conversion.files, conversion)
    if source is not None and is_project_folder(source):
        from flowerpower.pipeline.copied_settings import copied_settings

        files = read_project_folder(source)
        copied = copied_settings(files[PROJECT_FILE], name, zone, backend, _local_zone_name)
        return _Start(copied.text, files, left_out=copied.left_out)
    files = _files_to_start_with(example, source)
    head = _PROJECT_YML.format(name=name, timezone=zone or _local_zone_name())
    return _Start(head + _JOB_QUEUE_YML.format(backend=backend or "apscheduler"), files)


def _converted(source: Path | None, name: str, backend: str | None) -> Conversion | None:
    """The project of upstream's in the folder `source` as ours; None if it is none."""
    if source is None:
        return None
    # Most projects are made from nothing.
    from flowerpower.pipeline.upstream.conversion import convert_project
    from flowerpower.pipeline.upstream.old_project import read_old_project

    old = read_old_project(source)
    if old is None:
        return None
    return convert_project(old, name, backend)


def _local_zone_name() -> str:
    local = clock.local_zone()
    if local.name is None:
        # Not UTC without a word: every schedule would fire hours off.
        raise Refused(
            f"{local.problem} The project's time zone is not known.",
            hint="Name it: --timezone Europe/Berlin.",
        )
    return local.name


def _files_to_start_with(example: str | None, source: Path | None) -> dict[Path, bytes]:
    if example:
        names = example_names()
        if example not in names:
            raise UsageError(
                f"There is no example {example!r}.{did_you_mean(example, names)}",
                hint=f"The examples are: {', '.join(names)}.",
            )
        return read_project_folder(_examples_folder() / example)
    return {} if source is None else dict(read_bundle(source).files)
