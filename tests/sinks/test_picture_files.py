import pytest

from cxml.errors import SinkError
from cxml.sinks.picture_files import drawable_path, write_picture


@pytest.fixture
def figure():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([0, 1])
    return figure


@pytest.mark.parametrize(("name", "begins"), [("a.svg", b"<?xml"), ("a.png", b"\x89PNG")])
def test_the_same_figure_gives_the_same_bytes_in_a_folder_that_is_made(tmp_path, figure, name, begins):
    first, second = (write_picture(figure, tmp_path / folder / name).read_bytes() for folder in ("x", "y"))
    assert first == second
    assert first.startswith(begins)


def test_another_ending_and_a_folder_are_refused(tmp_path, figure):
    with pytest.raises(SinkError, match=r"a\.pdf: must be one of \.svg, \.png"):
        drawable_path(tmp_path / "a.pdf")
    (tmp_path / "a.svg").mkdir()
    with pytest.raises(SinkError, match="is a folder"):
        write_picture(figure, tmp_path / "a.svg")


def test_a_path_that_cannot_be_written_says_why(tmp_path, figure):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="cannot be written"):
        write_picture(figure, tmp_path / "file" / "a.svg")
