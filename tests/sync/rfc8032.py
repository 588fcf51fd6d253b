"""A second Ed25519, slow and in plain integers, after RFC 8032 section 5.1: to check the first one by."""

from hashlib import sha512

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]
"""Extended coordinates: x/z, y/z, z, xy/z."""


def add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(factor: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            total = add(total, point)
        point = add(point, point)
        factor >>= 1
    return total


def is_same(one: Point, other: Point) -> bool:
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 == (one[1] * other[2] - other[1] * one[2]) % P


def x_of(y: int, sign: int) -> int | None:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


BASE_Y = 4 * pow(5, -1, P) % P
BASE_X = x_of(BASE_Y, 0) or 0
BASE: Point = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def pack(point: Point) -> bytes:
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def unpack(raw: bytes) -> Point | None:
    number = int.from_bytes(raw, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    x = x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def number_of(raw: bytes) -> int:
    return int.from_bytes(sha512(raw).digest(), "little") % ORDER


def halves(seed: bytes) -> tuple[int, bytes]:
    raw = sha512(seed).digest()
    scalar = int.from_bytes(raw[:32], "little")
    return scalar & ((1 << 254) - 8) | (1 << 254), raw[32:]


def public(seed: bytes) -> bytes:
    """The public key of a seed."""
    return pack(times(halves(seed)[0], BASE))


def sign(seed: bytes, message: bytes) -> bytes:
    """The signature, 64 bytes."""
    scalar, prefix = halves(seed)
    nonce = number_of(prefix + message)
    point = pack(times(nonce, BASE))
    proof = (nonce + number_of(point + public(seed) + message) * scalar) % ORDER
    return point + proof.to_bytes(32, "little")


def verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """True if the signature over the message is this key's."""
    at, nonce = unpack(key), unpack(signature[:32])
    proof = int.from_bytes(signature[32:], "little")
    if at is None or nonce is None or proof >= ORDER:
        return False
    challenge = number_of(signature[:32] + key + message)
    return is_same(times(proof, BASE), add(nonce, times(challenge, at)))
