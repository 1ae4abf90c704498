"""The same pages by dlt's rest_api source, into Parquet files: the tool that many would pick instead.

python peer_dlt.py URL FOLDER       (a Python that has `dlt[parquet]`)
"""

import os
import sys

url, folder = sys.argv[1], sys.argv[2]
os.environ.update(DLT_DATA_DIR=f"{folder}/state", RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR")

import dlt  # noqa: E402 - it reads its settings when it is imported
from dlt.sources.rest_api import rest_api_source  # noqa: E402

pages = {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": "total_pages"}
source = rest_api_source(
    {
        "client": {"base_url": url, "paginator": pages},
        "resources": [{"name": "sales", "endpoint": {"path": "wrapped", "data_selector": "data"}}],
    }
)
destination = dlt.destinations.filesystem(f"file://{folder}/out")
pipeline = dlt.pipeline("bench", destination=destination, dataset_name="bench")
pipeline.run(source, loader_file_format="parquet")
rows = pipeline.last_trace.last_normalize_info.row_counts["sales"]
print(f"dlt {dlt.__version__}: {rows} rows")
