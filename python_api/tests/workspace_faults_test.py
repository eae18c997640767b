"""Kept runs on a disk that is full, and files of theirs that were damaged."""

import contextlib
import resource

import pytest
import velaria


def stream_run(workspace, one, status, batches=4):
    recorder = workspace.start("stream", {"sql": "..."})
    table = one.sql("SELECT n FROM range(0, 100) r(n)")
    write = recorder.stream_sink(table.schema)
    for _ in range(batches):
        write(table.to_arrow())
    recorder.finish(status)
    return recorder.run


def test_a_damaged_result_of_a_stream_is_not_made_shorter(cli, workspace, one):
    run = stream_run(workspace, one, "succeeded")
    whole = run.artifact("result.arrows").read_bytes()
    assert run.to_arrow().num_rows == 400
    # Cut within a batch; at the end of one nothing else would tell it.
    for size in (len(whole) - 100, len(whole) * 3 // 4, len(whole) // 2):
        run.artifact("result.arrows").write_bytes(whole[:size])
        with pytest.raises(velaria.FileFormatError, match=r"result\.arrows gives \d+ .* wrote 400"):
            run.to_arrow()
        for command in (("run", "result"), ("artifacts", "preview")):
            assert "wrote 400" in cli(*command, run.run_id, code=1).stderr
    # One that was interrupted has what was written until then.
    stopped = stream_run(workspace, one, "interrupted")
    stopped.artifact("result.arrows").write_bytes(whole[:-100])
    assert stopped.to_arrow().num_rows == 300


@contextlib.contextmanager
def disk_that_is_full_at(size):
    """The system then takes a part of a write, and refuses the next one."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_lines_and_batches_are_written_whole_or_not_at_all(workspace, one):
    recorder = workspace.start("stream", {"sql": "..."})
    recorder.add_progress('{"batch": 1}')
    with disk_that_is_full_at(20), pytest.raises(OSError, match="too large"):
        recorder.add_progress('{"batch": 2}')
    recorder.add_progress('{"batch": 3}')
    assert [line["batch"] for line in recorder.run.progress()] == [1, 3]

    table = one.sql("SELECT n FROM range(0, 1000) r(n)").to_arrow()
    write = recorder.stream_sink(one.sql("SELECT n FROM range(0, 1000) r(n)").schema)
    write(table)
    size = recorder.run.artifact("result.arrows").stat().st_size
    with disk_that_is_full_at(size + 1000), pytest.raises(OSError, match="too large"):
        write(table)
    assert recorder.run.artifact("result.arrows").stat().st_size == size
    write(table)
    recorder.finish("succeeded")
    assert recorder.run.record["row_count"] == 2000
    assert recorder.run.to_arrow().num_rows == 2000
