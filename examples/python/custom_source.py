"""A log file that grows, as a stream source with offsets: stop it, start it, and it goes on.

Each run counts the words of the lines that came since the last one.
"""

import pathlib
import tempfile

import velaria
import velaria.testing


class LogLines(velaria.CustomArrowStreamSource):
    """The lines of a file; the offset is the place behind a line."""

    schema = {"line": "utf8"}  # noqa: RUF012
    emit_rows = 2

    def __init__(self, path):
        super().__init__(name=f"lines of {path.name}")
        self.path = path

    def read(self, offset):
        with self.path.open("rb") as file:
            file.seek(int(offset or 0))
            # A line that is still being written is left for the next time.
            while (line := file.readline()).endswith(b"\n"):
                yield velaria.StreamItem({"line": line.decode().rstrip("\n")}, str(file.tell()))


def run(session: velaria.Session, log: pathlib.Path, checkpoint: pathlib.Path) -> None:
    stream = velaria.create_stream_from_custom_source(session, LogLines(log))
    sink = velaria.CustomArrowStreamSink(lambda table: print(" ", table.to_pylist()))
    counts = stream.group_by("line").agg("count(*) AS n")
    query = counts.write_stream(
        sink, checkpoint_path=str(checkpoint), checkpoint_delivery_mode="best-effort"
    )
    print(query.start().await_termination(), "batches")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, velaria.Session() as session:
        log = pathlib.Path(folder) / "words.log"
        log.write_text("tick\ntock\ntick\n")
        run(session, log, pathlib.Path(folder) / "checkpoint")
        with log.open("a") as file:
            file.write("tick\n")
        run(session, log, pathlib.Path(folder) / "checkpoint")
        print(velaria.testing.check_stream_source(lambda: LogLines(log)))


if __name__ == "__main__":
    main()
