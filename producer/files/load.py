"""Reads a mapping's file, and says in one line what is wrong with it."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from producer.files.mapping import Amount, Columns, FileShape, Mapping, Part, Source, Time, Truth
from schemas.errors import UserError

SHIPPED: Final = Path(__file__).parents[1] / "mappings"
_TABLES: Final[dict[str, type[Part]]] = {
    "file": FileShape,
    "columns": Columns,
    "time": Time,
    "amount": Amount,
    "label": Truth,
    "released": Time,
}


def load_mapping(mapping: str | Path) -> Mapping:
    """Return the mapping in a file, or the one that is shipped under that name.

    Raises:
        UserError: there is none, or it can't be used; the message names the key and what helps.
    """
    path = Path(mapping)
    if not path.is_file() and (SHIPPED / f"{mapping}.toml").is_file():
        path = SHIPPED / f"{mapping}.toml"
    try:
        return Mapping(**tomllib.loads(path.read_text()))
    except OSError as error:
        names = sorted(file.stem for file in SHIPPED.glob("*.toml"))
        remedy = f"Name a TOML file, or one of: {', '.join(names)}{near(str(mapping), names)}"
        raise UserError(f"mapping {mapping}: {error.strerror}. {remedy}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"mapping {path.name} is not valid TOML: {error}") from None
    except ValidationError as error:
        problems = "; ".join(_problem(dict(one)) for one in error.errors())
        raise UserError(f"mapping {path.name}: {problems}. docs/replay.md lists every key") from None


def _problem(error: dict[str, Any]) -> str:
    where = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":
        return f"unknown key {'.'.join(where)}{near(where[-1], _keys(where[:-1]))}"
    if error["type"] == "model_type":
        return f"{'.'.join(where)} must be a table{' or the name of a column' if len(where) > 1 else ''}"
    if error["type"] == "missing":
        return f"{'.'.join(where)} is missing"
    return f"{'.'.join(where) or 'it'}: {error['msg'].removeprefix('Value error, ')}"


def _keys(where: list[str]) -> list[str]:
    """Return the keys of the table at `where`."""
    return list((_TABLES.get(where[-1], Source) if where else Mapping).model_fields)


def near(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean ...?` when a known name is like `name`."""
    lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), lower, n=1)
    like = lower[found[0]] if found else ""
    return f" (did you mean {like if like.strip() == like else repr(like)}?)" if found else ""
