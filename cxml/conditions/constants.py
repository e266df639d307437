"""tmp"""


def constants(tree):
    found = {}

    def walk(t):
        if not isinstance(t, list):
            return
        if t[0] in ("=", "<>", "<", "<=", ">", ">=") and t[1][0] == "column" and t[2][0] in ("number", "text"):
            found.setdefault(t[1][1], []).append((t[0], t[2][1]))
        if t[0] == "in" and t[1][0] == "column":
            for x in t[2:]:
                if x[0] in ("number", "text"):
                    found.setdefault(t[1][1], []).append(("=", x[1]))
        for x in t[1:]:
            walk(x)

    walk(tree)
    return found
