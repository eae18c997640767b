"""@velaria_python: headers and settings of the interpreter the extension is built for.

The interpreter is VELARIA_PYTHON_BIN, else .venv/bin/python, else python3 on PATH. Two
environment variables of the wheel build are read too: VELARIA_PYBIND11_INCLUDE names pybind11's
headers where the interpreter itself cannot import it.
"""

_PROBE = """
import json, sysconfig

def include_of(module):
    try:
        return __import__(module).get_include()
    except Exception:
        return ""

print(json.dumps({
    "include": sysconfig.get_config_var("INCLUDEPY") or sysconfig.get_paths()["include"],
    "ext_suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    "pybind11": include_of("pybind11"),
}))
"""

def _probe(rctx, python):
    result = rctx.execute([str(python), "-I", "-c", _PROBE])
    if result.return_code:
        fail("%s did not run: %s" % (python, result.stderr))
    return json.decode(result.stdout)

def _choose(rctx):
    """The interpreter and what it said about itself."""
    venv = rctx.path(rctx.workspace_root).get_child(".venv").get_child("bin").get_child("python")
    rctx.watch(venv)  # also when absent: creating or removing .venv re-runs this rule

    named = rctx.getenv("VELARIA_PYTHON_BIN")
    if named:
        if not rctx.path(named).exists:
            fail("VELARIA_PYTHON_BIN=%s does not exist." % named)
        info = _probe(rctx, named)
        if not info["pybind11"] and venv.exists:
            # The environment that setup.sh made on this same interpreter has the packages.
            venv_info = _probe(rctx, venv)
            if venv_info["include"] == info["include"]:
                return venv, venv_info
        return rctx.path(named), info
    if venv.exists:
        return venv, _probe(rctx, venv)
    rctx.getenv("PATH")
    found = rctx.which("python3")
    if not found:
        fail("No Python found: run ./scripts/setup.sh, or set VELARIA_PYTHON_BIN.")
    return found, _probe(rctx, found)

def _velaria_python_impl(rctx):
    python, info = _choose(rctx)

    # Neither the packages of an environment nor its rebuilding are inputs Bazel sees;
    # setup.sh writes the stamp after every change.
    home = python.dirname.dirname
    rctx.watch(home.get_child("pyvenv.cfg"))
    stamp = home.get_child(".velaria-stamp")
    rctx.watch(stamp)
    environment = rctx.read(stamp).strip() if stamp.exists else ""

    if not rctx.path(info["include"] + "/Python.h").exists:
        fail(("Python.h is not in %s, the include folder of %s: install that Python's development headers " +
              "(Debian: python3-dev) or set VELARIA_PYTHON_BIN to an interpreter that has them.") %
             (info["include"], python))
    pybind11 = rctx.getenv("VELARIA_PYBIND11_INCLUDE") or info["pybind11"]
    if not pybind11:
        fail("%s cannot import pybind11: run ./scripts/setup.sh." % python)

    rctx.symlink(info["include"], "include/python")
    rctx.symlink(pybind11, "include/pybind11")
    rctx.file("BUILD.bazel", """\
load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])

cc_library(
    name = "python_headers",
    hdrs = glob(["include/python/**/*.h"]),
    includes = ["include/python"],
)

cc_library(
    name = "pybind11",
    hdrs = glob(["include/pybind11/**/*.h"]),
    includes = ["include/pybind11"],
    deps = [":python_headers"],
)
""")
    rctx.file("defs.bzl", """\
PYTHON_BIN = "{python}"
EXT_SUFFIX = "{ext_suffix}"
ENVIRONMENT = "{environment}"
""".format(python = python, ext_suffix = info["ext_suffix"], environment = environment))

_velaria_python = repository_rule(implementation = _velaria_python_impl, local = True)

def _python_configure_impl(mctx):
    _velaria_python(name = "velaria_python")
    return mctx.extension_metadata(reproducible = True)

python_configure = module_extension(implementation = _python_configure_impl)
