from mmmix.registry import GUIDES
from .base import Guide


@GUIDES.register_module()
class SelfGuide(Guide):
    """The model under training guides itself (SMMix, section 4): the default.
    """

    @property
    def model(self):
        return self.student
