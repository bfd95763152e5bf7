import Formats
import Foundation
import Pictures
import Synchronization
import Tensors
import Workers

/// Reads pictures of lines of text, cut out and scaled to a network's height as `trainer predict` does.
enum LinePictures {
    /// Reads the lines of `entries` for networks of these widths, which are multiples of 16.
    /// - Throws: ``ConversionProblems`` naming every picture that cannot be used: it cannot be decoded, is empty, is
    ///   longer than the widest line, or its text has a character that is not a class. Photographs with a box, in which
    ///   nobody can mend what is too faint or too long, become lines of paper instead, which is noted.
    static func read(
        _ entries: [LineFolder.Entry], classNames: [String], height: Int, widths: [Int], note: (String) -> Void,
        progress: (_ done: Int, _ total: Int) -> Void
    ) throws -> LineSet {
        let pool = WorkerPool(threads: Machine.usableCores)
        defer { pool.shutdown() }
        let work = LinePictureWork(entries, height: height, widest: widths.last ?? 0)
        var set = LineSet(height: height, widths: widths, classNames: classNames)
        var problems = ConversionProblems(), number = 0, blank: [Blank: Int] = [:]
        let classes = Dictionary(zip(classNames, UInt8.min...UInt8.max), uniquingKeysWith: { first, _ in first })
        for start in stride(from: 0, to: entries.count, by: LinePictureWork.atOnce) {
            work.range = start..<min(start + LinePictureWork.atOnce, entries.count)
            pool.run(work, tasks: work.range.count)
            for (entry, result) in zip(entries[work.range], work.taken()) {
                do throws(InputError) {
                    for text in result.notes { note("\(entry.file): \(text)") }
                    let line = try result.line.get(), text = try Self.text(entry, classes, classNames)
                    if let why = result.blank { blank[why, default: 0] += 1 }
                    guard let bucket = set.buckets.firstIndex(where: { line.width <= $0.width }) else { continue }
                    set.buckets[bucket].add(line, text: text, number: number, name: entry.file, height: height)
                    number += 1
                } catch {
                    problems.add(error)
                }
            }
            progress(work.range.upperBound, entries.count)
        }
        try problems.check()
        if let count = blank[.noWriting] {
            note("no writing was found in \(count) of \(entries.count) photographs: they are lines of paper")
        }
        if let count = blank[.tooLong] {
            note(
                "\(count) of \(entries.count) photographs show longer lines than \(widths.last ?? 0) pixels, \(height) high: "
                    + "they are lines of paper (a wider model.inputShape takes them)")
        }
        return set
    }

    /// Why a photograph is a line of paper.
    fileprivate enum Blank { case noWriting, tooLong }

    private static func text(
        _ entry: LineFolder.Entry, _ classes: [String: UInt8], _ classNames: [String]
    ) throws(InputError) -> [UInt8] {
        var text: [UInt8] = []
        for character in entry.text {
            guard let label = classes[String(character)] else {
                throw InputError(
                    entry.place, expected: "text of the classes \(classNames.joined(separator: ", "))",
                    received: "\"\(entry.text)\""
                )
            }
            text.append(label)
        }
        guard (1...LineOptions.mostCharacters).contains(text.count) else {
            throw InputError(
                entry.place, expected: "a text of 1…\(LineOptions.mostCharacters) characters",
                received: text.isEmpty ? "none" : "\(text.count)")
        }
        return text
    }
}

extension LineSet.Bucket {
    /// Appends a line, padded with paper on the right.
    fileprivate mutating func add(
        _ line: LinePreparation.Line, text: [UInt8], number: Int, name: String, height: Int
    ) {
        for y in 0..<height {
            pixels += line.pixels[(y * line.width)..<((y + 1) * line.width)]
            pixels += [UInt8](repeating: 0, count: width - line.width)
        }
        texts.append(text)
        numbers.append(number)
        names.append(name)
    }
}

/// Reads several pictures at a time.
private final class LinePictureWork: ParallelWork {
    static let atOnce = 64

    var range = 0..<0
    private let entries: [LineFolder.Entry]
    private let preparation: LinePreparation
    private let widest: Int
    private let results = Mutex<[Int: Outcome]>([:])

    struct Outcome {
        var line: Result<LinePreparation.Line, InputError>
        var notes: [String]
        var blank: LinePictures.Blank?
    }

    init(_ entries: [LineFolder.Entry], height: Int, widest: Int) {
        (self.entries, self.widest) = (entries, widest)
        preparation = LinePreparation(height: height, step: 16)
    }

    /// Takes the results of the last run, in order.
    func taken() -> [Outcome] {
        let results = results.withLock { results in
            defer { results = [:] }
            return results
        }
        return range.indices.compactMap { results[$0] }
    }

    func run(task: Int, worker: Int) {
        let index = range.lowerBound + task, entry = entries[index], file = entry.file
        var notes: [String] = [], blank: LinePictures.Blank?
        let line = Result { () throws(InputError) in
            var image = try ImageDecoder.read(file) { notes.append($0) }
            if let box = entry.box { image = try Self.part(box, of: image, entry) }
            let ink = Segmentation.glyph(in: image) { $0.glyph($0.groups) }, line = ink.flatMap(preparation.line)
            if entry.box != nil {
                blank = line.map { $0.width > widest ? .tooLong : nil } ?? .noWriting
                if blank != nil { return preparation.paper }
            }
            guard let line else {
                throw InputError(file, expected: "a picture of a line of text", received: "an empty one")
            }
            guard line.width <= widest else {
                throw InputError(
                    file, expected: "a line of at most \(widest) pixels where it is \(preparation.frame.height) high",
                    received: "\(line.width)", remedy: "set model.inputShape wider")
            }
            return line
        }
        results.withLock { $0[index] = Outcome(line: line, notes: notes, blank: blank) }
    }

    /// Returns the part of a picture that shows the text.
    private static func part(_ box: PixelBox, of image: GreyImage, _ entry: LineFolder.Entry) throws(InputError)
        -> GreyImage
    {
        guard let part = image.part(box) else {
            throw InputError(
                entry.place, expected: "boxes within the picture, \(image.width)×\(image.height)",
                received: "\(box.width)×\(box.height) at (\(box.x), \(box.y))")
        }
        return part
    }
}
