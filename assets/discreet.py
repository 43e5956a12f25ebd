"""What Dagster may keep of an error. It writes an error's words into its store and its logs, and words that are not
ours may hold a value: "could not convert 'Smith'".

Belongs here: taking the words off, on the way out of an asset, a check, a schedule or a sensor. Not here: which errors
have words of our own (`attendance_pipeline/advice.py`), and what people are told of a failure.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import dagster as dg

from attendance_pipeline.advice import OWN_WORDS, place_of

F = TypeVar("F", bound=Callable[..., Any])
# Said by the operating system or by a connection to a database: files, folders and hosts, no row.
_OF_THE_MACHINE = ("OperationalError", "InterfaceError")
_LONGEST_CHAIN = 10


def discreet(work: F) -> F:
    """The same function; of an error that leaves it, its kind, place in the code and chain of causes are left."""

    if inspect.isgeneratorfunction(work):

        @functools.wraps(work)
        def yielding(*given: Any, **named: Any) -> Iterator[Any]:
            failed: Exception
            try:
                yield from work(*given, **named)
                return
            except Exception as error:  # whatever it is
                failed = error
            raise without_words(failed)

        return yielding  # type: ignore[return-value]  # called as the function is

    @functools.wraps(work)
    def calling(*given: Any, **named: Any) -> Any:
        failed: Exception
        try:
            return work(*given, **named)
        except Exception as error:  # whatever it is
            failed = error
        # Outside the handler: Dagster would write down what this was raised from.
        raise without_words(failed)

    return calling  # type: ignore[return-value]  # called as the function is


def without_words(error: BaseException, depth: int = 0) -> BaseException:
    """An error of the same name and place whose words are ours, and so its causes; itself where its words are ours."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if _may_be_said(error) and (cause is None or isinstance(error, dg.Failure)):
        error.__cause__ = without_words(cause, depth + 1) if cause is not None and depth < _LONGEST_CHAIN else None
        return error
    words = str(error) if _may_be_said(error) else _without_words_of(error)
    kind = type(type(error).__name__, (RuntimeError,), {"__module__": type(error).__module__})
    said: BaseException = kind(words)
    said.__cause__ = without_words(cause, depth + 1) if cause is not None and depth < _LONGEST_CHAIN else None
    return said.with_traceback(error.__traceback__)


def _may_be_said(error: BaseException) -> bool:
    of_the_system = isinstance(error, OSError) and error.errno is not None
    ours = isinstance(error, dg.DagsterError | dg.Failure) or not isinstance(error, Exception)
    return of_the_system or ours or type(error).__name__ in (*OWN_WORDS, *_OF_THE_MACHINE)


def _without_words_of(error: BaseException) -> str:
    place = place_of(error)
    return f"{f'at {place}; ' if place else ''}its words are not kept here, they may name a pupil"
