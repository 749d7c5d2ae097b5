"""Which modules are new: what a child of a worker has imported."""

import sys
import types

from flowerpower.files.project_code import NewModules


def add(*names: str) -> None:
    for name in names:
        sys.modules[name] = types.ModuleType(name)


def remove(*names: str) -> None:
    for name in names:
        sys.modules.pop(name, None)


def test_at_first_all_modules_are_new() -> None:
    """A process that counts none as known looks at each once."""
    new = NewModules()
    assert set(new.names()) == set(sys.modules)
    assert new.names() == []


def test_only_what_was_imported_since_is_new() -> None:
    """Each is named once."""
    new = NewModules()
    new.skip()
    assert new.names() == []
    try:
        add("new_1", "new_2")
        assert sorted(new.names()) == ["new_1", "new_2"]
        assert new.names() == []
    finally:
        remove("new_1", "new_2")


def test_what_is_imported_again_is_new_again() -> None:
    """Even if it is the last one that was known."""
    try:
        add("new_1", "new_2")
        new = NewModules()
        new.skip()
        remove("new_1", "new_2")
        add("new_2", "new_1")
        assert {"new_1", "new_2"} <= set(new.names())
        remove("new_1")
        add("new_3", "new_1")
        assert {"new_1", "new_3"} <= set(new.names())
    finally:
        remove("new_1", "new_2", "new_3")


def test_a_module_that_was_removed_is_not_kept_alive() -> None:
    """What it holds is closed when nobody else refers to it."""
    import weakref

    add("new_1")
    gone = weakref.ref(sys.modules["new_1"])
    new = NewModules()
    new.skip()
    remove("new_1")
    assert gone() is None


def test_other_objects_among_the_modules_are_found_too() -> None:
    """Some programs put there what is no module."""
    new = NewModules()
    try:
        sys.modules["new_1"] = 5  # type: ignore[assignment]
        assert "new_1" in new.names()
        assert "new_1" in new.names(), "it has no reference to compare with: all are looked at"
    finally:
        remove("new_1")
