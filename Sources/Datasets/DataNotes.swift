import Tensors

/// Notes on anything unusual about labelled images that affects what metrics mean; shown on the console, in
/// `metrics.json` and in the report.
package enum DataNotes {
    /// Returns notes on the data a network is trained on.
    /// - Parameters:
    ///   - fraction: `data.validationFraction`.
    ///   - stopsEarly: Whether training watches the validation images.
    package static func training(_ data: LoadedData, fraction: Double, stopsEarly: Bool) -> [String] {
        let names = data.train.classNames, count = names.count
        let sizes = zip(data.train.classSizes, data.validation.classSizes).map { $0 + $1 }
        let absent = sizes.indices.filter { sizes[$0] == 0 }, single = sizes.indices.filter { sizes[$0] == 1 }
        var notes: [String] = []
        if ["files", "table"].contains(data.dataset), absent.contains(0), sizes.first(where: { $0 > 0 }) != nil {
            let lowest = sizes.firstIndex { $0 > 0 } ?? 0
            notes.append(
                "the lowest label is \(lowest), not 0: the network has \(count) classes, of which \(absent.count) "
                    + "without images (\(list(absent, names))); if labels count from \(lowest), subtract \(lowest)")
        } else if !absent.isEmpty {
            notes.append(
                "\(absent.count) of \(count) classes without a training image: \(list(absent, names)); "
                    + "what shows one of them is taken for another")
        }
        if !single.isEmpty {
            notes.append(
                "\(single.count) of \(count) classes with a single training image, and none for validation: "
                    + list(single, names))
        }
        let images = data.train.count + data.validation.count, held = data.validation.count
        if fraction > 0, held == 0 {
            notes.append(
                "too few images for validation: validationFraction \(fraction) of \(images) leaves none, so "
                    + (stopsEarly ? "early stopping cannot work, and " : "") + "the last epoch is kept")
        } else if held > 0, held < 2 * count {
            notes.append(
                "only \(held) image\(held == 1 ? "" : "s") for validation, of \(count) classes: its figures"
                    + (stopsEarly ? ", and early stopping that watches them," : "") + " are mostly chance")
        }
        return notes
    }

    /// The number of training steps below which a network has hardly learnt anything.
    private static let fewestSteps = 100

    /// Returns a note if the user's own data give few training steps, as a small set does in large batches.
    package static func steps(_ data: LoadedData, epochs: Int, batchSize: Int) -> [String] {
        let count = data.train.count
        let isOwn = data.dataset == "files" || LoadedData.ownKinds.contains(data.dataset)
        let steps = epochs * ((count + batchSize - 1) / batchSize)
        guard isOwn, steps < fewestSteps else { return [] }
        // The largest power of two that gives at least 2·`fewestSteps` steps, and no less than 8.
        var better = 8
        while 2 * better * 2 * fewestSteps <= epochs * count { better *= 2 }
        guard better < batchSize else { return [] }
        return [
            "only \(steps) steps of training, \(count) images in batches of \(batchSize) for \(epochs) epochs; "
                + "smaller batches take more: --set training.batchSize=\(better)"
        ]
    }

    /// Returns notes on the data a network is tested on.
    package static func test(_ images: ImageSet) -> [String] {
        let sizes = images.classSizes, names = images.classNames
        let absent = sizes.indices.filter { sizes[$0] == 0 }, single = sizes.indices.filter { sizes[$0] == 1 }
        var notes: [String] = []
        if !absent.isEmpty {
            notes.append(
                "\(absent.count) of \(names.count) classes without a test image: \(list(absent, names)); "
                    + "macro figures are means over all \(names.count), in which such a class counts 0")
        }
        if !single.isEmpty {
            notes.append(
                "\(single.count) of \(names.count) classes with a single test image: \(list(single, names)); "
                    + "their recall is 0 or 1")
        }
        return notes
    }

    /// Returns at most eight names.
    private static func list(_ classes: [Int], _ names: [String]) -> String {
        classes.prefix(8).map { names[$0] }.joined(separator: ", ") + (classes.count > 8 ? ", …" : "")
    }
}
