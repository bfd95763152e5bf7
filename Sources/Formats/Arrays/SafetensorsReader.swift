import Foundation
import Tensors

extension SafetensorsFile {
    /// Reads a whole file without trusting its contents.
    ///
    /// The header must be a JSON object of at most 100 MB that lies within the file; every tensor must have one of the
    /// accepted formats; the tensors, in the order of their bytes, must fill the rest of the file without gaps or
    /// overlaps. Allocations are bounded by the size of the file.
    ///
    /// - Parameters:
    ///   - name: the name of the file in errors.
    ///   - formats: the accepted number formats, which are converted to float32; nil for all. Others are an error.
    /// - Throws: `InputError` that states what is wrong and where.
    package static func decode(
        _ data: Data, name: String, formats: Set<NumberFormat>? = [.float32]
    ) throws(InputError) -> SafetensorsFile {
        guard data.count >= 8 else {
            throw InputError(name, expected: "a safetensors file of at least 8 bytes", received: "\(data.count) bytes")
        }
        let bytes = [UInt8](data)
        let announced = LittleEndian.word(bytes, size: 8)
        let limit = min(headerLimit, bytes.count - 8)
        guard announced <= UInt64(limit) else {
            throw InputError(
                name, expected: "a header of at most \(limit) bytes", received: "\(announced)",
                remedy: "the file is truncated or not in safetensors format")
        }
        let start = 8 + Int(announced)
        let header = try SafetensorsHeader.parse(data.dropFirst(8).prefix(Int(announced)), name: name)
        var file = SafetensorsFile(metadata: header.metadata)
        var end = 0
        let available = bytes.count - start
        // Tensors that start at the same offset are empty; the name makes their order deterministic.
        let entries = header.tensors.map { (name: $0.key, entry: $0.value) }.sorted {
            ($0.entry.begin, $0.entry.end, $0.name) < ($1.entry.begin, $1.entry.end, $1.name)
        }
        for (tensor, entry) in entries {
            let place = "\(name): tensor \(tensor)"
            guard entry.begin == end else {
                throw InputError(
                    place, expected: "data_offsets that begin at \(end), where the tensor before ends",
                    received: "\(entry.begin)")
            }
            guard entry.end >= entry.begin, entry.end <= available else {
                throw InputError(
                    place, expected: "data_offsets that end in \(entry.begin)...\(available)",
                    received: "\(entry.end)", remedy: "the file may be truncated")
            }
            let format = try entry.format(place: place, formats)
            let count = try entry.elementCount(format, place: place)
            var values = [Float](repeating: 0, count: count)
            for index in 0..<count {
                values[index] = format.value(bytes, at: start + entry.begin + format.size * index)
            }
            file.tensors.append(
                TensorRecord(
                    name: tensor, shape: entry.shape, values: values, format: format == .int8 ? .int8 : .float32))
            end = entry.end
        }
        guard end == available else {
            throw InputError(
                name, expected: "\(end) bytes of tensors", received: "\(available)",
                remedy: "bytes belong to no tensor")
        }
        return file
    }
}

/// The JSON header.
private struct SafetensorsHeader: Decodable {
    var metadata: [String: String] = [:]
    var tensors: [String: Entry] = [:]

    struct Entry: Decodable {
        var dtype: String
        var shape: [Int]
        var begin: Int
        var end: Int

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            let known = ["data_offsets", "dtype", "shape"]
            let keys = container.allKeys.sorted { $0.stringValue < $1.stringValue }
            for key in keys where !known.contains(key.stringValue) {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: container, debugDescription: "unknown key, the format has \(known)")
            }
            dtype = try container.decode(String.self, forKey: Key("dtype"))
            shape = try container.decode([Int].self, forKey: Key("shape"))
            let offsets = try container.decode([Int].self, forKey: Key("data_offsets"))
            guard offsets.count == 2 else {
                throw DecodingError.dataCorruptedError(
                    forKey: Key("data_offsets"), in: container, debugDescription: "two offsets are needed")
            }
            (begin, end) = (offsets[0], offsets[1])
        }

        func format(place: String, _ formats: Set<NumberFormat>?) throws(InputError) -> NumberFormat {
            let format = NumberFormat(rawValue: dtype)
            guard let format, formats?.contains(format) ?? true else {
                let names = formats?.map(\.rawValue).sorted().joined(separator: " or ")
                throw InputError(
                    place, expected: names.map { "dtype \($0)" } ?? "a dtype of real numbers", received: dtype,
                    remedy: "convert the tensor to float32 first")
            }
            return format
        }

        /// Returns the number of elements of the shape, checked against the offsets (`0 ≤ begin ≤ end` already holds).
        func elementCount(_ format: NumberFormat, place: String) throws(InputError) -> Int {
            var count = 1
            var fits = true
            for size in shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                fits = fits && size >= 0 && !overflow
                count = product
            }
            let size = end - begin
            guard fits, size.isMultiple(of: format.size), count == size / format.size else {
                throw InputError(
                    place, expected: "a shape that fills \(size) bytes of \(dtype)", received: "\(shape)")
            }
            return count
        }
    }

    struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(_ text: String) { stringValue = text }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        // In sorted order, so that the message for a file with two faults is deterministic.
        for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
            if key.stringValue == SafetensorsFile.metadataKey {
                metadata = try container.decode([String: String].self, forKey: key)
            } else {
                tensors[key.stringValue] = try container.decode(Entry.self, forKey: key)
            }
        }
    }

    package static func parse(_ data: Data, name: String) throws(InputError) -> SafetensorsHeader {
        let place = "\(name): header"
        guard data.first == UInt8(ascii: "{"), String(validating: data, as: UTF8.self) != nil else {
            throw InputError(place, expected: "a JSON object in UTF-8", received: "something else")
        }
        do {
            return try JSONDecoder().decode(SafetensorsHeader.self, from: data)
        } catch let error as DecodingError {
            throw InputError(place, expected: "the JSON of safetensors", received: describe(error))
        } catch {
            throw InputError(place, expected: "the JSON of safetensors", received: "\(error)")
        }
    }

    /// Returns one line: the path in the header and what is wrong there.
    private static func describe(_ error: DecodingError) -> String {
        let context: DecodingError.Context
        switch error {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found),
            .dataCorrupted(let found):
            context = found
        @unknown default: return "\(error)"
        }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }
}
