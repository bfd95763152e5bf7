/// Places buffers that live for known intervals of time into one block of memory, sharing addresses between those
/// that are never alive together.
struct Arena {
    struct Item {
        let floats: Int
        /// First and last moment of use, inclusive.
        let life: ClosedRange<Int>
    }

    /// Offsets in floats, in the order of `items`, each a multiple of 16; and the block's size.
    /// Greedy: the largest first, each at the lowest offset that is free throughout its life.
    static func place(_ items: [Item]) -> (offsets: [Int], floats: Int) {
        var offsets = Array(repeating: 0, count: items.count)
        var placed: [(index: Int, end: Int)] = []
        var size = 0
        let order = items.indices.sorted {
            items[$0].floats != items[$1].floats ? items[$0].floats > items[$1].floats : $0 < $1
        }
        for index in order {
            let floats = (items[index].floats + 15) / 16 * 16
            let rivals = placed.filter { items[$0.index].life.overlaps(items[index].life) }
                .sorted { offsets[$0.index] < offsets[$1.index] }
            var offset = 0
            for rival in rivals {
                if offset + floats <= offsets[rival.index] { break }
                offset = max(offset, rival.end)
            }
            offsets[index] = offset
            placed.append((index, offset + floats))
            size = max(size, offset + floats)
        }
        return (offsets, size)
    }
}
