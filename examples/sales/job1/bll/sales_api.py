"""Sales from the API into a folder."""

from levada import Run
from sales_pipeline import pipeline

__all__ = ["save_sales_to_local_disk"]


def save_sales_to_local_disk(date: str, raw_dir: str) -> Run:
    """Make the sales of a date all that a folder holds; without data, or after an error, it stays.

    Args:
        date: As in "2022-08-09".
        raw_dir: Absolute folder below BASE_DIR, as in "/path/to/my_dir/raw/sales/2022-08-09".

    Raises:
        LevadaError: its text says what is wrong, where, and what to do.
    """
    return pipeline().land_into(raw_dir, date=date)
