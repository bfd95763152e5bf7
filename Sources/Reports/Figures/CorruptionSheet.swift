import Datasets
import Evaluation
import Foundation
import Plots
import Runs
import Tensors
import Training

/// `corruptions.svg`: what a robustness test shows to a model. One image per kind of corruption, unchanged and at each
/// strength.
package struct CorruptionSheet: Sendable {
    private static let side = 44.0

    /// A kind's strengths and its pictures, the unchanged one first.
    private struct Row {
        let kind: CorruptionKind
        let strengths: [Float]
        let pictures: [Data]
    }

    private let rows: [Row]

    /// Takes the first image of each class in turn.
    ///
    /// - Parameter images: the test images, not empty; each is corrupted as in the test.
    /// - Throws: `InputError` if the images are larger than ``Augmenter`` accepts; `OperationError` if a picture cannot
    ///   be encoded.
    package init(_ images: ImageSet) throws {
        let samples = (0..<images.classCount).compactMap { c in images.labels.firstIndex { Int($0) == c } }
        rows = try CorruptionKind.allCases.enumerated().map { number, kind in
            let index = samples[number % samples.count]
            let image = images.bytes(of: index)
            let strengths = [0] + kind.strengths
            let pictures = try strengths.map { strength in
                let corruption = try Corruption(
                    kind, strength: strength, height: images.height, width: images.width, channels: images.channels,
                    seed: Robustness.seed)
                var scratch = corruption.makeScratch()
                let output = AlignedBuffer<Float>(count: images.imageSize)
                output.withMutableSpan(0..<images.imageSize) {
                    corruption.apply(Array(image).span, into: &$0, sampleIndex: index, scratch: &scratch)
                }
                return try ImageSet.png(
                    output.array.map { UInt8((min(max($0, 0), 1) * 255).rounded()) }, width: images.width,
                    height: images.height, channels: images.channels)
            }
            return Row(kind: kind, strengths: strengths, pictures: pictures)
        }
    }

    /// The sheet, with a panel for each family.
    package var figure: Figure {
        Figure(
            title: "Images as they were spoilt", subtitle: "one for each kind, with the strength below it",
            panels: [panel(.graded, "Graded"), panel(.mnistC, "Of MNIST-C beyond those")])
    }

    private func panel(_ family: CorruptionKind.Family, _ title: String) -> SVGDocument {
        let rows = rows.filter { $0.kind.family == family }
        let columns = rows.map(\.pictures.count).max() ?? 1
        let labelWidth = 150.0, pitchX = Self.side + 4, pitchY = Self.side + 18
        var panel = SVGDocument(
            width: labelWidth + pitchX * Double(columns) + 10, height: 30 + pitchY * Double(rows.count), title: title,
            paper: false)
        panel.text(title, x: labelWidth, y: 16, paint: .muted)
        for (number, row) in rows.enumerated() {
            let y = 24 + Double(number) * pitchY
            let label = "\(row.kind.rawValue), \(row.kind.unit)"
            panel.text(label, x: labelWidth - 8, y: y + Self.side / 2 + 4, anchor: .end)
            for (column, picture) in row.pictures.enumerated() {
                let x = labelWidth + Double(column) * pitchX
                let text = RobustnessRecord.short(Robustness.decimal(row.strengths[column]))
                panel.image(
                    picture, x: x, y: y, width: Self.side, height: Self.side, tooltip: "\(row.kind.rawValue) \(text)")
                panel.text(text, x: x + Self.side / 2, y: y + Self.side + 12, anchor: .middle, paint: .muted)
            }
        }
        return panel
    }
}
