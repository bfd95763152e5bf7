/// Places buffers with known lifetimes into one block of memory; buffers that are never alive together may share
/// addresses.
struct Arena {
    struct Item {
        let floats: Int
        /// The first and last time of use, inclusive.
        let life: ClosedRange<Int>
    }

    /// Returns the offsets in floats, in the order of `items` and each a multiple of 16, and the size of the block.
    /// Greedy: the largest item first, each at the lowest offset that is free throughout its lifetime.
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
