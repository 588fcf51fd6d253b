"""How a command line is read: a slip ends with one sentence, and a name may begin with a hyphen."""

from argparse import Action, ArgumentParser
from typing import NoReturn

from sync.ids import is_name


class Parser(ArgumentParser):
    """argparse, ending with 2 and one sentence, to which the names that this product mints are values."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")

    def _parse_optional(self, arg_string: str) -> tuple[Action | None, str, str | None] | None:
        """Nothing where the word is a value; argparse itself asks no more than whether it begins with a hyphen."""
        if is_name(arg_string) and not any(option.startswith(arg_string) for option in self._option_string_actions):
            return None
        return super()._parse_optional(arg_string)
