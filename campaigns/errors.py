"""What campaigns refuse, in sentences for the person who asked."""

from collections.abc import Sequence

from campaigns import templating

#: Of problems that no step of the wizard is about: the form beside it.
SETTINGS = "settings"


class Problem(str):
    """What keeps a campaign from its launch, in a sentence; `step` of the wizard is where it is mended, if in one."""

    step: str

    def __new__(cls, sentence: str, step: str = "") -> "Problem":
        made = super().__new__(cls, sentence)
        made.step = step
        return made


class CampaignError(ValueError):
    """A campaign cannot do what was asked; each problem is one sentence that says why or what to do."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class InvalidTemplate(ValueError):
    """A text that cannot be saved as a template, with everything to correct in it by line and column. `language` says
    which of its texts; empty: the one for everybody."""

    def __init__(self, problems: Sequence[templating.Problem], language: str = "") -> None:
        super().__init__("; ".join(f"line {problem.line}: {problem.message}" for problem in problems))
        self.problems = tuple(problems)
        self.language = language
