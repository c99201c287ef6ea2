"""The shortest schedule that shows a violation: steps and faults are dropped while it stays."""

from collections.abc import Sequence

from tests.simulation.drawing import drawn
from tests.simulation.hazards import Step
from tests.simulation.schedule import Verdict, run

# After the number of a step that is kept without its faults.
WITHOUT_FAULTS = "-"


def kept_of(seed: int, words: Sequence[str]) -> list[Step]:
    """Some steps of a seed: `["3", "7-"]` are the third, and the seventh without its faults."""
    story = drawn(seed)
    return [
        story[int(word.removesuffix(WITHOUT_FAULTS))]._replace(faults=())
        if word.endswith(WITHOUT_FAULTS)
        else story[int(word)]
        for word in words
    ]


def kind_of(verdict: Verdict) -> str | None:
    """The kind of the first violation."""
    return verdict.wrong[0].partition(":")[0] if verdict.wrong else None


def shortest(seed: int, *, runs_max: int = 1500) -> list[str]:
    """The words of the steps that are enough for the same kind of violation."""
    story = drawn(seed)
    wanted = kind_of(run(seed))
    kept = [str(i) for i in range(len(story))]
    left = runs_max

    def still_fails(words: list[str]) -> bool:
        nonlocal left
        left -= 1
        return kind_of(run(seed, kept_of(seed, words))) == wanted

    size = max(1, len(kept) // 2)
    while left > 0:
        start, has_shrunk = 0, False
        while start < len(kept) and left > 0:
            fewer = kept[:start] + kept[start + size :]
            if still_fails(fewer):
                kept, has_shrunk = fewer, True
            else:
                start += size
        if size > 1:
            size //= 2
        elif not has_shrunk:
            break
    for place, word in enumerate(kept):
        if story[int(word)].faults:
            calmer = [*kept[:place], word + WITHOUT_FAULTS, *kept[place + 1 :]]
            kept = calmer if left > 0 and still_fails(calmer) else kept
    return kept
