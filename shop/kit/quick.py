"""Statements that the shop says over and over, said without being understood anew.

A statement that is made once, when a module is read, and executed a second time, is compiled into a plan: its text, where its parameters go,
how its columns come back. From then on it goes straight to the driver. SQLAlchemy's own way looks it up, binds it and describes its result
each time: 0.12 against 0.04 ms, and a purchase says 64 of them.

Law: the text, the values, the rows, the errors and the events are those of SQLAlchemy's own way; what is out of the ordinary (the ORM, options,
defaults made in Python, values rendered late) goes that way.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from flask_sqlalchemy.session import Session
from sqlalchemy import BindParameter, Connection, Engine, TupleType
from sqlalchemy.engine import IteratorResult, Result
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql import Executable
from sqlalchemy.sql.compiler import SQLCompiler

_MOST_LENGTHS = 64
"""Of one statement's lists whose text is kept."""

_MOST_ROWS = 500
"""A cursor that has fetched more is let go, and what it fetched with it."""

Process = Callable[[Any], Any]
"""What a type does with a value on its way in or out."""


class _Unusual(Exception):
    """A statement that goes SQLAlchemy's own way."""


class QuickSession(Session):
    """A session that knows the plans of its constant statements."""

    @cached_property
    def _its_engine(self) -> Engine:
        """Asked of Flask once: a session lives as long as one context of one application."""
        return self._db.engine

    def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:  # Any: as SQLAlchemy's, which is overloaded
        """As SQLAlchemy does it. A scoped session hands on every option, though nobody gave it."""
        if any(options.values()) or (params is not None and type(params) is not dict):
            return super().execute(statement, params, **options)
        engine = self._its_engine
        plan = _plan_for(statement, params or {}, engine)
        if plan is None:
            return super().execute(statement, params)
        self._autoflush()
        begun = self._transaction and self._transaction._connections.get(engine)
        return plan.run(begun[0] if begun else self.connection(), params or {})

    def scalar(self, statement: Any, params: Any = None, **options: Any) -> Any:  # Any: as above
        """As SQLAlchemy does it."""
        if any(options.values()):
            return super().scalar(statement, params, **options)
        return self.execute(statement, params).scalar()

    def scalars(self, statement: Any, params: Any = None, **options: Any) -> Any:  # Any: as above
        """As SQLAlchemy does it."""
        if any(options.values()):
            return super().scalars(statement, params, **options)
        return self.execute(statement, params).scalars()


_plans: WeakKeyDictionary[Executable, dict[object, "_Plan | None"]] = WeakKeyDictionary()
"""Of every statement seen: empty at first, then its plans by dialect and names of parameters; None where it goes the other way."""


def _plan_for(statement: Executable, params: Mapping[str, object], engine: Engine) -> "_Plan | None":
    plans = _plans.get(statement)
    if plans is None:  # perhaps made for this one call
        _plans[statement] = {}
        return None
    key = (engine.dialect, *params)
    try:
        return plans[key]
    except KeyError:
        pass
    try:
        plans[key] = _Plan(statement, tuple(params), engine)
    except _Unusual:
        plans[key] = None
    return plans[key]


class _Plan:
    """How one statement is said, given these names of parameters."""

    def __init__(self, statement: Executable, names: Sequence[str], engine: Engine) -> None:
        if statement._propagate_attrs or statement._execution_options:
            raise _Unusual
        compiled = statement.compile(dialect=engine.dialect, column_keys=sorted(names))  # type: ignore[attr-defined]  # every Executable has it
        if not isinstance(compiled, SQLCompiler) or _is_unusual(compiled):
            raise _Unusual
        self._compiled = compiled
        self._text = str(compiled)
        self._order = compiled.positiontup if compiled.positional else None
        self._metadata: SimpleResultMetaData | None = None
        self._fixed: dict[str, object] = {}
        self._taken: list[tuple[str, str, Process | None]] = []
        self._lists: list[tuple[str, str | None, Sequence[object]]] = []
        self._lengths: dict[tuple[int, ...], tuple[str, Sequence[str] | None, Mapping[str, Sequence[str]], Mapping[str, Process]]] = {}
        processors: Mapping[str, Process] = compiled._bind_processors  # type: ignore[assignment]  # tuples' stand only with what is expanded
        for bound, name in compiled.bind_names.items():
            key = next((key for key in (bound.key, name) if key in names), None)
            if key is None and (bound.required or bound.callable):
                raise _Unusual
            if bound in compiled.post_compile_params:
                self._lists.append((name, key, () if key else bound.value or ()))
            elif key is None:
                self._fixed[name] = processors[name](bound.value) if name in processors else bound.value
            else:
                self._taken.append((name, key, processors.get(name)))

    def run(self, connection: Connection, params: Mapping[str, Any]) -> Result[Any]:
        """Execute it; the rows are fetched at once."""
        text: str = self._text
        given: Any = params
        cursor = None
        try:
            text, given = self._bind(params)
            cursor = _cursor_of(connection)
            is_heard = connection._has_events or connection.engine._has_events
            if is_heard:
                for before in connection.dispatch.before_cursor_execute:
                    text, given = before(connection, cursor, text, given, None, False)
            cursor.execute(text, given)
            if is_heard:
                connection.dispatch.after_cursor_execute(connection, cursor, text, given, None, False)
            if self._metadata is None:
                self._metadata = self._describe(cursor.description or ())
            rows = cursor.fetchall() if self._metadata.keys else ()
            if len(rows) > _MOST_ROWS:
                _let_go(connection)
        except BaseException as error:  # noqa: BLE001  # what becomes of it, SQLAlchemy decides, as of its own; it always raises
            connection.connection.info.pop(_CURSOR, None)
            connection._handle_dbapi_exception(error, text, given, cursor, None)
        return IteratorResult(self._metadata, iter(rows))

    def _bind(self, params: Mapping[str, Any]) -> tuple[str, Any]:
        """The text, and what goes into it, as the driver wants it."""
        values = self._fixed.copy()
        for name, key, process in self._taken:
            values[name] = params[key] if process is None else process(params[key])
        text, order = self._spread(values, params) if self._lists else (self._text, self._order)
        return text, values if order is None else tuple([values[name] for name in order])

    def _spread(self, values: dict[str, object], params: Mapping[str, Any]) -> tuple[str, Sequence[str] | None]:
        """Put the lists' members into `values`; the text for lists of this length."""
        lists = [(name, list(params[key] if key else fixed)) for name, key, fixed in self._lists]
        lengths = tuple([len(members) for _name, members in lists])
        if lengths not in self._lengths:
            if len(self._lengths) >= _MOST_LENGTHS:
                self._lengths.clear()
            state = self._compiled.construct_expanded_state(dict(params))
            processors: Mapping[str, Process] = state.processors
            self._lengths[lengths] = (state.statement, state.positiontup, state.parameter_expansion, processors)
        text, order, names, processors = self._lengths[lengths]
        for name, members in lists:
            for member_name, member in zip(names[name], members, strict=True):
                process = processors.get(member_name)
                values[member_name] = member if process is None else process(member)
        return text, order

    def _describe(self, description: Sequence[Sequence[Any]]) -> SimpleResultMetaData:
        """The columns that come back: named and processed as the statement says, or, when it says nothing of them, as the driver does."""
        columns = self._compiled._result_columns
        if not columns:
            return SimpleResultMetaData([column[0] for column in description])
        processors = [
            column.type._cached_result_processor(self._compiled.dialect, told[1]) for column, told in zip(columns, description, strict=True)
        ]
        also = [tuple(set(column.objects) - {column.keyname}) for column in columns]
        times = Counter([name for column, others in zip(columns, also, strict=True) for name in (column.keyname, *others)])
        return SimpleResultMetaData(
            [column.keyname for column in columns],
            extra=also,
            _processors=processors,
            _ambiguous_keys=frozenset(name for name, count in times.items() if count > 1),
        )


_CURSOR = "quick_cursor"


def _cursor_of(connection: Connection) -> DBAPICursor:
    """The one cursor by which a driver's connection is asked: psycopg's remembers how values go in and come back, and making one takes a third of asking."""
    fairy = connection.connection
    cursor: DBAPICursor | None = fairy.info.get(_CURSOR)
    if cursor is None:
        cursor = fairy.info[_CURSOR] = fairy.cursor()
    return cursor


def _let_go(connection: Connection) -> None:
    if cursor := connection.connection.info.pop(_CURSOR, None):
        cursor.close()


def _is_unusual(compiled: SQLCompiler) -> bool:
    columns, is_in_order = compiled._result_columns, compiled._ordered_columns or compiled._textual_ordered_columns
    return bool(
        compiled.literal_execute_params
        or compiled.escaped_bind_names
        or compiled.insert_prefetch
        or compiled.update_prefetch
        or compiled.implicit_returning
        or compiled.postfetch_lastrowid
        or compiled.schema_translate_map
        or compiled._insertmanyvalues
        or compiled._loose_column_name_matching
        or (columns and not is_in_order)
        or any(_is_tuple(bound) for bound in compiled.post_compile_params)
    )


def _is_tuple(bound: BindParameter[Any]) -> bool:
    return isinstance(bound.type, TupleType) or bool(getattr(bound.type, "_is_tuple_type", False))
