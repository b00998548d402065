"""The renderer process: everything that decodes media runs in it, and nothing else does.

Media is not to be trusted, and neither are its decoders. So they run in a child with a clean environment and
limits of its own (`sandbox`), which is told what to render over a socket and answers over a pipe
(`protocol`). The parent's side is `process`; the child's is `__main__`. What the child says is parsed as
carefully as anything from outside.
"""
