"""What goes into a spreadsheet as text stays text."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def spreadsheet_cell(value: object) -> object:
    """A value that a spreadsheet shows as it is: text that would be a formula gets an apostrophe before it.

    The characters are those of OWASP's page on CSV injection, with their full-width forms; blanks before them are
    skipped by some programs, so they are looked through.
    """
    if not isinstance(value, str) or not value.lstrip(" ").startswith(_FORMULA_STARTS):
        return value
    return "'" + value
