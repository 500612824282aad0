"""Reads a QR code (ISO/IEC 18004) that a terminal shows in half blocks: bytes at
the level M of correction, versions 1 to 5. Nothing is corrected: a terminal
has no scratches."""

#: Codewords of data of each block, by version, at level M.
BLOCKS = {1: (16,), 2: (28,), 3: (44,), 4: (32, 32), 5: (43, 43)}
#: Where the centre of the one alignment pattern lies, by version.
ALIGNMENT = {2: 18, 3: 22, 4: 26, 5: 30}
LEVEL_M = 0b00
FORMAT_MASK = 0b101010000010010

MASKS = (
    lambda row, column: (row + column) % 2,
    lambda row, column: row % 2,
    lambda row, column: column % 3,
    lambda row, column: (row + column) % 3,
    lambda row, column: (row // 2 + column // 3) % 2,
    lambda row, column: row * column % 2 + row * column % 3,
    lambda row, column: (row * column % 2 + row * column % 3) % 2,
    lambda row, column: ((row + column) % 2 + row * column % 3) % 2,
)


def read(lines: list) -> bytes:
    """What the code says; `lines` are those of the terminal, in which light is
    drawn and dark is left out."""
    dark = modules(lines)
    level, mask = format_of(dark)
    assert level == LEVEL_M, level
    version = (len(dark) - 17) // 4
    words = codewords(dark, version, MASKS[mask])
    return content_of(in_order(words, BLOCKS[version]))


def modules(lines: list) -> list:
    """Rows of True for dark, without the margin; a square."""
    rows = []
    for line in lines:
        rows.append([sign not in "█▀" for sign in line])
        rows.append([sign not in "█▄" for sign in line])
    # As many rows as columns: the last line may have half a row too many.
    rows = rows[: len(lines[0])]
    left = min(row.index(True) for row in rows if True in row)
    top = next(i for i, row in enumerate(rows) if True in row)
    right = max(i for i, is_dark in enumerate(rows[top]) if is_dark)
    size = right - left + 1
    assert size % 4 == 1, size
    return [row[left : left + size] for row in rows[top : top + size]]


def format_of(dark: list) -> tuple:
    """The level of correction and the mask, from beside the upper left corner;
    what stands beside the other two says the same."""
    size = len(dark)
    first = ([(8, i) for i in (0, 1, 2, 3, 4, 5, 7, 8)]
             + [(i, 8) for i in (7, 5, 4, 3, 2, 1, 0)])
    second = ([(size - 1 - i, 8) for i in range(7)]
              + [(8, size - 8 + i) for i in range(8)])
    both = {number(dark[row][column] for row, column in places)
            for places in (first, second)}
    assert len(both) == 1, both
    bits = both.pop() ^ FORMAT_MASK
    return bits >> 13, bits >> 10 & 7


def number(bits) -> int:
    out = 0
    for bit in bits:
        out = out << 1 | bit
    return out


def is_data(row: int, column: int, size: int, version: int) -> bool:
    """Whether a place is not part of a pattern or of the format."""
    corner = (row < 9 and (column < 9 or column >= size - 8)
              or row >= size - 8 and column < 9)
    timing = row == 6 or column == 6
    centre = ALIGNMENT.get(version)
    alignment = (centre is not None and abs(row - centre) <= 2
                 and abs(column - centre) <= 2)
    return not (corner or timing or alignment)


def codewords(dark: list, version: int, mask) -> list:
    """Two columns at a time, from the right, up and down in turns."""
    size, bits, upwards = len(dark), [], True
    right = size - 1
    while right > 0:
        right -= right == 6
        for row in reversed(range(size)) if upwards else range(size):
            bits += [dark[row][column] ^ (mask(row, column) == 0)
                     for column in (right, right - 1)
                     if is_data(row, column, size, version)]
        right, upwards = right - 2, not upwards
    return [number(bits[at : at + 8]) for at in range(0, len(bits) - 7, 8)]


def in_order(words: list, blocks: tuple) -> bytes:
    """The data of each block, which lie one word of each in turns."""
    data = words[: sum(blocks)]
    return bytes(word for i in range(len(blocks))
                 for word in data[i :: len(blocks)])


def content_of(data: bytes) -> bytes:
    """Four bits say that bytes follow, eight how many."""
    assert data[0] >> 4 == 0b0100, data[0] >> 4
    whole = int.from_bytes(data, "big")
    length = whole >> 8 * len(data) - 12 & 0xFF
    return (whole >> 8 * (len(data) - length) - 12
            & (1 << 8 * length) - 1).to_bytes(length, "big")
