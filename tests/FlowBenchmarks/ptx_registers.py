"""How many registers the functions of a PTX file need at least: the most 32-bit values that are alive at once, by their text.

    python3 tests/FlowBenchmarks/ptx_registers.py FILE.ptx

What ptxas allocates is near that, or above where it hoists loads. Predicates have registers of their own.
"""
import re
import sys

# 32-bit registers to a value of each kind of PTX register.
WIDTH = {"%f": 1, "%r": 1, "%fd": 2, "%rd": 2, "%rs": 1, "%p": 0}
REGISTER = re.compile(r"%(?:fd|rd|rs|f|r|p)\d+")
STORES = ("st.", "bra", "ret", "bar", "@", "call", "red.", "}", "{")


def width(register):
    return WIDTH[re.match(r"%[a-z]+", register).group()]


def functions(text):
    for match in re.finditer(r"^(?:\.\w+ )*\.(?:func|entry) *(?:\([^)]*\) *)?(\w+)\([^{;]*\{(.*?)^\}", text, re.M | re.S):
        yield match.group(1), match.group(2)


def blocks(body):
    """Of each basic block its instructions (written, read) and the labels that it goes to."""
    found, names = [[]], {}
    jumps = [[]]
    for line in body.split("\n"):
        line = line.split("//")[0].strip()
        label = re.match(r"(\$\w+):", line)
        if label:
            found.append([])
            jumps.append([])
            names[label.group(1)] = len(found) - 1
            continue
        if not line or line.startswith("."):
            continue
        registers = REGISTER.findall(line)
        code = re.sub(r"^@!?%p\d+\s+", "", line)
        guard = REGISTER.findall(line)[:1] if code != line else []
        if code.startswith(STORES) or not registers:
            written, read = [], registers
        else:
            head = code.split(";")[0]
            outputs = re.match(r"\S+\s+(\{[^}]*\}|[^,]*)", head)
            written = REGISTER.findall(outputs.group(1)) if outputs else []
            read = guard + REGISTER.findall(head[outputs.end():] if outputs else head)
            if "mma." in code:
                read += written
        found[-1].append((written, read))
        if code.startswith("bra"):
            jumps[-1].append((re.search(r"\$\w+", code).group(), code == line))
            found.append([])
            jumps.append([])
        elif code.startswith("ret"):
            jumps[-1].append((None, code == line))
            found.append([])
            jumps.append([])
    following = []
    for i, ends in enumerate(jumps):
        to = [names[label] for label, _ in ends if label]
        if not any(always for _, always in ends) and i + 1 < len(found):
            to.append(i + 1)
        following.append(to)
    return found, following


def most_alive(body):
    found, following = blocks(body)
    entry = [set() for _ in found]
    changed, most = True, 0
    while changed:
        changed = False
        for i in reversed(range(len(found))):
            alive = set().union(*(entry[to] for to in following[i])) if following[i] else set()
            for written, read in reversed(found[i]):
                most = max(most, sum(map(width, alive)))
                alive -= set(written)
                alive |= set(read)
            if alive != entry[i]:
                entry[i], changed = alive, True
    return most, sum(map(len, found))


for function, body in functions(open(sys.argv[1]).read()):
    registers, instructions = most_alive(body)
    print(f"{registers:5} registers, {instructions:6} instructions: {function}")
