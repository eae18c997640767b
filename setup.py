"""The part of the Python build that pyproject.toml cannot say: Bazel makes the extension."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pybind11
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
TARGET = "//python_api/velaria:_velaria.so"


class BazelBuildExt(build_ext):
    """Builds the extension with Bazel, which scripts/bazel fetches where there is none."""

    def get_ext_filename(self, fullname):
        # Beside the sources the extension has one plain name, so that no stale one shadows it.
        if self.inplace:
            return fullname.replace(".", os.sep) + ".so"
        return super().get_ext_filename(fullname)

    def build_extension(self, ext):
        destination = Path(self.get_ext_fullpath(ext.name))
        destination.parent.mkdir(parents=True, exist_ok=True)
        environment = dict(
            os.environ,
            VELARIA_SETUP="toolchain",
            VELARIA_PYTHON_BIN=sys.executable,
            # A build environment may show its packages to one process only.
            VELARIA_PYBIND11_INCLUDE=pybind11.get_include(),
        )
        # An output folder of its own: a wheel for another Python must not disturb the tree's
        # builds, and an unpacked source archive must leave nothing behind.
        with tempfile.TemporaryDirectory(prefix="velaria-wheel-") as output:
            bazel = [str(ROOT / "scripts" / "bazel"), f"--output_base={output}"]

            def run(*arguments):
                return subprocess.run(
                    [*bazel, *arguments],
                    cwd=ROOT,
                    env=environment,
                    check=True,
                    stdout=subprocess.PIPE,
                ).stdout.decode()

            links = "--experimental_convenience_symlinks=ignore"
            try:
                run("build", links, "--noshow_progress", TARGET)
                built = Path(run("info", "bazel-bin").strip())
                shutil.copyfile(built / "python_api/velaria/_velaria.so", destination)
            finally:
                run("clean", "--expunge", links)
                Path(output).mkdir(exist_ok=True)
        destination.chmod(0o755)


setup(
    ext_modules=[Extension("velaria._velaria", sources=[])],
    cmdclass={"build_ext": BazelBuildExt},
)
