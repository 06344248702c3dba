# SPDX-License-Identifier: GPL-2.0-only
"""This Python and some modules of its library, as a tree for another machine.

usage: python3 -I tree.py DIR MODULE...

What the modules import comes along. DIR/bin/python3 finds them by itself.
"""

import importlib
import os
import py_compile
import shutil
import sys
import sysconfig

# What the interpreter and its tracebacks import by themselves
ALWAYS = ("encodings.ascii", "encodings.idna", "encodings.latin_1", "linecache", "site")


def main() -> None:
    top, *names = sys.argv[1:]
    library = os.path.realpath(sysconfig.get_path("stdlib"))
    version = os.path.basename(library)
    for name in (*ALWAYS, *names):
        importlib.import_module(name)
    files = {
        os.path.realpath(module.__file__)
        for module in list(sys.modules.values())
        if getattr(module, "__file__", None)
    }
    for file in sorted(files):
        if not file.startswith(library + os.sep):
            continue
        to = os.path.join(top, "lib", version, os.path.relpath(file, library))
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copyfile(file, to)
        if to.endswith(".py"):
            # Believed without a look at the source's time
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(to, doraise=True, invalidation_mode=mode)
    # The interpreter looks for this directory, even if it is empty
    os.makedirs(os.path.join(top, "lib", version, "lib-dynload"), exist_ok=True)
    os.makedirs(os.path.join(top, "bin"), exist_ok=True)
    shutil.copy(os.path.realpath(sys.executable), os.path.join(top, "bin", "python3"))


main()
