from .checkpoint_hook import CheckpointHook
from .class_count_hook import ClassCountHook
from .ema_guide_hook import EMAGuideHook
from .exact_resume_hook import ExactResumeHook
from .loading_hook import LoadingHook
from .mix_statistics_hook import MixStatisticsHook
from .plain_groups_hook import PlainGroupsHook
from .preemption_hook import AGAIN, saving_when_stopped
from .resumed_schedule_hook import ResumedScheduleHook
from .strict_loading_hook import StrictLoadingHook

__all__ = [
    'AGAIN', 'CheckpointHook', 'ClassCountHook', 'EMAGuideHook',
    'ExactResumeHook', 'LoadingHook', 'MixStatisticsHook', 'PlainGroupsHook',
    'ResumedScheduleHook', 'StrictLoadingHook', 'saving_when_stopped'
]
