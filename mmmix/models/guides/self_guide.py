from mmmix.registry import TASK_UTILS

from .base import Guide


@TASK_UTILS.register_module()
class SelfGuide(Guide):
    """The model under training guides itself (SMMix, section 4): the default.
    """

    @property
    def model(self):
        return self.student
