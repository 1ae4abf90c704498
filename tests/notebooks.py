"""Notebooks at work, in a kernel of this Python that nothing else on the machine knows of."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from patience import PATIENCE

__all__ = ["executed"]


def executed(notebook: Path, folder: Path, environment: Mapping[str, str]) -> Any:
    """The notebook with the outputs of all of its cells, worked in `folder`; what it leaves of its own is there too."""
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    kernels, home = folder / "kernels", folder / "home"
    (kernels / "own").mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    said = {"argv": argv, "display_name": "own", "language": "python"}
    (kernels / "own" / "kernel.json").write_text(json.dumps(said))
    folders = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR", "MPLCONFIGDIR")
    given = {**os.environ, **dict.fromkeys(folders, str(home)), **environment}
    # The path of a socket has 107 bytes at most.
    with mock.patch.dict(os.environ, given), TemporaryDirectory(prefix="levada-") as sockets:
        specs = KernelSpecManager(kernel_dirs=[str(kernels)], ensure_native_kernel=False)
        manager = AsyncKernelManager(kernel_name="own", kernel_spec_manager=specs, transport="ipc", ip=f"{sockets}/s")
        book = nbformat.read(notebook, as_version=4)
        where = {"metadata": {"path": str(folder)}}
        client = NotebookClient(book, km=manager, timeout=3 * PATIENCE, coalesce_streams=True, resources=where)
        return client.execute(cleanup_kc=True)
