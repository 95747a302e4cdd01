"""Every row of the table fits the installed rustybt, and wrapping it can be taken back exactly."""

from __future__ import annotations

import importlib
import inspect
import pickle
import warnings

import pytest

import rbtrace
from rbtrace.recording.engines.control import locate
from rbtrace.recording.engines.table import TRACED_METHODS, Kind, extractor
from rbtrace.recording.wrapping import underlying

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def _rustybt():
    pytest.importorskip("rustybt", exc_type=ImportError)


def imported(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def present():
    """The objects the rows name, as they are now."""
    return {row.target: locate(imported(row.module), row)[2] for row in TRACED_METHODS}


def by_target(row):
    return row.target.removeprefix("rustybt.")


@pytest.mark.parametrize("row", TRACED_METHODS, ids=by_target)
def test_row_names_something_that_exists_and_can_be_recorded_so(row):
    _, _, found = locate(imported(row.module), row)
    function = underlying(found)
    assert inspect.isfunction(function)
    if row.kind is Kind.HOT:
        assert not inspect.iscoroutinefunction(function)
        assert not inspect.isgeneratorfunction(function)
    for name in (row.before, row.after):
        assert (extractor(name) is not None) == bool(name)


def test_names_and_targets_are_unique():
    assert len({row.target for row in TRACED_METHODS}) == len(TRACED_METHODS)
    assert len({row.span_name for row in TRACED_METHODS}) == len(TRACED_METHODS)


def test_two_rounds_restore_the_original_objects(tmp_path):
    before = present()
    for _ in range(2):
        rbtrace.instrument(directory=tmp_path)
        rbtrace.instrument(directory=tmp_path)
        wrapped = present()
        assert all(wrapped[target] is not before[target] for target in before)
        assert _both_names_of_load_are_one()
        rbtrace.uninstrument()
        rbtrace.uninstrument()
        after = present()
        assert all(after[target] is before[target] for target in before)
        assert _both_names_of_load_are_one()
    rbtrace.shutdown()


def _both_names_of_load_are_one():
    bundles = imported("rustybt.data.bundles")
    core = imported("rustybt.data.bundles.core")
    pool = imported("rustybt.optimization.bundle_pool")
    return bundles.load is core.load is pool.load


def test_traced_callables_look_as_before(tmp_path):
    before = present()
    rbtrace.instrument(directory=tmp_path)
    try:
        for target, wrapped in present().items():
            original = underlying(before[target])
            function = underlying(wrapped)
            assert type(wrapped) is type(before[target])
            assert inspect.signature(function) == inspect.signature(original)
            assert function.__doc__ == original.__doc__
            assert function.__qualname__ == original.__qualname__
            assert inspect.unwrap(function) is inspect.unwrap(original)
            assert (
                vars(function).items()
                >= {
                    name: value for name, value in vars(original).items() if name != "__wrapped__"
                }.items()
            )
            assert inspect.iscoroutinefunction(function) == inspect.iscoroutinefunction(original)
    finally:
        rbtrace.shutdown()


def test_classes_and_functions_pickle_as_before(tmp_path):
    portal = imported("rustybt.data.data_portal").DataPortal
    run = imported("rustybt.utils.run_algo").run_algorithm
    rbtrace.instrument(directory=tmp_path)
    try:
        run_now = imported("rustybt.utils.run_algo").run_algorithm
        assert pickle.loads(pickle.dumps(portal)) is portal
        assert pickle.loads(pickle.dumps(portal.get_spot_value)) is portal.get_spot_value
        assert pickle.loads(pickle.dumps(run_now)) is run_now is not run
    finally:
        rbtrace.shutdown()


def test_every_import_order_ends_in_the_same_wrapping(run_script):
    late = run_script(
        """
        import warnings; warnings.simplefilter("ignore")
        import rustybt.optimization, rustybt.utils.run_algo, rustybt.data.bundles as bundles
        from rustybt.utils.run_algo import run_algorithm
        import rbtrace
        rbtrace.instrument()
        from rbtrace.recording.engines.control import traced_count
        one = bundles.load is bundles.core.load
        print(traced_count(), hasattr(run_algorithm, "__wrapped__"), one)
        """
    )
    early = run_script(
        """
        import warnings; warnings.simplefilter("ignore")
        import rustybt.optimization, rustybt.utils.run_algo, rustybt.data.bundles as bundles
        from rustybt.utils.run_algo import run_algorithm
        from rbtrace.recording.engines.control import traced_count
        one = bundles.load is bundles.core.load
        print(traced_count(), hasattr(run_algorithm, "__wrapped__"), one)
        """,
        RBTRACE_ENABLED="1",
    )
    assert late.printed == early.printed
    assert late.printed.split()[1:] == ["True", "True"]
    assert late.complaints == early.complaints == ""
