"""Commands that begin with what a lake holds take no other lake for it while its variable is not set."""

import pytest


@pytest.mark.parametrize("command", [["replay"], ["quarantine", "redrive"], ["compact"]])
def test_what_begins_with_the_lake_takes_no_other_for_it(shell, tmp_path, command):
    text = "pipeline: shop\nsource: {url: http://localhost:9}\nstreams:\n  orders: {request: {path: /orders}}\n"
    (tmp_path / "shop.yaml").write_text(f"lake: s3://${{S3_BUCKET_NAME}}\n{text}")
    told = shell(*command, "shop.yaml")
    assert (told.returncode, told.stdout) == (2, "")
    assert "Not set: S3_BUCKET_NAME." in told.stderr
