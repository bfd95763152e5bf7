import Datasets
import Evaluation
import Experiments
import NeuralNetwork
import Pictures
import Tensors
import Training
import Workers

/// One character that was read.
package struct ReadCharacter: Sendable {
    /// Where it is in the picture.
    package var box: PixelBox
    /// The line it is in, from 0.
    package var line: Int
    /// What the network saw: `[height, width]`, 0 paper to 255 ink.
    package var input: [UInt8]
    /// Calibrated where the model knows its temperature, one a class.
    package var probabilities: [Double]
    /// The share of known images that look at least as strange to the network; nil where the model has no detector of strangers.
    package var familiarity: Double?

    /// Classes, most probable first; lower ones first on a tie.
    package var ranking: [Int] {
        probabilities.indices.sorted {
            probabilities[$0] == probabilities[$1] ? $0 < $1 : probabilities[$0] > probabilities[$1]
        }
    }

    /// The most probable class.
    package var classIndex: Int { ranking[0] }
    /// Of the most probable class.
    package var confidence: Double { probabilities.max() ?? 0 }
}

/// What a picture says.
package struct Reading: Sendable {
    /// In reading order: lines from above to below, each from left to right. Empty where the picture is.
    package var characters: [ReadCharacter]
    /// Characters as large that were left out because one was asked for.
    package var others = 0
    /// Of each line its text's own probability; empty where characters were cut apart and read one by one.
    package var lineProbabilities: [Double] = []

    /// Mean of the characters'; 0 where there are none.
    var confidence: Double {
        characters.isEmpty ? 0 : characters.reduce(0) { $0 + $1.confidence } / Double(characters.count)
    }
}

/// Reads handwritten characters from pictures with a trained network.
///
/// Where the network was trained on whole pictures (`data.prepare` false), a picture of one character is taken whole too.
/// Pictures may be of any size, dark on light or light on dark, unevenly lit. One reader is used by one thread at a time.
package final class DigitReader {
    package enum Mode: Sendable {
        /// The picture shows one character: the piece with most ink.
        case single
        /// Every character, in lines: read whole by a network of lines where there is one, else cut apart.
        case segment
        /// The picture is the network's input as it is: light ink on black, of the network's size.
        case raw
    }

    package let classNames: [String]
    /// Logits are divided by it.
    package let temperature: Double
    /// Whether the model says its temperature; otherwise it is 1.
    package let isCalibrated: Bool
    /// `[H, W, C]`.
    package let inputShape: Shape

    /// Whether the network was trained on pictures that were prepared, as MNIST's are; else on whole ones.
    package let takesPrepared: Bool

    /// Tells what the network was not trained to read.
    package let strangers: StrangerDetector?

    let classifier: Classifier
    /// Brings a character's ink to the network's input.
    package let preparation: GlyphPreparation
    let lineReader: LineReader?

    /// Larger pictures are reduced by whole factors first.
    private static let mostPixels = 1 << 22

    /// - Parameter lines: a network of the same classes that reads lines whole, for ``Mode/segment``.
    /// - Throws: an `InputError` where the network reads no images of one or three channels, or the two have other classes.
    package init(
        _ model: SavedModel, lines: SavedModel? = nil, pool: WorkerPool, batchSize: Int = 32
    ) throws(InputError) {
        guard !model.graph.readsLines else {
            throw InputError(
                "model", expected: "a network that reads single characters", received: "one that reads lines of text")
        }
        lineReader = try lines.map { lines throws(InputError) in
            guard lines.classNames == model.classNames else {
                throw InputError(
                    "model", expected: "lines of the classes \(model.classNames.joined(separator: ", "))",
                    received: lines.classNames.joined(separator: ", "))
            }
            return try LineReader(lines, pool: pool)
        }
        let shape = model.graph.inputShape
        guard shape.isImage, shape.channels == 1 || shape.channels == 3 else {
            throw InputError(
                "model", expected: "a network that reads pictures of 1 or 3 channels", received: "input \(shape)")
        }
        classNames = model.classNames
        temperature = model.temperature ?? 1
        isCalibrated = model.temperature != nil
        inputShape = shape
        takesPrepared = model.ownData == nil || model.experiment.data.prepare
        strangers = model.strangers
        classifier = Classifier(
            graph: model.graph, batchSize: batchSize, normalization: model.normalization, pool: pool,
            keepsFeatures: strangers != nil)
        classifier.load(parameters: model.parameters, state: model.state)
        preparation = GlyphPreparation(height: shape.height, width: shape.width)
    }

    /// Reads `image`.
    /// - Throws: an `InputError` where a ``Mode/raw`` picture is not of the network's size.
    package func read(_ image: GreyImage, _ mode: Mode, place: String = "image") throws(InputError) -> Reading {
        let isFitting = image.width == inputShape.width && image.height == inputShape.height
        if mode == .raw, !isFitting {
            throw InputError(
                place, expected: "\(inputShape.width)×\(inputShape.height) pixels, the network's input",
                received: "\(image.width)×\(image.height)", remedy: "leave --raw out to have it cropped and fitted")
        }
        if mode == .single, !takesPrepared {
            let whole = isFitting ? image : image.resized(width: inputShape.width, height: inputShape.height)
            let box = PixelBox(x: 0, y: 0, width: image.width, height: image.height)
            return Reading(characters: classified([(box, 0, whole.pixels)]))
        }
        if mode == .raw || (mode == .single && isFitting && preparation.isPrepared(image)) {
            let box = PixelBox(x: 0, y: 0, width: image.width, height: image.height)
            return Reading(characters: classified([(box, 0, image.pixels)]))
        }
        let factor = Self.reduction(image)
        let source = factor > 1 ? image.reduced(by: factor) : image
        let map = InkMap.clearest(source)
        var reading = map.map { interpretation(of: Segmentation($0), mode) } ?? Reading(characters: [])
        if reading.characters.isEmpty {
            // Cut at its ink, perhaps. Which tone is ink, the surer reading says.
            let readings = InkMap.ofTwoTones(source).map { interpretation(of: Segmentation($0, isCropped: true), mode) }
            for other in readings where other.confidence > reading.confidence { reading = other }
        }
        for index in reading.characters.indices {
            let box = reading.characters[index].box
            reading.characters[index].box = box.scaled(factor, width: image.width, height: image.height)
        }
        return reading
    }

    /// Reads the ink of a picture.
    private func interpretation(of segmentation: Segmentation, _ mode: Mode) -> Reading {
        var found: [(glyph: Glyph, line: Int)] = []
        var others = 0
        if mode == .single {
            guard let single = segmentation.single else { return Reading(characters: []) }
            found = [(single.glyph, 0)]
            others = single.others
        } else {
            if let lineReader, let reading = read(segmentation, by: lineReader) { return reading }
            let splitter = GlyphSplitter(characterHeight: segmentation.characterHeight) { [self] glyphs in
                classified(glyphs.map { ($0.box, 0, preparation.bytes($0)) }).map(\.confidence)
            }
            for (line, groups) in segmentation.lines.enumerated() {
                found += groups.flatMap { splitter.parts(of: segmentation.glyph($0)) }.map { ($0, line) }
            }
        }
        let characters = classified(found.map { ($0.glyph.box, $0.line, preparation.bytes($0.glyph)) })
        return Reading(characters: characters, others: others)
    }

    private static func reduction(_ image: GreyImage) -> Int {
        var factor = 1
        while image.width / factor * (image.height / factor) > mostPixels { factor += 1 }
        return factor
    }

    /// The characters that the network sees in prepared pictures.
    func classified(_ pictures: [(box: PixelBox, line: Int, input: [UInt8])]) -> [ReadCharacter] {
        zip(pictures, answers(to: pictures.map(\.input))).map { picture, answer in
            ReadCharacter(
                box: picture.box, line: picture.line, input: picture.input, probabilities: answer.probabilities,
                familiarity: answer.familiarity)
        }
    }

    /// Calibrated probabilities of prepared pictures `[height, width]`.
    package func probabilities(of inputs: [[UInt8]]) -> [[Double]] { answers(to: inputs).map(\.probabilities) }

    /// What the network says of prepared pictures `[height, width]`: calibrated probabilities, and how much each looks like what it
    /// knows.
    package func answers(to inputs: [[UInt8]]) -> [(probabilities: [Double], familiarity: Double?)] {
        let channels = inputShape.channels, classes = classNames.count
        let bytes = inputs.flatMap { input in
            channels == 1 ? input : input.flatMap { [UInt8](repeating: $0, count: channels) }
        }
        guard !inputs.isEmpty else { return [] }
        let images: ImageSet
        do {
            images = try ImageSet(
                images: bytes, labels: [UInt8](repeating: 0, count: inputs.count), height: inputShape.height,
                width: inputShape.width, channels: channels, classCount: classes, classNames: classNames)
        } catch {
            preconditionFailure("DigitReader: inputs are of the network's own shape, \(error)")
        }
        var logits: [Float], familiarities: [Double?]
        if let strangers, let found = classifier.activations(of: images) {
            logits = found.logits
            familiarities = strangers.scores(.init(logits: found.logits, features: found.features))
                .map { strangers.familiarity(score: $0) }
        } else {
            logits = classifier.logits(of: images)
            familiarities = [Double?](repeating: nil, count: inputs.count)
        }
        return inputs.indices.map { index in
            let row = logits[(index * classes)..<((index + 1) * classes)]
            return (TemperatureScaling.probabilities(row, temperature: temperature), familiarities[index])
        }
    }
}
