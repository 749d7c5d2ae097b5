"""Import of a pipeline's modules as they are on disk now, here and in a worker of a cluster.

And the check for optional packages.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from flowerpower.config.file_stamps import file_stamp
from flowerpower.errors import ConfigError, RunFailed
from flowerpower.files.project_code import NewModules, is_inside, is_installed, is_own, module_paths
from flowerpower.text import did_you_mean

_NEVER_FORGOTTEN = ("flowerpower", "flowerpower_cli", "__main__", "__mp_main__")
_OUR_FOLDER = str(Path(__file__).parents[1])
_ZIP_OF_PYTHON = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
"""On the path of most Pythons, and hardly ever there."""


class _Imports:
    """All modules that were imported from some folders, and the states of their files then."""

    def __init__(self) -> None:
        self._stamps: dict[str, tuple[str, tuple[int, int] | None]] = {}
        self._new = NewModules()

    def __contains__(self, name: str) -> bool:
        return name in self._stamps

    def have(self, name: str, file: str, stamp: tuple[int, int]) -> bool:
        """Whether the module was imported from this file as it is now."""
        return self._stamps.get(name) == (file, stamp)

    def note(self, folders: Sequence[str]) -> None:
        """Note what has been imported from the folders since."""
        # Only what is new: to look at each of some thousand modules takes milliseconds.
        for name in self._new.names():
            file = next(iter(module_paths(sys.modules.get(name))), None)
            if (
                file is not None
                and name.partition(".")[0] not in _NEVER_FORGOTTEN
                and any(is_own(file, folder) for folder in folders)
            ):
                self._stamps[name] = file, file_stamp(file)
        for file, stamp in _configuration_read().items():
            if any(is_own(file, folder) for folder in folders):
                self._stamps[file] = file, stamp

    def forget(self, *, only_if_changed: bool) -> None:
        """Forget all of the modules, also if the file of only one has changed."""
        # One that has not changed refers to functions and classes of one that has.
        states = self._stamps.values()
        if only_if_changed and all(file_stamp(file) == stamp for file, stamp in states):
            return
        for name in self._stamps:
            sys.modules.pop(name, None)
        self._stamps.clear()
        self._new = NewModules()

    def skip(self) -> None:
        """Count all modules that are imported now as not from the folders."""
        self._new.skip()


_imports = _Imports()
"""Those of the project, not only those that a pipeline names."""
_roots: list[str] = []
"""The project on the path, at most one."""
_importing = threading.RLock()
_began = time.time_ns()
"""Before this process imported a pipeline's module."""
# Of a worker of a cluster, which serves other runs before and after:
_worker_base_path: list[str] = []
"""`sys.path` before its first run."""
_worker_path: list[str] = []
"""The import path of its last run."""
_worker_imports = _Imports()
"""Those from there."""


def _configuration_read() -> dict[str, tuple[int, int]]:
    """Files that modules of upstream's projects have read, when they were imported."""
    return dict(getattr(sys.modules.get("flowerpower.cfg"), "files_read", {}))


def import_modules(root: Path, names: Sequence[str]) -> list[ModuleType]:
    """The modules called `names`, looked for in the folder `root` first.

    If the file of any of the project's modules has changed, all of them are imported again.

    Raises:
        ConfigError: if there is no module of that name, or another one hides it.
        RunFailed: if importing it raised; `__cause__` is what it raised.
    """
    # One at a time: a module that is forgotten while another thread imports it is a KeyError there.
    with _importing:
        _put_first(str(root))
        _folders.list_again()
        _imports.forget(only_if_changed=True)
        try:
            return [_import(root, name) for name in names]
        finally:
            _imports.note(_roots)


class _Folders:
    """The folders that Python has listed to find modules, without those of installed packages."""

    def __init__(self) -> None:
        self._own: set[str] = set()
        self._last = ""

    def list_again(self) -> None:
        """Let Python find modules that were written since it has listed the folders."""
        # importlib.invalidate_caches does this for all, and takes a fifth of a small run. A folder
        # of packages is listed again anyway once its time has changed.
        cache = sys.path_importer_cache
        self._note_new()
        for folder in list(self._own):
            finder = cache.get(folder)
            if finder is not None:
                # A finder need not have this method.
                if forget := getattr(finder, "invalidate_caches", None):
                    forget()
                continue
            # It was no folder when Python looked.
            cache.pop(folder, None)
            self._own.discard(folder)
            self._last = ""

    def _note_new(self) -> None:
        # By their order, as in NewModules: a look at all would copy the memory that they are in.
        cache = sys.path_importer_cache
        folders = reversed(cache if threading.active_count() == 1 else cache.copy())
        newest = ""
        for folder in folders:
            newest = newest or folder
            if folder == self._last:
                break
            # Where we are not installed, our own folders are none of a project either.
            if is_inside(folder, _OUR_FOLDER) or folder.endswith(_ZIP_OF_PYTHON):
                continue
            if cache.get(folder) is None or not is_installed(folder):
                self._own.add(folder)
        self._last = newest or self._last


_folders = _Folders()


def leave_project() -> None:
    """Take the project off the path, and count what is imported now as packages."""
    with _importing:
        while _roots:
            root = _roots.pop()
            while root in sys.path:
                sys.path.remove(root)
        _imports.skip()


def note_imports() -> None:
    """Note what a run has imported of its project, in nodes too, so that edits of it are seen."""
    with _importing:
        _imports.note(_roots)


def _put_first(root: str) -> None:
    """Make `root` the first entry of the path, and forget modules of other projects.

    Two projects may well have modules of the same name.
    """
    for other in [known for known in _roots if known != root]:
        _roots.remove(other)
        while other in sys.path:
            sys.path.remove(other)
        _imports.forget(only_if_changed=False)
        for name, module in list(sys.modules.items()):
            if any(is_own(path, other) for path in module_paths(module)):
                del sys.modules[name]
    if root not in _roots:
        _roots.append(root)
    if not sys.path or sys.path[0] != root:
        sys.path.insert(0, root)


def _import(root: Path, name: str) -> ModuleType:
    # Python takes bytecode as current if the source has the same second and size: an edit right
    # after a run would be missed.
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        module = importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{name}.".startswith(f"{missing}."):
            _check_not_hidden(root, name)
            raise _no_such_module(root, name) from None
        raise RunFailed(f"The module {name} cannot be imported.") from error
    finally:
        sys.dont_write_bytecode = before
    if name not in _imports:
        _check_not_hidden(root, name)
    return module


def _check_not_hidden(root: Path, name: str) -> None:
    """Check that the project's own module of a name, if it has one, is the one that is imported.

    Raises:
        ConfigError: naming the package or module of the same name that Python has taken.
    """
    parts = name.split(".")
    bases = [root.joinpath(*parts[:count]) for count in range(1, len(parts) + 1)]
    files = (bases[-1].with_suffix(".py"), bases[-1] / "__init__.py")
    own = next((file for file in files if file.is_file()), None)
    if own is None:
        return
    for count, base in enumerate(bases, 1):
        part = ".".join(parts[:count])
        if part not in sys.modules:
            return
        paths = module_paths(sys.modules[part]) or ["a part of Python"]
        own_places = (base, base.with_suffix(".py"), base / "__init__.py")
        # Real paths: the project's folder may have been reached by a link.
        if not {*map(os.path.realpath, paths)} & {*map(os.path.realpath, own_places)}:
            hint = f"Rename {base.relative_to(root)}, or do not import the other before the run."
            if base.is_dir() and not (base / "__init__.py").exists():
                # Python takes a package with that file, wherever it is, before a folder without.
                hint = f"Write an empty file {(base / '__init__.py').relative_to(root)}."
            raise ConfigError(
                f"{own.relative_to(root)} is hidden by another {part!r}: {paths[0]}.", hint=hint
            )


def _no_such_module(root: Path, name: str) -> ConfigError:
    file = name.replace(".", "/") + ".py"
    known = [
        path.relative_to(root).as_posix()[:-3].replace("/", ".") for path in root.glob("*/*.py")
    ]
    hint = f"Write {file}, or name the modules in run.modules."
    if any((root / "src" / path).exists() for path in (file, file.removesuffix(".py"))):
        hint = (
            f"src/{file} is there: install the project (`pip install -e .`) or set PYTHONPATH=src."
        )
    return ConfigError(
        f"There is no module {name!r}: expected the file {file}.{did_you_mean(name, known)}",
        hint=hint,
    )


def imported_code() -> dict[str, tuple[int, int]] | None:
    """The files of all imported code that is not installed, each with its time (ns) and size.

    None if one of them may have changed since it was imported.
    """
    stamps: dict[str, tuple[int, int]] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        package = name.partition(".")[0]
        if not isinstance(file, str) or is_installed(file) or package in _NEVER_FORGOTTEN:
            continue
        stamp = file_stamp(file)
        # Only the project's modules are noted when they are imported, and imported again after an
        # edit. Any other was imported after this process began.
        if stamp is None or (not _imports.have(name, file, stamp) and stamp[0] > _began):
            return None
        stamps[file] = stamp
    read = _configuration_read()
    return stamps | read if all(file_stamp(file) == read[file] for file in read) else None


def project_import_path() -> list[str]:
    """The folders that this process imports from, without Python's own and installed packages."""
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    folders = dict.fromkeys(os.path.abspath(folder) for folder in sys.path)
    own = (folder for folder in folders if "site-packages" not in folder)
    return [folder for folder in own if not any(is_inside(folder, prefix) for prefix in prefixes)]


def call_with_path(path: list[str], function: Callable[[bytes], bytes], argument: bytes) -> bytes:
    """Call `function` here, with modules from `path` first and as they are on disk now."""
    with _importing:
        _prepare_worker(path)
    try:
        return function(argument)
    finally:
        with _importing:
            _worker_imports.note(_worker_path)


def _prepare_worker(path: list[str]) -> None:
    if not _worker_base_path:
        _worker_base_path.extend(sys.path)
        # As in _import: an edit right after a run would be missed.
        sys.dont_write_bytecode = True
    _worker_imports.forget(only_if_changed=path == _worker_path)
    _worker_path[:] = path
    sys.path[:] = [*path, *(folder for folder in _worker_base_path if folder not in path)]
    _folders.list_again()


def check_installed(what: str, module: str, extra: str) -> None:
    """Check that a module is installed, which `what` needs and our extra of that name brings.

    Raises:
        ConfigError: if not, with what to install.
    """
    try:
        is_installed = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        # The package that the module belongs to is missing too.
        is_installed = False
    if not is_installed:
        raise not_installed(what, f"there is no module {module!r}", extra)


def not_installed(what: str, reason: object, extra: str) -> ConfigError:
    """The error for a package that is missing, or cannot be imported."""
    return ConfigError(
        f"{what} is not installed: {reason}.",
        hint=f"Install it with `pip install 'flowerpower-cli[{extra}]'`.",
    )
