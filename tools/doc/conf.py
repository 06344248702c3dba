# SPDX-License-Identifier: GPL-2.0-only
# For sphinx-build, which scripts/doc.sh runs

project = "bpfmap"
copyright = "the authors of bpfmap, GPL-2.0-only"
html_theme = "alabaster"
html_show_sourcelink = False
primary_domain = "c"
highlight_language = "none"

# What the kernel declares, and struct bpfmap, which is opaque
nitpick_ignore_regex = [("c:identifier", r"(?!bpfmap_).*")]
c_id_attributes = ["__user", "__rcu", "__percpu"]
