"""The same pages by dlt's rest_api source, into Parquet files or PostgreSQL: the tool that many would pick instead.

python peer_dlt.py URL FOLDER                  (a Python that has `dlt[parquet]`)
python peer_dlt.py URL FOLDER PATH DATABASE    pages of PATH into the schema `bench` (`dlt[postgres]`)
"""

import os
import sys

url, folder, path, database = (*sys.argv[1:], "wrapped", "")[:4]
os.environ.update(DLT_DATA_DIR=f"{folder}/state", RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR")

import dlt  # noqa: E402 - it reads its settings when it is imported
from dlt.sources.rest_api import rest_api_source  # noqa: E402

pages = {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": "total_pages"}
source = rest_api_source(
    {
        "client": {"base_url": url, "paginator": pages},
        "resources": [{"name": "sales", "endpoint": {"path": path, "data_selector": "data"}}],
    }
)
destination = dlt.destinations.filesystem(f"file://{folder}/out")
if database:
    destination = dlt.destinations.postgres(database)
pipeline = dlt.pipeline("bench", destination=destination, dataset_name="bench")
pipeline.run(source, loader_file_format=None if database else "parquet")
rows = pipeline.last_trace.last_normalize_info.row_counts["sales"]
print(f"dlt {dlt.__version__}: {rows} rows")
