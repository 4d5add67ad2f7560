"""What a check reports, and the report of all."""
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import List

from mmmix.cli.errors import user_message


@dataclass(frozen=True)
class Finding:
    """Something that is, or may be, wrong with a run.

    Args:
        what (str): What is wrong, and what to do.
        where (str): What was looked at: a key of the config, or a file.
        fatal (bool): Whether it stops the run. Defaults to True.

    >>> print(Finding('Labels must be 0 to 9.', 'list.txt'))
    problem: list.txt: Labels must be 0 to 9.
    """

    what: str
    where: str
    fatal: bool = True

    def __str__(self) -> str:
        kind = 'problem' if self.fatal else 'warning'
        return f'{kind}: {self.where}: {self.what}'


@dataclass
class Report:
    """What was looked at and what was found.

    Args:
        config (str): The name of the config.
        looked_at (List[str]): A line for each thing that was looked at.
        findings (List[Finding]): What was found.
        seconds (float): How long it took.
    """

    config: str
    looked_at: List[str] = field(default_factory=list)
    findings: List[Finding] = field(default_factory=list)
    seconds: float = 0.

    @property
    def passed(self) -> bool:
        """Whether nothing stops the run."""
        return not any(finding.fatal for finding in self.findings)

    def __str__(self) -> str:
        problems = sorted(self.findings, key=lambda f: f.fatal)
        count = sum(finding.fatal for finding in problems)
        verdict = 'passed' if self.passed else \
            f'{count} problem{"s" * (count > 1)}'
        return '\n'.join([
            f'Preflight of {self.config}',
            *(f'  looked at {line}' for line in self.looked_at),
            *(f'  {finding}'.replace('\n', '\n    ') for finding in problems),
            f'Preflight: {verdict} ({self.seconds:.1f} s)',
        ])


def finding_of(error: Exception, where: str) -> Finding:
    """Turn an exception of a check into a finding of one line.

    An error of ours is a sentence; of any other the kind and the line of code
    that raised it are named, too.

    Args:
        error (Exception): What was raised.
        where (str): What was looked at.
    """
    message = user_message(error)
    if message is not None:
        return Finding(message, where)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = '/'.join(Path(frame.filename).parts[-3:])
    first = next(filter(None, map(str.strip, str(error).splitlines())), '')
    return Finding(
        f'{type(error).__name__}: {first} ({place}, line {frame.lineno})',
        where)
