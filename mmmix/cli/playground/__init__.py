"""A page on which images are mixed: ``python -m mmmix playground``."""
from .images import from_folder
from .networks import known_networks
from .page import Playground, require_gradio, serve

__all__ = [
    'Playground', 'from_folder', 'known_networks', 'require_gradio', 'serve'
]
