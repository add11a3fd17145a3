"""Faults at a chosen point of a transaction, by SQLAlchemy's own events."""

from types import TracebackType
from typing import Any, Self

from sqlalchemy import event

from store.engine import Engines


class Fault:
    """While the block runs, the connection is lost just before a statement that begins so."""

    def __init__(self, engines: Engines, statement: str) -> None:
        self._engines = {engines.write.sync_engine, *engines.readers}
        self._statement = statement

    def __enter__(self) -> Self:
        for engine in self._engines:
            event.listen(engine, "before_cursor_execute", self._execute)
            event.listen(engine, "commit", self._commit)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for engine in self._engines:
            event.remove(engine, "before_cursor_execute", self._execute)
            event.remove(engine, "commit", self._commit)

    def _execute(self, _connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith(self._statement):
            raise ConnectionError(f"lost before {self._statement}")

    def _commit(self, _connection: Any) -> None:
        if self._statement == "COMMIT":
            raise ConnectionError("lost before COMMIT")


class Counted:
    """Keeps the queries that the reading engines execute while the block runs."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines.readers
        self.queries: list[tuple[str, Any]] = []

    def __enter__(self) -> Self:
        for engine in self._engines:
            event.listen(engine, "before_cursor_execute", self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for engine in self._engines:
            event.remove(engine, "before_cursor_execute", self._note)

    def _note(
        self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any
    ) -> None:
        if statement.startswith("SELECT"):
            self.queries.append((statement, parameters))
