"""The server of job1: POST / with `date` and `raw_dir`. From the folder above: `python -m job1.main`."""

import os

from job1.bll.sales_api import save_sales_to_local_disk
from levada import Run
from levada.serve import LAND, make_app
from sales_pipeline import start

__all__ = ["app", "main"]


def main(date: str, raw_dir: str) -> Run:
    """Do the job; `app` calls this with the parameters of a request that has all of them, as they came."""
    return save_sales_to_local_disk(date=date, raw_dir=raw_dir)


app = make_app(LAND, main)

if __name__ == "__main__":
    start(app, "land", os.environ.get("JOB1_PORT", "8081"))
