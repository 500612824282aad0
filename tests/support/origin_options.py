"""What the options in a URL of the hostile origin may be, and what they are
when they are left out."""

import ipaddress
import re
from dataclasses import dataclass

# Before the first digit, int() and float() take signs, spaces and "nan".
NUMBER = r"[0-9]{1,18}"


class BadOption(Exception):
    """An option that the behaviour does not have, or a value it cannot be."""


@dataclass
class Option:
    """One option: what it takes, in words, and how a value is read."""

    takes: str
    read: object  # gives the value of a text, or raises ValueError
    default: object = None  # None: there is none


def _matching(pattern: str, kind):
    def read(text: str):
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return kind(text)
    return read


def number(default: int) -> Option:
    """A count of bytes, requests, seconds or the like."""
    return Option("a number", _matching(NUMBER, int), default)


def decimal(default: float) -> Option:
    """Seconds."""
    return Option("a number of seconds",
                  _matching(NUMBER + r"(\.[0-9]{1,9})?", float), default)


def status(default: int) -> Option:
    """The status of an answer."""
    return Option("a status of three digits",
                  _matching("[1-9][0-9]{2}", int), default)


def flag() -> Option:
    """Yes or no."""
    return Option("0 or 1", _matching("[01]", int), 0)


def choice(*words: str, default=None) -> Option:
    """One of some words."""
    pattern = "|".join(re.escape(x) for x in words)
    return Option(f"one of {', '.join(words)}", _matching(pattern, str),
                  default)


def address() -> Option:
    """Who a client is."""
    return Option("an address", lambda x: str(ipaddress.ip_address(x)))


def name() -> Option:
    """Any name."""
    return Option("a name", _matching(".+", str))


#: Options that every behaviour has.
COMMON = {"for": address(), "group": name()}


def takes(**options: Option):
    """Says which options a behaviour has; `_` stands for `-` or for nothing at
    the end."""
    def mark(function):
        function.options = {key.rstrip("_").replace("_", "-"): option
                            for key, option in options.items()}
        return function
    return mark


def options_of(function) -> dict:
    """The options of a behaviour, without those that all have."""
    return getattr(function, "options", {})


def defaults_of(function) -> list:
    """What the options of a behaviour are when left out, as `key=value`."""
    return [f"{key}={x.default}" for key, x in options_of(function).items()
            if x.default is not None]


def read_options(function, pairs: list) -> dict:
    """The values of all options of a behaviour, given as `key=value`."""
    known = {**options_of(function), **COMMON}
    values = {key: option.default for key, option in known.items()}
    for pair in pairs:
        key, _, text = pair.partition("=")
        if key not in known:
            listed = ", ".join(f"{k} ({x.takes})" for k, x in known.items())
            raise BadOption(f"no option {key!r}; there are: {listed}")
        try:
            values[key] = known[key].read(text)
        except ValueError:
            raise BadOption(f"{key}={text!r}: it takes {known[key].takes}"
                            ) from None
    return values
