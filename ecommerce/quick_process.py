"""A Python process that imports a lot and lives for seconds: what it does not need is left out.

Of 2.0 s of processor time of a command that runs a flow, 0.3 s went into looking for garbage among imported objects,
which all stay, 0.45 s into taking the modules apart at the end, whose memory goes back with the process anyway, and
0.2 s into modules that Prefect imports for every run and only few runs use.
"""

import atexit
import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType

GARBAGE_AFTER = 300_000
"""New objects between two looks for garbage: imports make a million that stay."""


_at_once: list[bool] = []


def run_to_its_end(work: Callable[[], object]) -> None:
    """Do the work and end the process with its exit code, after its threads and everything registered with atexit."""
    gc.set_threshold(GARBAGE_AFTER, 20, 20)
    code: list[int] = []
    # What is registered first is called last.
    atexit.register(lambda: _end(code[0]) if code else None)
    try:
        work()
        code.append(0)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            code.append(end.code or 0)
            if _at_once:
                _end(code[0])
        raise


def end_at_once() -> None:
    """Have `run_to_its_end` wait for no thread and nothing registered with atexit: what they send reaches nobody."""
    _at_once.append(True)


def import_when_used(*modules: str) -> None:
    """Make modules run their code when something of theirs is used first, not when they are imported.

    As `importlib.util.LazyLoader`, but to import a module a second time, or to look where it is from, is no use of it.
    Of modules that were imported before, nothing changes.
    """
    for finder in sys.meta_path:
        if isinstance(finder, _WhenUsed):
            finder.modules.update(modules)
            return
    sys.meta_path.insert(0, _WhenUsed(set(modules)))


class _WhenUsed(MetaPathFinder):
    def __init__(self, modules: set[str]) -> None:
        self.modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in self.modules else None
        if spec and spec.loader:
            spec.loader = _LoaderWhenUsed(spec.loader)
        return spec


class _LoaderWhenUsed(Loader):
    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Unused(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass  # _Unused does, when it is used


_loading = RLock()

_GIVEN_BY_THE_IMPORT = ("__path__", "__file__", "__cached__")
"""What a module has where its kind has it; the import looks for it while it makes the module."""


class _Unused(ModuleType):
    """A module whose code did not run yet. It has what the import gives to every module, and no more."""

    def __getattr__(self, name: str) -> object:
        # Of the class of all modules it is only after its code ran: another thread waits, or finds all of it.
        if self.__spec__ is None or name in _GIVEN_BY_THE_IMPORT:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        with _loading:
            loader = self.__spec__.loader
            if isinstance(loader, _LoaderWhenUsed):
                self.__spec__.loader = self.__loader__ = loader.loader
                try:
                    loader.loader.exec_module(self)
                except BaseException:
                    self.__spec__.loader = self.__loader__ = loader
                    raise
                self.__class__ = ModuleType  # type: ignore[assignment]
        return ModuleType.__getattribute__(self, name)


def _end(code: int) -> None:
    # Where `logging` was imported before, it would be called after this.
    if "logging" in sys.modules:
        sys.modules["logging"].shutdown()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # the reader of a pipe left
    except (OSError, ValueError):
        return  # Python says what is wrong with them
    os._exit(code)
