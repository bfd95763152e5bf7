import Tensors

extension HDF5File {
    /// The numbers of a data set, or the objects that it refers to.
    package enum DataSet {
        case numbers(StoredNumbers)
        case references([Object])
    }

    private static let mostExtents = 32

    /// What is stored: its type and the bytes of each element.
    private struct ElementType {
        /// nil: references.
        var numbers: StoredNumbers.NumberType?
        var size: Int
    }

    /// Reads the data set at `object`; its extents are in the file's order, the last varying fastest.
    /// - Throws: an `InputError` if it is not a data set of numbers or references, or is damaged.
    package func dataSet(_ object: Object) throws(InputError) -> DataSet {
        let messages = try messages(object)
        func message(_ type: Int, _ name: String) throws(InputError) -> Message {
            guard let message = messages.first(where: { $0.type == type }) else {
                throw damage("a data set, with its \(name)", "another object")
            }
            return message
        }
        let extents = try extents(try message(MessageType.dataspace, "extents"))
        let type = try elementType(try message(MessageType.datatype, "type"))
        var size = type.size
        for extent in extents {
            let (product, overflow) = size.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw damage("an array that fits", IDX.describe(extents)) }
            size = product
        }
        try reserve(size)
        let bytes = try content(
            try message(MessageType.layout, "layout"), extents, elementSize: type.size, size: size,
            filters: try filters(messages.first { $0.type == MessageType.filters }, elementSize: type.size))
        if let numbers = type.numbers {
            return .numbers(StoredNumbers(extents: extents, type: numbers, bytes: bytes))
        }
        let addresses = StoredNumbers(extents: extents, type: .uint64, bytes: bytes)
        var objects: [Object] = []
        for index in 0..<addresses.count {
            guard let address = Int(exactly: addresses.word(index)) else { throw damage("an address", "none") }
            objects.append(Object(address: address))
        }
        return .references(objects)
    }

    private func extents(_ message: Message) throws(InputError) -> [Int] {
        let version = try message.number(0, 1, self), rank = try message.number(1, 1, self)
        guard version == 1 || version == 2 else { throw newer("dataspace of version \(version)") }
        guard rank <= Self.mostExtents else { throw damage("at most \(Self.mostExtents) extents", "\(rank)") }
        var extents: [Int] = []
        for axis in 0..<rank { extents.append(try message.number((version == 1 ? 8 : 4) + 8 * axis, 8, self)) }
        return extents
    }

    private func elementType(_ message: Message) throws(InputError) -> ElementType {
        let kind = try message.number(0, 1, self) & 15, flags = try message.number(1, 1, self)
        let size = try message.number(4, 4, self)
        let numbers: StoredNumbers.NumberType?
        switch kind {
        case 0: numbers = .integer(size: size, isSigned: flags & 8 != 0)
        case 1: numbers = .floating(size: size)
        case 7 where flags & 15 == 0 && size == 8: return ElementType(numbers: nil, size: 8)
        default: numbers = nil
        }
        guard let numbers, flags & 1 == 0 else {
            throw damage("numbers or references, little-endian", "elements of class \(kind), \(size) bytes each")
        }
        return ElementType(numbers: numbers, size: size)
    }

    // MARK: - Content

    private func content(
        _ layout: Message, _ extents: [Int], elementSize: Int, size: Int, filters: [Filter]
    ) throws(InputError) -> [UInt8] {
        let version = try layout.number(0, 1, self), kind = try layout.number(1, 1, self)
        guard version == 3 else { throw newer("layout of version \(version)") }
        switch kind {
        case 0:
            let stored = try layout.number(2, 2, self)
            guard stored == size, 4 + size <= layout.data.count else {
                throw damage("\(size) bytes in an object's header", "\(stored)")
            }
            return Array(layout.data[4..<4 + size])
        case 1:
            guard try layout.number(10, 8, self) == size else { throw damage("\(size) bytes", "others") }
            return size == 0 ? [] : try part(try layout.number(2, 8, self), size)
        case 2: return try chunks(layout, extents, elementSize: elementSize, size: size, filters)
        default: throw newer("layout of class \(kind)")
        }
    }

    /// Reads a data set that is stored in pieces of equal extents, which may be compressed.
    private func chunks(
        _ layout: Message, _ extents: [Int], elementSize: Int, size: Int, _ filters: [Filter]
    ) throws(InputError) -> [UInt8] {
        let rank = extents.count
        guard try layout.number(2, 1, self) == rank + 1, rank > 0 else { throw damage("pieces of its rank", "others") }
        var sides: [Int] = [], chunkSize = elementSize
        for axis in 0..<rank {
            let side = try layout.number(11 + 4 * axis, 4, self)
            let (product, overflow) = chunkSize.multipliedReportingOverflow(by: side)
            guard side > 0, !overflow else { throw damage("pieces that fit", "larger or empty ones") }
            (chunkSize, sides) = (product, sides + [side])
        }
        guard size > 0 else { return [] }
        let leaves = try leaves(try layout.number(3, 8, self), type: 1, keySize: 8 + 8 * (rank + 1))
        var result = [UInt8](repeating: 0, count: size)
        for leaf in leaves {
            let key = Message(type: 0, data: leaf.key)
            var first: [Int] = []
            for axis in 0..<rank { first.append(try key.number(8 + 8 * axis, 8, self)) }
            guard zip(first, extents).allSatisfy({ $0 < $1 }) else {
                throw damage("pieces within \(IDX.describe(extents))", "one at \(first)")
            }
            var chunk = try part(leaf.child, try key.number(0, 4, self))
            for _ in filters { try reserve(chunkSize) }
            let skipped = try key.number(4, 4, self)
            for (index, filter) in filters.enumerated().reversed() where skipped >> index & 1 == 0 {
                chunk = try filter.undone(chunk, size: chunkSize, self)
            }
            guard chunk.count == chunkSize else { throw damage("pieces of \(chunkSize) bytes", "\(chunk.count)") }
            Self.copy(chunk, sides, at: first, to: &result, extents, elementSize)
        }
        return result
    }

    /// Copies the part of a piece that is within the array, row by row.
    private static func copy(
        _ chunk: [UInt8], _ sides: [Int], at first: [Int], to result: inout [UInt8], _ extents: [Int], _ size: Int
    ) {
        let last = sides.count - 1
        let inside = sides.indices.map { min(sides[$0], extents[$0] - first[$0]) }
        let rows = inside[..<last].reduce(1, *)
        for row in 0..<rows {
            var (rest, from, to, step, stride) = (row, 0, first[last], sides[last], extents[last])
            for axis in (0..<last).reversed() {
                let index = rest % inside[axis]
                rest /= inside[axis]
                from += index * step
                to += (first[axis] + index) * stride
                step *= sides[axis]
                stride *= extents[axis]
            }
            for byte in 0..<inside[last] * size { result[to * size + byte] = chunk[from * size + byte] }
        }
    }

    // MARK: - Filters

    /// What was done to each piece before it was stored.
    private enum Filter {
        case deflate
        /// The first bytes of all elements, then the second, and so on.
        case shuffle(elementSize: Int)
        /// A checksum of four bytes behind, which is not checked.
        case checksum

        func undone(_ bytes: [UInt8], size: Int, _ file: HDF5File) throws(InputError) -> [UInt8] {
            switch self {
            case .deflate:
                let source = ZlibSource(MemorySource(bytes, place: file.place), limit: size + 4)
                let result = try source.read(exactly: size + 4)
                try source.finish()
                return result
            case .shuffle(let elementSize):
                let count = bytes.count / elementSize
                var result = bytes
                for byte in 0..<elementSize {
                    for element in 0..<count {
                        result[element * elementSize + byte] = bytes[byte * count + element]
                    }
                }
                return result
            case .checksum: return bytes.dropLast(4)
            }
        }
    }

    /// Returns the filters in the order in which they were applied.
    private func filters(_ message: Message?, elementSize: Int) throws(InputError) -> [Filter] {
        guard let message else { return [] }
        let version = try message.number(0, 1, self), count = try message.number(1, 1, self)
        guard version == 1 else { throw newer("list of filters of version \(version)") }
        var filters: [Filter] = [], position = 8, seen: Set<Int> = []
        for _ in 0..<count {
            let id = try message.number(position, 2, self), nameSize = try message.number(position + 2, 2, self)
            let values = try message.number(position + 6, 2, self), first = position + 8 + (nameSize + 7) / 8 * 8
            guard seen.insert(id).inserted else { throw damage("each filter once", "filter \(id) twice") }
            switch id {
            case 1: filters.append(.deflate)
            case 2:
                guard try message.number(first, 4, self) == elementSize else {
                    throw damage("elements of \(elementSize) bytes to shuffle", "others")
                }
                filters.append(.shuffle(elementSize: elementSize))
            case 3: filters.append(.checksum)
            default: throw damage("data that are stored as they are, or deflated", "filter \(id)")
            }
            position = first + 4 * (values + values % 2)
        }
        return filters
    }
}
