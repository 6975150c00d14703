"""At which moments an archive run is killed, alone and one after the other."""

from dataclasses import dataclass

from tests.drilled import MOMENTS_OF_CHANGES

BEFORE = (
    "plan:before",
    "export:before",
    "export:branched",
    "export:written",
    "verify:before",
    "purge:before",
    "publish:before",
    "commit:before",
)

DONE_BUT_NOT_RECORDED = ("export:done", "verify:done", "purge:done", "publish:ready", "publish:done", "commit:done")

RECORDED = (
    "plan:recorded",
    "export:recorded",
    "verify:recorded",
    "purge:recorded",
    "publish:recorded",
    "commit:recorded",
)

WITHIN_THE_PURGE = tuple(
    f"purge:{moment}#{time}" for moment in ("before-chunk", "before-commit", "after-chunk") for time in (1, 2, 3)
)

SINGLE = BEFORE + DONE_BUT_NOT_RECORDED + RECORDED + WITHIN_THE_PURGE + ("while writing",)

TWICE = tuple(
    (moment, moment) for moment in (*BEFORE[1:], *DONE_BUT_NOT_RECORDED, *WITHIN_THE_PURGE[:4], "while writing")
)

WHILE_RECOVERING = (
    ("export:done", "verify:done"),
    ("export:recorded", "purge:before"),
    ("verify:done", "purge:before-commit#2"),
    ("verify:recorded", "purge:after-chunk#1"),
    ("purge:before", "purge:after-chunk#2"),
    ("purge:before-commit#2", "purge:recorded"),
    ("purge:done", "publish:ready"),
    ("publish:done", "commit:before"),
    ("purge:after-chunk#2", "purge:before-commit#2", "purge:after-chunk#1", "publish:done", "commit:before"),
    ("while writing", "export:done", "purge:after-chunk#1", "publish:ready", "commit:done"),
    ("publish:recorded", "commit:done"),
)

CHANGES_TWICE = (("export:deleted", "export:done"), ("publish:done", "commit:left"), ("publish:ready", "publish:done"))

FORGETTING = (
    ("forget:remembered",),
    ("forget:replaced", "edit:deleted"),
    ("edit:appended", "edit:written"),
    ("edit:published", "forget:before-entries"),
    ("forget:rewritten", "forget:erased-table"),
    ("forget:erased-files", "forget:before-close"),
)

CHANGED_AND_FORGOTTEN = (
    ("export:deleted", "edit:deleted"),
    ("export:done", "publish:done"),
    ("publish:done", "forget:before-entries"),
    ("commit:left", "edit:published"),
)
"""An archiver that puts later versions into rows, one of them the person's, then one that forgets the person."""

COMPACTION = ("merge:before", "merge:stretch", "expire:before", "expire:done")

CHANGE_AND_FORGET = "change and forget"


@dataclass(frozen=True)
class Case:
    """Kills one after the other, each in the run after the one before."""

    kills: tuple[str, ...]
    command: str = "archive"
    place: str = "hdfs"

    @property
    def name(self) -> str:
        return f"{self.command} on {self.place}: {', then '.join(self.kills)}"


def all_cases() -> list[Case]:
    kills = [(moment,) for moment in SINGLE] + list(TWICE) + list(WHILE_RECOVERING)
    # Both file systems see every kind of kill; HDFS sees two thirds of them.
    cases = [Case(moments, place="file" if at % 3 == 2 else "hdfs") for at, moments in enumerate(kills)]
    changes = [(moment,) for moment in MOMENTS_OF_CHANGES] + list(CHANGES_TWICE)
    cases += [Case(moments, "change", "file" if at % 2 else "hdfs") for at, moments in enumerate(changes)]
    cases += [Case(moments, "forget", place) for moments in FORGETTING for place in ("hdfs", "file")]
    cases += [Case(moments, CHANGE_AND_FORGET, "hdfs") for moments in CHANGED_AND_FORGOTTEN]
    return cases + [Case((moment,), "compact", place) for moment in COMPACTION for place in ("hdfs", "file")]


CASES = all_cases()
