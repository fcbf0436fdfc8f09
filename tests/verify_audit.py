#!/usr/bin/env python3
"""Verifies an exported handoffd audit log with nothing but the Python standard library.

usage: verify_audit.py DIR VKEY [--old CHECKPOINT]
       verify_audit.py --proof FILE LEAF VKEY

DIR holds `checkpoint`, `tile/` and, where bodies were exported, `sealed/`. VKEY is the public key or a file holding it.
CHECKPOINT is an older checkpoint kept outside. Exit code 0: everything follows from the signed root; 1: the place that
does not fit is named on standard error; 2: wrong usage. Shares no code with handoffd: signed notes, RFC 6962 hashing,
C2SP tlog-tiles paths and Ed25519 verification (RFC 8032) are written out below.
"""

import base64
import binascii
import hashlib
import json
import os
import re
import sys

TILE = 256
HASH = 32
MAX_SIGNATURES = 16
MAX_NOTE = 64 * 1024


class Refused(Exception):
    """Something does not follow from what was signed."""


# --- Ed25519 (RFC 8032, section 5.1) ---------------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    left = (a[1] - a[0]) * (b[1] - b[0]) % P
    right = (a[1] + a[0]) * (b[1] + b[0]) % P
    c = 2 * a[3] * b[3] * D % P
    d = 2 * a[2] * b[2] % P
    e, f, g, h = right - left, d - c, d + c, right + left
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_times(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        scalar >>= 1
    return result


def point_equal(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def recover_x(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * SQRT_MINUS_1 % P
    if (x * x - square) % P != 0:
        return None
    return P - x if (x & 1) != sign else x


def point_decode(data):
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def ed25519_verify(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = point_decode(public), point_decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return point_equal(point_times(s, BASE), point_add(r, point_times(k, a)))


# --- signed notes and checkpoints ------------------------------------------------------------------------------------


def unbase64(text):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("not base64") from None


def parse_vkey(text):
    name, plus, rest = text.strip().partition("+")
    key_id, second, encoded = rest.partition("+")
    if not plus or not second or not re.fullmatch("[0-9a-f]{8}", key_id):
        raise Refused("the verifier key is malformed")
    key = unbase64(encoded)
    if len(key) != 33 or key[0] != 1:
        raise Refused("the verifier key is not an Ed25519 key")
    if hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != key_id:
        raise Refused("the verifier key's id does not belong to it")
    return name, bytes.fromhex(key_id), key[1:]


def parse_checkpoint(note, vkey, which):
    """Size and root of a checkpoint that the key signed for its own origin."""
    name, key_id, public = vkey
    try:
        text = note.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{which}: not UTF-8") from None
    if len(note) > MAX_NOTE or any(ord(c) < 32 and c != "\n" for c in text):
        raise Refused(f"{which}: not a well-formed signed note")
    body, blank, signatures = text.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise Refused(f"{which}: not a well-formed signed note")
    body += "\n"
    lines = signatures[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise Refused(f"{which}: more than {MAX_SIGNATURES} signatures")
    signed = False
    for line in lines:
        match = re.fullmatch("\u2014 ([^ +]+) ([A-Za-z0-9+/]+={0,2})", line)
        if not match:
            raise Refused(f"{which}: malformed signature line")
        blob = unbase64(match.group(2))
        if match.group(1) == name and blob[:4] == key_id:
            if not ed25519_verify(public, body.encode(), blob[4:]):
                raise Refused(f"{which}: the signature is false")
            signed = True
    if not signed:
        raise Refused(f"{which}: not signed by the given key")
    head = body.split("\n")
    if len(head) != 4 or head[0] != name:
        raise Refused(f"{which}: its origin is not the key's name")
    if not re.fullmatch("0|[1-9][0-9]{0,14}", head[1]):
        raise Refused(f"{which}: malformed size")
    root = unbase64(head[2])
    if len(root) != HASH:
        raise Refused(f"{which}: malformed root")
    return int(head[1]), root


# --- RFC 6962 --------------------------------------------------------------------------------------------------------


def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The perfect subtrees of a growing tree, largest first."""

    def __init__(self):
        self.size = 0
        self.nodes = []

    def add(self, leaf):
        self.size += 1
        size = self.size
        while size % 2 == 0:
            leaf = node_hash(self.nodes.pop(), leaf)
            size //= 2
        self.nodes.append(leaf)

    def root(self):
        if not self.nodes:
            return hashlib.sha256(b"").digest()
        result = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            result = node_hash(node, result)
        return result


def perfect(hashes):
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


# --- tiles -----------------------------------------------------------------------------------------------------------


def number_path(number):
    parts = [f"{number % 1000:03}"]
    number //= 1000
    while number:
        parts.insert(0, f"x{number % 1000:03}")
        number //= 1000
    return os.path.join(*parts)


def read_tile(directory, folder, number, width):
    """Name and bytes of a tile; the full one where the partial one is gone."""
    full = os.path.join("tile", folder, number_path(number))
    names = [full] if width == TILE else [f"{full}.p/{width}", full]
    for name in names:
        try:
            with open(os.path.join(directory, name), "rb") as file:
                return name, file.read()
        except (FileNotFoundError, NotADirectoryError):
            continue
    raise Refused(f"{names[0]} is missing")


def split_bundle(name, data, width):
    entries, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        if at + 2 + length > len(data):
            raise Refused(f"{name}: entry {len(entries)} of the bundle is cut short")
        entries.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    if len(entries) < width:
        raise Refused(f"{name}: holds {len(entries)} entries instead of {width}")
    return entries[:width]


def check_hash_tile(directory, level, number, hashes):
    name, data = read_tile(directory, str(level), number, len(hashes))
    if len(data) < HASH * len(hashes) or (not name.endswith(f".p/{len(hashes)}") and len(data) != HASH * TILE):
        raise Refused(f"{name}: wrong length")
    for at, expected in enumerate(hashes):
        if data[at * HASH : (at + 1) * HASH] != expected:
            raise Refused(f"{name}: hash {at} does not follow from the entries")
    if name.endswith(f".p/{len(hashes)}") and len(data) != HASH * len(hashes):
        raise Refused(f"{name}: wrong length")


def check_leaf(index, name, entry):
    """The digests of the sealed parts of an entry that says that it is the one it should be."""
    where = f"entry {index} in {name}"
    try:
        leaf = json.loads(entry)
    except (ValueError, RecursionError):
        raise Refused(f"{where}: not JSON") from None
    if not isinstance(leaf, dict) or set(leaf) != {"v", "i", "leaf", "sealed"} or leaf["v"] != 1:
        raise Refused(f"{where}: not a leaf of this log")
    if leaf["i"] != index:
        raise Refused(f"{where}: says that it is entry {leaf['i']}")
    digests = leaf["sealed"]
    if not isinstance(digests, list) or not all(isinstance(d, str) and re.fullmatch("[0-9a-f]{64}", d) for d in digests):
        raise Refused(f"{where}: malformed digests")
    return digests


def check_sealed(directory, number, digests):
    name = os.path.join("sealed", number_path(number))
    try:
        with open(os.path.join(directory, name), "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise Refused(f"{name} is missing") from None
    at = 0
    for offset, expected in enumerate(digests):
        index = number * TILE + offset
        if int.from_bytes(data[at : at + 2], "big") != len(expected):
            raise Refused(f"{name}: entry {index} has another number of sealed parts than was signed")
        at += 2
        for part, digest in enumerate(expected):
            length = int.from_bytes(data[at : at + 4], "big")
            body = data[at + 4 : at + 4 + length]
            at += 4 + length
            if len(body) != length or hashlib.sha256(body).hexdigest() != digest:
                raise Refused(f"{name}: sealed part {part} of entry {index} is not the one that was signed")
    return sum(len(expected) for expected in digests)


def verify(directory, vkey, old_note):
    try:
        with open(os.path.join(directory, "checkpoint"), "rb") as file:
            size, root = parse_checkpoint(file.read(), vkey, "checkpoint")
    except FileNotFoundError:
        raise Refused("checkpoint is missing") from None
    old = parse_checkpoint(old_note, vkey, "older checkpoint") if old_note is not None else None
    if old and old[0] > size:
        raise Refused(f"ROLLED BACK: the older checkpoint covers {old[0]} entries, this one only {size}")
    tree = Frontier()
    levels = []

    def add(level, node):
        if len(levels) == level:
            levels.append([0, []])
        number, nodes = levels[level]
        nodes.append(node)
        if len(nodes) == TILE:
            check_hash_tile(directory, level, number, nodes)
            levels[level] = [number + 1, []]
            add(level + 1, perfect(nodes))

    sealed = 0
    with_bodies = os.path.isdir(os.path.join(directory, "sealed"))
    for number in range((size + TILE - 1) // TILE):
        width = min(TILE, size - number * TILE)
        name, data = read_tile(directory, "entries", number, width)
        digests = []
        for offset, entry in enumerate(split_bundle(name, data, width)):
            digests.append(check_leaf(number * TILE + offset, name, entry))
            node = leaf_hash(entry)
            if old and old[0] == tree.size and tree.root() != old[1]:
                raise Refused(f"FORKED: the first {old[0]} entries are not those of the older checkpoint")
            tree.add(node)
            add(0, node)
        if with_bodies:
            sealed += check_sealed(directory, number, digests)
    for level, (number, nodes) in enumerate(levels):
        if nodes:
            check_hash_tile(directory, level, number, nodes)
    if old and old[0] == size and tree.root() != old[1]:
        raise Refused(f"FORKED: the first {old[0]} entries are not those of the older checkpoint")
    if tree.root() != root:
        raise Refused(f"the entries lead to another root than the checkpoint of size {size}")
    continues = f", continues {old[0]}" if old else ""
    return f"verified: {size} entries, {sealed} sealed parts hashed again{continues}, root {root.hex()}"


def verify_proof(proof, leaf, vkey):
    try:
        head, blank, note = proof.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise Refused("the proof is not UTF-8") from None
    lines = head.split("\n")
    if not blank or len(lines) < 2 or lines[0] != "c2sp.org/tlog-proof@v1":
        raise Refused("not a tlog-proof")
    match = re.fullmatch("index (0|[1-9][0-9]{0,14})", lines[1])
    if not match:
        raise Refused("malformed index")
    index, path = int(match.group(1)), [unbase64(line) for line in lines[2:]]
    size, root = parse_checkpoint(note.encode(), vkey, "the proof's checkpoint")
    if index >= size:
        raise Refused(f"index {index} is not covered by a checkpoint of size {size}")
    # RFC 9162, section 2.1.3.2
    node, last, at = leaf_hash(leaf), size - 1, index
    for sibling in path:
        if last == 0:
            raise Refused("the path is too long")
        if at % 2 == 1 or at == last:
            node = node_hash(sibling, node)
            while at % 2 == 0 and at != 0:
                at //= 2
                last //= 2
        else:
            node = node_hash(node, sibling)
        at //= 2
        last //= 2
    if last != 0 or node != root:
        raise Refused(f"the proof does not lead from this entry at index {index} to the root")
    return f"verified: entry {index} of {size}"


def read_key(argument):
    if os.path.exists(argument):
        with open(argument, encoding="utf-8") as file:
            argument = file.read()
    return parse_vkey(argument)


def main(arguments):
    try:
        if len(arguments) == 4 and arguments[0] == "--proof":
            with open(arguments[1], "rb") as proof, open(arguments[2], "rb") as leaf:
                print(verify_proof(proof.read(), leaf.read(), read_key(arguments[3])))
            return 0
        if len(arguments) == 4 and arguments[2] == "--old":
            with open(arguments[3], "rb") as file:
                old = file.read()
        elif len(arguments) == 2:
            old = None
        else:
            print(__doc__, file=sys.stderr)
            return 2
        print(verify(arguments[0], read_key(arguments[1]), old))
        return 0
    except Refused as refusal:
        print(f"REFUSED: {refusal}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"REFUSED: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
