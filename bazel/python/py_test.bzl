"""velaria_py_test: runs pytest of the configured interpreter on files, under `bazel test`.

A rule of our own and not rules_python's: that one wants an interpreter it downloads, and ours
must be the one the extension was compiled for.
"""

load("@velaria_python//:defs.bzl", "ENVIRONMENT", "PYTHON_BIN")

_LAUNCHER = """#!/usr/bin/env bash
# environment {environment}: part of the action's key, so that changed packages re-run the test
set -euo pipefail
R=${{RUNFILES_DIR:-${{TEST_SRCDIR:-$0.runfiles}}}}
cd "$R/{workspace}"
export PYTHONPATH="{imports}" PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1
export HOME="${{TEST_TMPDIR:-/tmp}}"
args=(-p no:cacheprovider -p velaria_shard_plugin --rootdir="$PWD" --import-mode=importlib)
[ -z "${{XML_OUTPUT_FILE:-}}" ] || args+=(--junitxml="$XML_OUTPUT_FILE")
[ -z "${{TESTBRIDGE_TEST_ONLY:-}}" ] || args+=(-k "$TESTBRIDGE_TEST_ONLY")
exec "{python}" -m pytest "${{args[@]}}" {files} "$@"
"""

def _velaria_py_test_impl(ctx):
    workspace = ctx.workspace_name
    launcher = ctx.actions.declare_file(ctx.label.name + ".sh")
    plugin = ctx.actions.declare_file(ctx.label.name + "_plugin/velaria_shard_plugin.py")
    ctx.actions.symlink(output = plugin, target_file = ctx.file._plugin)
    folders = ctx.attr.imports + [plugin.short_path.rpartition("/")[0]]
    ctx.actions.write(launcher, _LAUNCHER.format(
        workspace = workspace,
        imports = ":".join(["$R/%s/%s" % (workspace, folder) for folder in folders]),
        python = PYTHON_BIN,
        environment = ENVIRONMENT,
        files = " ".join(["'%s'" % file.short_path for file in ctx.files.srcs]),
    ), is_executable = True)
    runfiles = ctx.runfiles(
        files = ctx.files.srcs + ctx.files.data + [plugin],
        transitive_files = depset(transitive = [dep[DefaultInfo].files for dep in ctx.attr.deps]),
    )
    runfiles = runfiles.merge_all([dep[DefaultInfo].default_runfiles for dep in ctx.attr.data + ctx.attr.deps])
    return [DefaultInfo(executable = launcher, runfiles = runfiles)]

_velaria_py_test = rule(
    implementation = _velaria_py_test_impl,
    test = True,
    attrs = {
        "srcs": attr.label_list(allow_files = [".py"]),
        "data": attr.label_list(allow_files = True),
        "deps": attr.label_list(),
        "imports": attr.string_list(doc = "folders for PYTHONPATH, from the root of the project"),
        "_plugin": attr.label(default = "//bazel/python:shard_plugin.py", allow_single_file = True),
    },
)

def velaria_py_test(name, srcs, imports = ["python_api"], tags = [], size = "small", **kwargs):
    """pytest over `srcs`; tagged `python`, which keeps it out of the C++ runs."""
    _velaria_py_test(
        name = name,
        srcs = srcs,
        imports = imports,
        tags = tags + ["python"],
        size = size,
        **kwargs
    )
