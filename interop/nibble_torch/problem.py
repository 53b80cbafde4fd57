"""What cannot be done, in a sentence for the one who asked."""


class Problem(Exception):
    """Says what was expected and what was found."""

    def __init__(self, what, expected, found):
        super().__init__(f"{what}: expected {expected}, found {found}")


def choose(what, table, name):
    """The entry of that name."""
    if name not in table:
        raise Problem(what, ", ".join(table), name)
    return table[name]
