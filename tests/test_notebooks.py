"""Every notebook is committed without outputs, and runs from a clean kernel of this very interpreter."""

import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
TIMEOUT_S = 600  # of one cell, on a busy machine


@pytest.fixture
def executed(tmp_path, monkeypatch):
    """Return a function that executes a notebook and gives it back, with the folder that it ran in."""
    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    work = tmp_path / "work"
    work.mkdir()

    def run(notebook):
        # With no folder of kernels to look in, Jupyter makes the one of `sys.executable`.
        kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
        resources = {"metadata": {"path": str(work)}}
        NotebookClient(notebook, km=kernel, timeout=TIMEOUT_S, resources=resources).execute()
        return notebook, work

    return run


def notebook_of(*sources):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def outputs_of(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_there_is_a_notebook():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs_and_asks_for_no_kernel_of_its_own(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert [cell.execution_count for cell in code] == [None] * len(code)
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_writes_nothing_where_it_runs(path, executed):
    notebook, work = executed(nbformat.read(path, as_version=4))
    shown = [output.data for output in outputs_of(notebook) if "data" in output]
    drawn = [data for data in shown if str(data.get("text/plain", "")).startswith("<Figure")]
    assert all("image/png" in data for data in drawn)
    assert list(work.iterdir()) == []


def test_a_failing_cell_fails_the_test(executed):
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        executed(notebook_of("1 / 0"))


def test_the_kernel_is_this_interpreter(executed):
    notebook, _ = executed(notebook_of("import sys; print(sys.executable)"))
    assert outputs_of(notebook)[0].text.strip() == sys.executable
