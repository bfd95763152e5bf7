"""The validation split of a data set, as `Datasets/Split.swift` makes it: to draw from what a run did not train on."""
import math

import numpy as np

SPLIT = 5


def philox(counter, key):
    """Philox 4×32-10 (Salmon et al., 2011)."""
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k1, p0 & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def words(seed, stream):
    block = 0
    while True:
        yield from philox([block, 0, 0, SPLIT << 24 | stream], (seed & 0xFFFFFFFF, seed >> 32))
        block += 1


def below(bound, source):
    """Lemire's unbiased integer."""
    product = next(source) * bound
    if product & 0xFFFFFFFF < bound:
        threshold = (1 << 32) % bound
        while product & 0xFFFFFFFF < threshold:
            product = next(source) * bound
    return product >> 32


def stratified_validation(labels, fraction, seed):
    """Indices that go to validation, in rising order."""
    members = [np.flatnonzero(labels == c) for c in range(256)]
    shares = [fraction * len(m) for m in members]
    sizes = [math.floor(s) for s in shares]
    missing = round(fraction * len(labels)) - sum(sizes)
    for c in sorted(range(256), key=lambda c: (-(shares[c] - sizes[c]), c)):
        if missing > 0 and sizes[c] + 1 < len(members[c]):
            sizes[c] += 1
            missing -= 1
    chosen = []
    for c, size in enumerate(sizes):
        if not size:
            continue
        order, source = list(range(len(members[c]))), words(seed, c)
        for last in range(len(order) - 1, 0, -1):
            other = below(last + 1, source)
            order[last], order[other] = order[other], order[last]
        chosen += [int(members[c][position]) for position in order[:size]]
    return sorted(chosen)
