"""The server of job2: POST / with `raw_dir` and `stg_dir`. From the folder above: `python -m job2.main`."""

import os

from job2.bll.sales_api import save_sales_to_local_disk
from levada import Run
from levada.serve import STAGE, make_app
from sales_pipeline import start

__all__ = ["app", "main"]


def main(raw_dir: str, stg_dir: str) -> Run:
    """Do the job; `app` calls this with the parameters of a request that has all of them, as they came."""
    return save_sales_to_local_disk(raw_dir=raw_dir, stg_dir=stg_dir)


app = make_app(STAGE, main)

if __name__ == "__main__":
    start(app, "stage", os.environ.get("JOB2_PORT", "8082"))
