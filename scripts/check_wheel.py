#!/usr/bin/env python3
"""What an installed wheel must be: run by the environment it was installed into.

python -I scripts/check_wheel.py WHEEL
"""

import importlib.metadata
import re
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "python_api"
SYSTEM_LIBRARIES = {"libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", "libpthread.so.0"}

wheel = sys.argv[1]
_, version, python, abi, platform = wheel.rsplit("/", 1)[-1].removesuffix(".whl").split("-")
interpreter = f"cp{sys.version_info.major}{sys.version_info.minor}"
assert (python, abi) == (interpreter, interpreter), wheel
assert platform.endswith(sysconfig.get_platform().replace("-", "_").replace(".", "_")), wheel

# Nothing is missing and nothing is there that does not belong to the package.
archive = zipfile.ZipFile(wheel)
names = set(archive.namelist())
extension = f"velaria/_velaria{sysconfig.get_config_var('EXT_SUFFIX')}"
folder = f"velaria-{version}.dist-info"
package = {
    str(path.relative_to(SOURCES))
    for ending in ("*.py", "*.pyi", "py.typed")
    for path in (SOURCES / "velaria").rglob(ending)
}
described = {
    f"{folder}/{name}"
    for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt")
}
licences = {
    f"{folder}/licenses/{name}": ROOT / name for name in ("LICENSE", "THIRD_PARTY_LICENSES")
}
expected = package | {extension} | described | set(licences)
assert names == expected, names ^ expected
assert {"velaria/py.typed", "velaria/_velaria.pyi"} <= names
for name, source in licences.items():
    assert archive.read(name) == source.read_bytes(), name

# The extension needs what every Linux has, and nothing of the machine that built it.
with archive.open(extension) as file:
    content = file.read()
installed = next(
    path for path in sysconfig.get_paths().values() if (Path(path) / extension).is_file()
)
dynamic = subprocess.run(
    ["readelf", "-dW", Path(installed) / extension], capture_output=True, check=True, text=True
).stdout
needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
assert {name for name in needed if not name.startswith("ld-linux")} <= SYSTEM_LIBRARIES, needed
assert "PATH)" not in dynamic, dynamic  # neither RPATH nor RUNPATH
assert str(Path.home()).encode() + b"/" not in content

timed = (
    "import time; begin = time.perf_counter(); import velaria;"
    "print(1000 * (time.perf_counter() - begin))"
)
times = []
for _ in range(5):
    done = subprocess.run([sys.executable, "-I", "-c", timed], capture_output=True, check=True)
    times.append(float(done.stdout))
    time.sleep(0.05)
# Told, not checked: a clock says how busy the machine is. What an import may load is a test.
print(f"import velaria: {sorted(times)[2]:.0f} ms (median of 5), best {min(times):.0f} ms")

import velaria  # noqa: E402

assert "site-packages" in velaria.__file__, velaria.__file__
foreign = {"numpy", "pandas", "polars", "pyarrow", "click", "rich"} & set(sys.modules)
assert not foreign, foreign

# One version, wherever somebody looks.
metadata = importlib.metadata.metadata("velaria")
versions = {version, metadata["Version"], velaria.__version__, velaria._velaria.__version__}
assert len(versions) == 1, versions
for command in ([Path(sys.executable).parent / "velaria"], [sys.executable, "-I", "-m", "velaria"]):
    said = subprocess.run(
        [*command, "--version"], capture_output=True, check=True, text=True
    ).stdout
    assert said == f"velaria {version}\n", said

# Nothing must be installed beside it, and the hints name extras that there are.
needs = importlib.metadata.requires("velaria") or []
assert all("extra ==" in need for need in needs), needs
extras = set(metadata.get_all("Provides-Extra"))
hinted = {
    extra
    for path in (SOURCES / "velaria").rglob("*.py")
    for extra in re.findall(r"velaria\[(\w+)\]", path.read_text())
}
assert hinted, "no hint was found"
assert hinted <= extras, hinted - extras

with velaria.Session() as session:
    assert session.sql("SELECT 1 AS x").to_rows() == [{"x": 1}]
    frame = session.sql("SELECT n FROM range(0, 10) r(n)").start().wait()
    assert frame.count() == 10
    refused = ""
    try:
        frame.to_pandas()
    except ImportError as error:
        refused = str(error)
    assert "pip install" in refused, refused
print(wheel.rsplit("/", 1)[-1], "is as it should be")
