"""Write values as text, and say what is wrong with a value: what is allowed, what is near."""

import difflib
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

EXPECTED = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a word",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a group of keys",
    "none_required": "null",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "too_long": "at most {max_length} of them",
    "too_short": "at least {min_length} of them",
}
OWN_FILE = (
    "another class is chosen by a YAML file of its own, which has its arguments: docs/extending.md"
)
NUMBERS = ("int_type", "int_from_float", "float_type", "bool_type")
# What would delete a run is never what somebody meant who wrote something else.
DELETING = ("fresh",)
RESUMING = ("resume", "resume_from", "continue", "restore", "load", "ckpt", "ckpt_path")


def did_you_mean(word: str, words: Iterable[str], likeness: float = 0.5) -> str:
    """`; did you mean X?`, or nothing where no word has this likeness, from 0 to 1."""
    near = difflib.get_close_matches(word, list(words), n=1, cutoff=likeness)
    return f"; did you mean {near[0]}?" if near and near[0] not in DELETING else ""


def listed(words: Iterable[str], most: int = 30) -> str:
    """The words with commas between them; the first and the last, where there are too many."""
    items = list(words)
    if len(items) > most:
        items = [*items[:3], "...", items[-1]]
    return ", ".join(items)


def percent(share: float) -> str:
    """A share with at most two decimals, rounded down, so that 100 % is exact.

    A share in float32 may be 1e-7 too small: 0.41 is 0.40999999.
    """
    hundredths = math.floor(share * 1e4 + 1e-3)
    return f"{(min(hundredths, 9999) if share < 1 else hundredths) / 100:g} %"


def shown(value: object) -> str:
    """A value as it is written on a command line: true, null, [1, 2]."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return str(value)


def in_table(value: object, digits: int = 4) -> str:
    """A value for people to read: so many digits of a number, commas between its thousands."""
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if is_count else shown(value)


def aligned(lines: Sequence[Sequence[str]], left: Collection[int]) -> list[str]:
    """Lines of cells as a table, the columns of these numbers at the left, the others right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if number in left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def wrong_value(
    error: Mapping[str, Any], keys: Sequence[str], nullable: Collection[str] = ()
) -> str:
    """The line for one of pydantic's errors in a study's config.

    Args:
        error: of `ValidationError.errors()`.
        keys: the keys that the study has.
        nullable: those of them that may be null.
    """
    key, value, kind = _key(error["loc"]), error["input"], error["type"]
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return no_such_key(key, keys)
    if kind in ("missing", "missing_keyword_only"):
        return f"{key} is missing"
    if kind == "value_error":
        message = str(error["ctx"]["error"])
        return f"{key}.{message}" if key and isinstance(value, dict) else message
    return wrong_type((), [error], key in nullable)


def wrong_type(
    where: Sequence[str], errors: Sequence[Mapping[str, Any]], nullable: bool = False
) -> str:
    """The line for a value of a wrong type or out of bounds.

    Args:
        where: the keys that lead to what was validated.
        errors: pydantic's, of one value; several where any of several types would do.
        nullable: whether null would do.
    """
    first = errors[0]
    key, value = _key((*where, *first["loc"])), first["input"]
    if first["type"] == "missing":
        return f"{key} is missing"
    same = [error for error in errors if _key((*where, *error["loc"])) == key]
    expected = " or ".join(dict.fromkeys(_expected(error) for error in same))
    choices = [word for error in same for word in _choices_of(error)]
    got = ""
    if isinstance(value, str) and any(error["type"] in NUMBERS for error in same):
        got = _as_range(key, value) or _text_for_number(key, value, nullable)
    near = "" if value is None else did_you_mean(str(value), choices)
    return f"{key}={shown(value)} is not allowed: expected {expected}{got}{near}"


def _expected(error: Mapping[str, Any]) -> str:
    choices = _choices_of(error)
    if choices:
        return ", ".join(choices)
    return EXPECTED.get(error["type"], error["msg"]).format(**error.get("ctx", {}))


def _choices_of(error: Mapping[str, Any]) -> list[str]:
    if error["type"] != "literal_error":
        return []
    return re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))


def _as_range(key: str, value: str) -> str:
    """How Hydra writes the range that a text such as 3:5, 3-5 or 3..5 means, if it is one."""
    match = re.fullmatch(r"(\d+)(?::|-|\.\.\.?)(\d+)", value)
    first, last = map(int, match.groups()) if match else (1, 0)
    if first >= last:
        return ""
    return f"; for {first} to {last} write -m '{key}=range({first},{last + 1})'"


def _text_for_number(key: str, value: str, nullable: bool) -> str:
    """What to write instead of a text that looks like a number, or like nothing."""
    if value.lower() in ("none", "nil", "nothing", "") and nullable:
        return f", got the text '{value}'; for no value write {key}=null"
    if re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?|true|false", value, re.IGNORECASE):
        return (
            f", got the text '{value}'; write {key}={value} without quotes, and of an environment "
            f"variable '{key}=\"${{oc.decode:${{oc.env:NAME}}}}\"'"
        )
    return ""


def _key(where: Sequence[object]) -> str:
    """`optimizer.betas[0]` of where pydantic found something."""
    key = ""
    for part in where:
        if isinstance(part, int):
            key += f"[{part}]"
        elif not _is_type_name(part):
            key += f".{part}" if key else str(part)
    return key


def _is_type_name(part: object) -> bool:
    """Whether pydantic put this into an error's place to name a branch of a union."""
    types = ("int", "float", "str", "none", "bool", "list", "tuple", "dict")
    return isinstance(part, str) and (
        "[" in part or part in types or part.startswith("constrained-")
    )


def no_such_key(
    key: str,
    keys: Sequence[str],
    owner: str = "this task",
    synonyms: Mapping[str, str] | None = None,
) -> str:
    """The line for a key that does not exist, with the nearest ones that do.

    Args:
        key: as it was written.
        keys: the keys that there are.
        owner: what has no such key.
        synonyms: other words for some of the keys.
    """
    if key in RESUMING:
        return f"{owner} has no key {key}: the same command continues a run without it"
    parent, _, name = key.rpartition(".")
    siblings = [k for k in keys if k.startswith(f"{parent}.") and not k.endswith("_target_")]
    if parent and siblings:
        near = did_you_mean(key, siblings)
        return f"{owner} has no key {key}; there are {', '.join(siblings)}{near}"
    inner = [k for k in keys if k.endswith(f".{name}")]
    meant = (synonyms or {}).get(key)
    if meant in keys:
        inner = [str(meant)]
    near = f"; did you mean {' or '.join(inner)}?" if inner else did_you_mean(key, keys)
    return f"{owner} has no key {key}{near}"
