"""The expectations of the plan, validated by great_expectations: all of one table as one batch.

The batch shares its metrics, so that a table is read a few times and not once for each expectation.
great_expectations gets connections on which the server refuses to write, and no data context: it keeps
no store, writes no data docs, shows no progress and tells nobody of its use.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_visionforge.outcome import CannotTell, Evidence, Finding, Offender
from pytest_visionforge.plan.values.rules import Expectation

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

    from pytest_visionforge.database import Database, Table
    from pytest_visionforge.names import Names
    from pytest_visionforge.plan.values.plan import Plan

INSTALL = 'pip install "pytest-visionforge[expectations]"'
_NAMES = ("column", "column_A", "column_B")  # the arguments that name a column, or several
_LISTS = ("column_list", "column_set")
Said = Evidence | Finding | CannotTell


@dataclass
class Batches:
    """What great_expectations says of each expectation; a table is validated when it is asked for first."""

    plan: Plan
    database: Database
    names: Names
    said: dict[Expectation, Said] = field(default_factory=dict)

    def result(self, expectation: Expectation) -> Evidence | Finding:
        """What was found; CannotTell where the expectation could not be tried."""
        if expectation not in self.said:
            self.said |= self._validated(self._batch_of(expectation))
        found = self.said[expectation]
        if isinstance(found, CannotTell):
            raise found
        return found

    def _batch_of(self, expectation: Expectation) -> list[Expectation]:
        """The expectations that are tried with this one: on the same rows of the same table."""
        rows = (expectation.table, expectation.where)
        same = (each for each in self.plan.rules_of(Expectation) if (each.table, each.where) == rows)
        return [each for each in same if not self.names.not_applicable(each)]

    def _validated(self, batch: Sequence[Expectation]) -> Mapping[Expectation, Said]:
        table = self.names.table(batch[0].table)
        with _quiet(), _engine(self.database) as engine:
            library = _library()
            validate = _validator(library, engine, self.database, table, batch[0].where)
            said, known = dict[Expectation, Said](), dict[Expectation, Any]()
            for each in batch:
                try:
                    known[each] = library.configuration(each.type, self._arguments(each))
                except Exception as error:
                    said[each] = CannotTell(" ".join(str(error).split()), "correct the expectation")
            runtime = self._runtime(table)
            for each, raw in _results(validate, known, runtime):
                said[each] = _judged(each, raw, table, self.plan, self.database.url)
        return said

    def _arguments(self, expectation: Expectation) -> dict[str, Any]:
        """The arguments, with the columns as they are called in this phase."""
        arguments = dict(expectation.arguments)
        for name in (*_NAMES, *_LISTS):
            given = arguments.get(name)
            if isinstance(given, str):
                arguments[name] = self._column(expectation.table, given)
            elif isinstance(given, list | tuple | set):
                arguments[name] = [self._column(expectation.table, str(each)) for each in given]
        return arguments

    def _column(self, table: str, column: str) -> str:
        try:
            return self.names.column(table, column)
        except CannotTell:
            return column  # the expectation itself says that it is missing

    def _runtime(self, table: Table) -> dict[str, Any]:
        """How much of a result is wanted: numbers, and the keys of the first rows."""
        format: dict[str, Any] = {
            "result_format": "SUMMARY",
            "partial_unexpected_count": max(1, self.plan.record.sample),
        }
        if table.key:
            format["unexpected_index_column_names"] = list(table.key)
        return {"catch_exceptions": True, "result_format": format}


# ---------------------------------------------------------------- the library


class _Library:
    """The few parts of great_expectations that are used; importing them takes some seconds."""

    def __init__(self) -> None:
        part = import_module
        self.engine = part("great_expectations.execution_engine").SqlAlchemyExecutionEngine
        batch_data = part("great_expectations.execution_engine.sqlalchemy_batch_data")
        self.data = batch_data.SqlAlchemyBatchData
        self.batch = part("great_expectations.core.batch").Batch
        self.validator = part("great_expectations.validator.validator").Validator
        self._configuration = part(
            "great_expectations.expectations.expectation_configuration"
        ).ExpectationConfiguration

    def configuration(self, type: str, arguments: Mapping[str, Any]) -> Any:
        """An expectation as great_expectations wants it; raises where it knows none such."""
        made = self._configuration(type=type, kwargs=dict(arguments))
        made.to_domain_obj()
        return made


def _library() -> _Library:
    try:
        return _Library()
    except ImportError as error:
        raise CannotTell(f"great_expectations cannot be imported: {error}", INSTALL) from None
    finally:
        logging.captureWarnings(False)  # which it switches on for the whole process


@contextmanager
def _quiet() -> Iterator[None]:
    """Warnings of the library's own are no matter of who runs the plan; nor is what it logs."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _engine(database: Database) -> Iterator[Engine]:
    """Connections that can only read, each in a transaction on one snapshot with the plan's time limit."""
    from sqlalchemy import event

    room = database.dialect.session
    engine = room.engine(database.url, 2)  # on SQLite one of them is held from first to last
    event.listen(engine, "engine_connect", lambda connection: room.begin(connection, database.seconds))
    try:
        yield engine
    finally:
        engine.dispose()


Validate = Callable[[list[Any], dict[str, Any]], list[Any]]


def _validator(library: _Library, engine: Engine, database: Database, table: Table, where: str) -> Validate:
    """Validates configurations on the rows of a table."""
    execution = library.engine(engine=engine, create_temp_table=False)
    data = library.data(execution, create_temp_table=False, **_source(database, table, where))

    def validate(configurations: list[Any], runtime: dict[str, Any]) -> list[Any]:
        validator = library.validator(execution_engine=execution, batches=[library.batch(data=data)])
        validator.metrics_calculator.show_progress_bars = False
        found: list[Any] = validator.graph_validate(configurations, runtime)
        return found

    return validate


def _source(database: Database, table: Table, where: str) -> dict[str, Any]:
    """The rows, as great_expectations wants them named."""
    from sqlalchemy import select, text
    from sqlalchemy import table as named

    from pytest_visionforge.database import verbatim

    if not where:
        return {"table_name": table.name, "schema_name": table.schema, "use_quoted_name": True}
    rows = select(text("*")).select_from(named(table.name, schema=table.schema)).where(text(verbatim(where)))
    return {"selectable": rows, "source_table_name": table.name, "source_schema_name": table.schema}


def _results(
    validate: Validate, known: Mapping[Expectation, Any], runtime: dict[str, Any]
) -> Iterator[tuple[Expectation, Any]]:
    """The raw result of each expectation, or the exception in its place.

    One that raises takes down those whose metrics share its statement: what raised is tried alone.
    """
    for number, configuration in enumerate(known.values()):
        configuration.meta = {"visionforge": number}  # results come in an order of their own
    together = _tried(validate, list(known.values()), runtime)
    by_number = {each.expectation_config.meta["visionforge"]: each for each in together}
    for number, (expectation, configuration) in enumerate(known.items()):
        result = by_number.get(number)
        yield expectation, _alone(validate, configuration, runtime) if _failed(result) else result


def _failed(result: Any) -> bool:
    return result is None or bool(_exception(result))


def _alone(validate: Validate, configuration: Any, runtime: dict[str, Any]) -> Any:
    """The raw result of one expectation, or the exception."""
    try:
        return validate([configuration], runtime)[0]
    except Exception as error:
        return error


def _tried(validate: Validate, configurations: list[Any], runtime: dict[str, Any]) -> list[Any]:
    """The raw results; none where the library itself fails."""
    try:
        return validate(configurations, runtime)
    except Exception:
        return []


# ---------------------------------------------------------------- what it says


def _judged(expectation: Expectation, raw: Any, table: Table, plan: Plan, url: URL) -> Said:
    """What a raw result means."""
    failure = raw if isinstance(raw, Exception) else _exception(raw)
    if failure:
        return CannotTell(_line(failure, url), "correct the expectation, or its table")
    result: Mapping[str, Any] = raw.result or {}
    of = int(result["element_count"]) if result.get("element_count") is not None else None
    observed = _observed(result)
    if raw.success:
        return Evidence(observed, of)
    count = int(result.get("unexpected_count") or 0)
    words = " ".join(filter(None, (expectation.type, _shown(expectation.arguments))))
    says = f"{count:,} of {of:,} rows: {words}" if count and of else f"not met: {words}"
    rows = result.get("partial_unexpected_index_list") or ()
    return Finding(
        "; ".join(filter(None, (says, observed))),
        count=max(1, count),
        of=of,
        sample=tuple(_offenders(rows, table.key, plan.record.sample)),
    )


def _offenders(rows: Iterable[Mapping[str, Any]], key: tuple[str, ...], limit: int) -> Iterator[Offender]:
    """The first rows by their keys; the values beside the keys are not shown."""
    for row in list(rows)[:limit]:
        yield Offender({name: None if row[name] is None else str(row[name]) for name in key})


def _observed(result: Mapping[str, Any]) -> str:
    """The number that was observed; any other value may be one of the data."""
    value = result.get("observed_value")
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return f"observed {value:,}" if numeric else ""


def _shown(arguments: Mapping[str, Any]) -> str:
    """The arguments as the plan writes them."""
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _exception(raw: Any) -> str:
    """The message of the exception that a raw result holds; '' where it holds none."""
    info = getattr(raw, "exception_info", None) or {}
    parts = [info] if "raised_exception" in info else list(info.values())
    messages = (
        str(_of(part, "exception_message") or "failed") for part in parts if _of(part, "raised_exception")
    )
    return next(messages, "")


def _of(part: Any, name: str) -> Any:
    return part.get(name) if isinstance(part, Mapping) else getattr(part, name, None)


def _line(error: object, url: URL) -> str:
    """The first line of a message: those that follow hold statement and values. Never a password."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    text = text.partition("[SQL:")[0].strip()
    return text.replace(url.password, "***") if url.password else text
