"""The former place of what ``mmmix.cli`` exports."""
from mmmix.cli import *  # noqa: F401, F403
from mmmix.cli import user_errors as short_errors  # noqa: F401
