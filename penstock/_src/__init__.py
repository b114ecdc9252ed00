"""The engine and everything behind the public tree: layers of folders, each importing only what is below it.

Low to high: util < core proto < ir native < ops < graph < autodiff < compiler < runtime < devices < eager < api
< function < custom_ops < data saving observe < distribute formats < bridge.  `docs/architecture.md` shows the whole picture.
"""
