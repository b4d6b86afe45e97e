"""`driftd dashboards`: Grafana's files in a folder, or why not."""

from monitor.dashboards.files import files
from tests.harness import driftd


def test_every_file_is_written_to_a_folder_that_is_made(tmp_path):
    folder = tmp_path / "some" / "grafana"
    ran = driftd("dashboards", "--out", folder)
    assert (ran.code, ran.out) == (0, "")
    assert str(folder) in ran.err
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.*")} == set(files())


def test_a_folder_that_cannot_be_made_is_2(tmp_path):
    (tmp_path / "taken").write_text("a file")
    ran = driftd("dashboards", "--out", tmp_path / "taken")
    assert ran.code == 2
    assert ran.err.startswith(f"driftd: {tmp_path / 'taken'}")
    assert "cannot be written" in ran.err
