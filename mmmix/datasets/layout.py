from typing import Iterable, List

from mmengine.fileio import exists

from mmmix.errors import MmmixError


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


class Checked:
    """To be inherited before a stock data set: what is missing is reported
    with the layout that is expected, and so is a filter that leaves nothing.
    """

    LAYOUT: str

    def required(self) -> List[str]:
        """The paths that must exist."""
        raise NotImplementedError

    def load_data_list(self) -> List[dict]:
        """Check the layout, then do what the stock class does."""
        check_layout(self.required(), self.LAYOUT)
        return super().load_data_list()

    def filter_data(self) -> List[dict]:
        """Do what the stock class does, and look that something is left."""
        kept = super().filter_data()
        if not kept:
            raise MmmixError(
                f'{type(self).__name__} has 0 images: '
                f'{len(self.data_list)} were found for '
                f"data_root='{self.data_root}', ann_file='{self.ann_file}', "
                f'data_prefix={dict(self.data_prefix)}, and '
                f'filter_cfg={self.filter_cfg} leaves none of them.')
        return kept
