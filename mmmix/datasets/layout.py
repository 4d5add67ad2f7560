from typing import Iterable

from mmengine.fileio import exists


def check_layout(required: Iterable[str], layout: str) -> None:
    """Check that a data set is where it should be.

    Args:
        required (Iterable[str]): Files and folders that must exist.
        layout (str): The layout that is expected, for the message.

    Raises:
        FileNotFoundError: If one is missing. Names it and the layout.
    """
    for path in required:
        if not exists(path):
            raise FileNotFoundError(
                f"'{path}' is missing. Correct `data_root` of the data set, "
                f'or put the data there in this layout:\n{layout}')
