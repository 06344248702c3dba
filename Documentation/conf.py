# SPDX-License-Identifier: GPL-2.0-only
# For sphinx-build, which scripts/doc.sh runs
import re

project = "bpfmap"
copyright = "the authors of bpfmap, GPL-2.0-only"
html_theme = "alabaster"
html_show_sourcelink = False
primary_domain = "c"
highlight_language = "none"

# What the kernel declares, and struct bpfmap, which is opaque
nitpick_ignore_regex = [("c:identifier", r"(?!bpfmap_).*")]
c_id_attributes = ["__user", "__rcu", "__percpu"]

# Where functions are meant that the kernel's side declares, not the library
in_kernel = ("design", "kernel-api", "module-author")


# Texts are to be read as they are, too: links are made of names here
def add_links(app, docname, source):
    text = re.sub(r"``([\w-]+)\.rst``", r":doc:`\1`", source[0])
    # Rules of abi.rst, written as tests cite them
    text = re.sub(r"\[([a-z_]+\.[a-z_]+)\]", r"[:ref:`\1 <\1>`]", text)
    if docname in in_kernel:
        text = re.sub(r"``(bpfmap_\w+)\(\)``", r":c:func:`\1`", text)
    source[0] = text


def setup(app):
    app.connect("source-read", add_links)
