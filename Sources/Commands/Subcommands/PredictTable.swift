import ArgumentParser
import Formats
import Foundation
import Numeral
import Pictures
import Recognition

/// A CSV file of images to read, one per row of pixels, such as Kaggle's `test.csv`.
struct PredictTable {
    /// Returns whether a file is a table, by its name; pictures are recognised by their content.
    static func isTable(_ path: String) -> Bool {
        let name = path.lowercased()
        return ["csv", "tsv", "csv.gz", "tsv.gz"].contains { name.hasSuffix("." + $0) }
    }

    let path: String
    let images: ImageCSV.Unlabelled

    init(_ path: String, idColumn: String?) throws {
        self.path = path
        images = try ImageCSV.readUnlabelled(path, .init(indexColumn: idColumn))
        for note in images.notes { Console.message("Note: \(path): \(note)") }
    }

    /// All images with their names.
    var rows: [(id: String, image: GreyImage)] {
        let size = images.width * images.height
        return images.names.indices.map { index in
            let pixels = Array(images.pixels[(index * size)..<((index + 1) * size)])
            return (images.names[index], GreyImage(width: images.width, height: images.height, pixels: pixels))
        }
    }
}

/// A submission to a competition: a row for each image with its id and its class, under given column names.
struct Submission {
    private var table: CSV

    /// - Parameter header: the names of the two columns: `ImageId,Label`.
    init(header: String) throws {
        let names = header.split(separator: ",", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        guard names.count == 2, names.allSatisfy({ !$0.isEmpty }) else {
            throw InputError("--header", expected: "two names, as ImageId,Label", received: header)
        }
        table = CSV(header: names)
    }

    var text: String { table.text }

    /// - Parameter label: the class; empty if the image could not be read.
    mutating func add(id: String, label: String) {
        table.add(id)
        table.add(label)
        table.endLine()
    }
}
