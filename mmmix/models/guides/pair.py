from mmmix.registry import TASK_UTILS, build_as
from mmmix.structures import Guidance

from .base import Guide


@TASK_UTILS.register_module()
class GuidePair(Guide):
    """Attention of one guide, scores of another.

    Args:
        attention (dict): Config of the guide that is asked for attention.
        scores (dict): Config of the guide that is asked for scores.
    """

    def __init__(self, attention: dict, scores: dict):
        super().__init__()
        self._parts = (build_as(Guide, TASK_UTILS, attention, 'attention'),
                       build_as(Guide, TASK_UTILS, scores, 'scores'))

    @property
    def parts(self):
        return self._parts

    def _shares(self, wanted):
        """Each guide with what it is asked for, if anything."""
        return [(part, wanted & {what})
                for part, what in zip(self.parts, ('attention', 'scores'))
                if what in wanted]

    @property
    def model(self):
        return self.parts[0].model

    def bind(self, student):
        for part in self.parts:
            part.bind(student)

    def check(self, wanted):
        for part, share in self._shares(wanted):
            part.check(share)

    def __call__(self, inputs, wanted, labels=None):
        guidance = Guidance()
        for part, share in self._shares(wanted):
            answer = part(inputs, share, labels)
            guidance.attention = guidance.attention if answer.attention is \
                None else answer.attention
            guidance.logits = guidance.logits if answer.logits is None else \
                answer.logits
        return guidance

    def __deepcopy__(self, memo):
        copy = super().__deepcopy__(memo)
        copy._parts = tuple(part.__deepcopy__(memo) for part in self.parts)
        return copy
