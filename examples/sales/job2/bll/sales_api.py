"""Sales from raw JSON files into Avro files."""

from levada import Run
from sales_pipeline import pipeline

__all__ = ["save_sales_to_local_disk"]


def save_sales_to_local_disk(raw_dir: str, stg_dir: str) -> Run:
    """Make the Avro files of the sales in `raw_dir` all that `stg_dir` holds; after an error it stays.

    Args:
        raw_dir: Absolute folder below BASE_DIR, filled by job1 or by anything else.
        stg_dir: Absolute folder below BASE_DIR, as in "/path/to/my_dir/stg/sales/2022-08-09".

    Raises:
        LevadaError: its text says what is wrong, where, and what to do.
    """
    return pipeline().stage_into(stg_dir, raw_dir=raw_dir)
