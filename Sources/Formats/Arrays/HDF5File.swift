import Tensors

/// Groups and arrays of numbers in HDF5 files as MATLAB (`save -v7.3`) and h5py write them.
///
/// A file is a superblock, at byte 0, 512, 1024 or so on, and objects that refer to one another by address: groups,
/// whose members are found in a tree of names, and data sets (``StoredNumbers``). What libraries write only when asked
/// for the newest format (superblocks from version 2 on, other layouts of groups and data sets) is refused. Source: The
/// HDF Group, "HDF5 File Format Specification", version 3.0.
package final class HDF5File {
    /// An object's address in the file.
    package struct Object: Hashable, Sendable {
        var address: Int
    }

    package let place: String
    /// The group that everything else is in.
    package private(set) var root = Object(address: 0)
    let bytes: [UInt8]
    /// The position that addresses count from.
    private var base = 0
    /// How many more bytes may be looked at; see ``position(_:_:)``.
    private var budget: Int
    /// How many more bytes of data sets may be made; see ``reserve(_:)``.
    private var room: Int

    private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    /// The largest file that is read.
    private static let largestFile = 4 << 30
    /// The maximum number of messages in an object's header.
    private static let mostMessages = 4096
    /// The maximum number of bytes of a name.
    private static let longestName = 256

    /// Reads the file at `path`.
    /// - Throws: an `InputError` if it is another kind of file, truncated or damaged.
    package convenience init(_ path: String) throws(InputError) {
        let file = try BinaryFile(path)
        guard file.size <= Self.largestFile else {
            throw InputError(path, expected: "at most \(Self.largestFile) bytes", received: "\(file.size)")
        }
        try self.init(try file.read(exactly: file.size), place: path)
    }

    /// Parses a file in memory.
    package init(_ bytes: [UInt8], place: String) throws(InputError) {
        (self.bytes, self.place) = (bytes, place)
        budget = 16 * bytes.count + 1 << 16
        room = 64 * bytes.count + 1 << 20
        var start = 0
        while start + 8 <= bytes.count, !bytes[start..<start + 8].elementsEqual(Self.signature) {
            start = start == 0 ? 512 : 2 * start
        }
        guard start + 8 <= bytes.count else {
            throw InputError(
                place, expected: "an HDF5 file", received: bytes.isEmpty ? "an empty file" : "another kind of file")
        }
        base = start
        let head = try part(8, 8)
        guard head[0] <= 1 else { throw newer("superblock of version \(head[0])") }
        guard head[5] == 8, head[6] == 8 else {
            throw damage("addresses of 8 bytes", "\(head[5]) and \(head[6])")
        }
        // Version 1 has four bytes more; then four addresses; then the root's entry: its name, and its address.
        root = Object(address: try number(8 + 16 + (head[0] == 1 ? 4 : 0) + 32 + 8, 8))
    }

    // MARK: - Bytes

    /// Returns the position of `count` bytes at `address`.
    ///
    /// Every look counts against a budget proportional to the file's size, so that no tree whose nodes are their own
    /// children, directly or not, keeps a reader busy.
    private func position(_ address: Int, _ count: Int) throws(InputError) -> Int {
        let (start, overflow) = address.addingReportingOverflow(base)
        guard !overflow, address >= 0, count >= 0, start <= bytes.count, count <= bytes.count - start else {
            throw damage("\(count) bytes at address \(address)", "the end of the file: truncated or damaged")
        }
        budget -= count + 8
        guard budget >= 0 else { throw damage("objects that are each within one other", "a cycle") }
        return start
    }

    /// Counts `count` bytes that are about to be made out of the file: unpacked, put together, or not stored at all. All
    /// together are bounded in proportion to the file's size, so that memory and time are.
    func reserve(_ count: Int) throws(InputError) {
        guard count <= room else { throw damage("data in proportion to its size", "more") }
        room -= count
    }

    /// Returns `count` bytes at `address`.
    func part(_ address: Int, _ count: Int) throws(InputError) -> [UInt8] {
        let start = try position(address, count)
        return Array(bytes[start..<start + count])
    }

    /// Returns the unsigned number of `size` bytes at `address`.
    func number(_ address: Int, _ size: Int) throws(InputError) -> Int {
        let start = try position(address, size)
        return try number(bytes, start, size)
    }

    private func number(_ bytes: [UInt8], _ offset: Int, _ size: Int) throws(InputError) -> Int {
        let word = LittleEndian.word(bytes, at: offset, size: size)
        guard let number = Int(exactly: word) else {
            throw damage("a number below 2⁶³", word == .max ? "an undefined address" : "\(word)")
        }
        return number
    }

    func damage(_ expected: String, _ received: String) -> InputError {
        InputError(place, expected: "an HDF5 file: \(expected)", received: received)
    }

    func newer(_ what: String) -> InputError {
        InputError(
            place, expected: "an HDF5 file as MATLAB writes it", received: "a \(what)",
            remedy: "write it with h5py's libver=\"earliest\", or repack it with h5repack")
    }

    // MARK: - Objects

    /// A piece of an object's header.
    struct Message {
        var type: Int
        var data: [UInt8]

        /// Returns the unsigned number of `size` bytes at `offset`.
        func number(_ offset: Int, _ size: Int, _ file: HDF5File) throws(InputError) -> Int {
            guard offset >= 0, offset + size <= data.count else {
                throw file.damage("a message of \(offset + size) bytes", "\(data.count)")
            }
            return try file.number(data, offset, size)
        }
    }

    /// Returns an object's messages.
    func messages(_ object: Object) throws(InputError) -> [Message] {
        let head = try part(object.address, 4)
        guard head[0] == 1 else {
            throw head.starts(with: "OHDR".utf8)
                ? newer("newer kind of object") : damage("an object at address \(object.address)", "something else")
        }
        let count = try number(object.address + 2, 2)
        guard count <= Self.mostMessages else { throw damage("at most \(Self.mostMessages) messages", "\(count)") }
        var blocks = [(address: object.address + 16, size: try number(object.address + 8, 4))], messages: [Message] = []
        while let block = blocks.popLast() {
            var position = 0
            while position + 8 <= block.size, messages.count + blocks.count < count {
                let message = try self.message(block.address + position)
                position += 8 + message.data.count
                guard position <= block.size else { throw damage("messages within their block", "one beyond it") }
                if message.type == MessageType.continuation {
                    blocks.append((try message.number(0, 8, self), try message.number(8, 8, self)))
                }
                messages.append(message)
            }
        }
        return messages
    }

    private func message(_ address: Int) throws(InputError) -> Message {
        let type = try number(address, 2), size = try number(address + 2, 2), flags = try number(address + 4, 1)
        guard flags & 2 == 0 else { throw newer("message shared by several objects") }
        return Message(type: type, data: try part(address + 8, size))
    }

    /// The messages that are understood.
    enum MessageType {
        static let dataspace = 0x01, datatype = 0x03, layout = 0x08, filters = 0x0B, continuation = 0x10, group = 0x11
    }

    // MARK: - Groups

    /// Returns whether `object` is a group.
    package func isGroup(_ object: Object) throws(InputError) -> Bool {
        try messages(object).contains { $0.type == MessageType.group }
    }

    /// Returns the members of a group by name.
    package func members(of group: Object) throws(InputError) -> [String: Object] {
        guard let table = try messages(group).first(where: { $0.type == MessageType.group }) else {
            throw damage("a group at address \(group.address)", "another object")
        }
        let heap = try table.number(8, 8, self)
        guard try part(heap, 4).elementsEqual("HEAP".utf8) else { throw damage("a heap of names", "something else") }
        let names = try part(try number(heap + 24, 8), try number(heap + 8, 8))
        var members: [String: Object] = [:]
        for leaf in try leaves(try table.number(0, 8, self), type: 0, keySize: 8) {
            guard try part(leaf.child, 4).elementsEqual("SNOD".utf8) else {
                throw damage("a node of a group", "something else")
            }
            for entry in 0..<(try number(leaf.child + 6, 2)) {
                let address = leaf.child + 8 + 40 * entry, offset = try number(address, 8)
                guard offset < names.count else { throw damage("a name within its heap", "one beyond it") }
                let name = names[offset...].prefix(Self.longestName).prefix { $0 != 0 }
                members[String(decoding: name, as: UTF8.self)] = Object(address: try number(address + 8, 8))
            }
        }
        return members
    }

    /// Returns the leaves of a tree, each with the key before it.
    func leaves(_ address: Int, type: UInt8, keySize: Int) throws(InputError) -> [(key: [UInt8], child: Int)] {
        var leaves: [(key: [UInt8], child: Int)] = []
        var nodes = [(address: address, level: 256)]
        while let node = nodes.popLast() {
            let head = try part(node.address, 24)
            guard head.starts(with: "TREE".utf8), head[4] == type else { throw damage("a tree", "something else") }
            guard Int(head[5]) < node.level else { throw damage("a tree", "one whose branches do not end") }
            for entry in 0..<Int(LittleEndian.word(head, at: 6, size: 2)) {
                let position = node.address + 24 + entry * (keySize + 8)
                let key = try part(position, keySize), child = try number(position + keySize, 8)
                if head[5] == 0 { leaves.append((key, child)) } else { nodes.append((child, Int(head[5]))) }
            }
        }
        return leaves
    }
}
