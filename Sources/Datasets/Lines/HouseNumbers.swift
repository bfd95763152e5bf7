import Formats
import Foundation
import Pictures
import Tensors

/// The Street View House Numbers as whole numbers ("format 1": Y. Netzer and others 2011): folders `train` and `test`
/// with pictures and a `digitStruct.mat` each, which says for every picture `name` and, in `bbox`, the box and the
/// `label` of each digit from left to right, where 10 stands for 0.
enum HouseNumbers {
    static let file = "digitStruct.mat"
    /// What is kept around a number's digits, relative to their height.
    private static let margin = 0.1

    /// Returns the numbers in `folder`; nil if it has no ``file``.
    static func entries(in folder: String) throws(InputError) -> [LineFolder.Entry]? {
        let path = joined(folder, file)
        guard DatasetFileNames.isFile(path) else { return nil }
        let file = try HDF5File(path)
        guard let structure = try file.members(of: file.root)["digitStruct"] else {
            throw InputError(path, expected: "digitStruct", received: "other data")
        }
        let fields = try file.members(of: structure)
        guard let nameField = fields["name"], let boxField = fields["bbox"] else {
            throw InputError(
                path, expected: "the fields name and bbox", received: fields.keys.sorted().joined(separator: ", "))
        }
        let names = try objects(nameField, file), boxes = try objects(boxField, file)
        guard names.count == boxes.count else {
            throw InputError(path, expected: "as many boxes as \(names.count) names", received: "\(boxes.count)")
        }
        var entries: [LineFolder.Entry] = []
        for (index, (name, box)) in zip(names, boxes).enumerated() {
            let place = "\(path) (\(index + 1). picture)"
            var text = "", digits: [PixelBox] = []
            let members = try file.members(of: box)
            func values(_ name: String) throws(InputError) -> [Double] {
                guard let member = members[name] else {
                    throw InputError(
                        place, expected: "the fields label, left, top, width and height",
                        received: members.keys.sorted().joined(separator: ", "))
                }
                return try numbers(member, file)
            }
            let labels = try values("label"), left = try values("left"), top = try values("top")
            let width = try values("width"), height = try values("height")
            guard [left, top, width, height].allSatisfy({ $0.count == labels.count }) else {
                throw InputError(place, expected: "a box for each of \(labels.count) digits", received: "others")
            }
            for (digit, label) in labels.enumerated() {
                guard let value = Int(exactly: label), (1...10).contains(value) else {
                    throw InputError(place, expected: "labels in 1…10", received: "\(label)")
                }
                text += "\(value % 10)"
                guard
                    let box = PixelBox(
                        columns: (left[digit], left[digit] + width[digit]),
                        rows: (top[digit], top[digit] + height[digit]))
                else {
                    throw InputError(
                        place, expected: "boxes within a picture",
                        received: "\(width[digit])×\(height[digit]) at (\(left[digit]), \(top[digit]))")
                }
                digits.append(box)
            }
            let file = try Self.text(name, file)
            guard !file.contains("/"), !file.isEmpty else {
                throw InputError(place, expected: "the name of a picture", received: file)
            }
            entries.append(
                LineFolder.Entry(file: joined(folder, file), text: text, place: place, box: Self.box(around: digits)))
        }
        return entries
    }

    /// Returns what a field of a structure holds for each element. MATLAB stores a field of one element directly.
    private static func objects(
        _ field: HDF5File.Object, _ file: HDF5File
    ) throws(InputError) -> [HDF5File.Object] {
        // A group is one structure.
        if try file.isGroup(field) { return [field] }
        guard case .references(let objects) = try file.dataSet(field) else { return [field] }
        return objects
    }

    /// Returns numbers that are stored directly or each on its own.
    private static func numbers(_ object: HDF5File.Object, _ file: HDF5File) throws(InputError) -> [Double] {
        func check(_ count: Int) throws(InputError) {
            guard count <= LineOptions.mostCharacters else {
                throw InputError(
                    file.place, expected: "at most \(LineOptions.mostCharacters) digits", received: "\(count)")
            }
        }
        switch try file.dataSet(object) {
        case .numbers(let numbers):
            try check(numbers.count)
            return (0..<numbers.count).map(numbers.number)
        case .references(let objects):
            try check(objects.count)
            var values: [Double] = []
            for object in objects {
                guard case .numbers(let numbers) = try file.dataSet(object), numbers.count == 1 else {
                    throw InputError(file.place, expected: "one number for each digit", received: "others")
                }
                values.append(numbers.number(0))
            }
            return values
        }
    }

    private static func text(_ object: HDF5File.Object, _ file: HDF5File) throws(InputError) -> String {
        guard case .numbers(let numbers) = try file.dataSet(object), numbers.type == .uint16 else {
            throw InputError(file.place, expected: "a picture's name as text", received: "other data")
        }
        let units = (0..<numbers.count).map { UInt16(truncatingIfNeeded: numbers.word($0)) }
        return String(decoding: units, as: UTF16.self)
    }

    /// Returns the box around `digits` and ``margin``; nil if there are none.
    private static func box(around digits: [PixelBox]) -> PixelBox? {
        guard let first = digits.first else { return nil }
        let box = digits.dropFirst().reduce(first) { $0.union($1) }
        let around = Int((margin * Double(box.height)).rounded(.up))
        return PixelBox(
            x: box.x - around, y: box.y - around, width: box.width + 2 * around, height: box.height + 2 * around)
    }
}
