import Datasets
import Evaluation
import Experiments
import NeuralNetwork
import Pictures
import Tensors
import Training
import Workers

/// A recognised character.
package struct ReadCharacter: Sendable {
    /// The character's bounding box in the picture.
    package var box: PixelBox
    /// The index of the character's line, from 0.
    package var line: Int
    /// The network's input, `[height, width]`, from 0 (paper) to 255 (ink).
    package var input: [UInt8]
    /// The class probabilities, calibrated if the model has a temperature.
    package var probabilities: [Double]
    /// The fraction of known images that look at least as strange to the network; nil if the model has no
    /// out-of-distribution detector.
    package var familiarity: Double?

    /// The classes, most probable first; ties go to the lower index.
    package var ranking: [Int] {
        probabilities.indices.sorted {
            probabilities[$0] == probabilities[$1] ? $0 < $1 : probabilities[$0] > probabilities[$1]
        }
    }

    /// The most probable class.
    package var classIndex: Int { ranking[0] }
    /// The probability of the most probable class.
    package var confidence: Double { probabilities.max() ?? 0 }
}

/// The text read from a picture.
package struct Reading: Sendable {
    /// The characters in reading order: lines from top to bottom, each from left to right. May be empty.
    package var characters: [ReadCharacter]
    /// The number of pieces of ink that were not read: further characters of similar size if a single one was requested,
    /// else marks between characters, such as points and dashes.
    package var leftOut = 0
    /// The probability of each line's whole text; empty if characters were segmented and read one by one.
    package var lineProbabilities: [Double] = []

    /// The mean confidence of the characters; 0 if there are none.
    var confidence: Double {
        characters.isEmpty ? 0 : characters.reduce(0) { $0 + $1.confidence } / Double(characters.count)
    }

    /// The mean over the characters of confidence times familiarity (1 without a detector): what is no writing may pass
    /// for a digit, but for a strange one. 0 if there are none.
    var plausibility: Double {
        let sum = characters.reduce(0) { $0 + $1.confidence * ($1.familiarity ?? 1) }
        return characters.isEmpty ? 0 : sum / Double(characters.count)
    }
}

/// Reads handwritten characters from pictures with a trained network.
///
/// If the network was trained on whole pictures (`data.prepare` false), a picture of one character is also used whole.
/// Pictures may be of any size, dark on light or light on dark, and unevenly lit. Not thread-safe: use a reader from
/// one thread at a time.
package final class DigitReader {
    /// The plausibility from which on a reading under even light is preferred.
    private static let leastPlausible = 0.05

    package enum Mode: Sendable {
        /// Reads one character: the component with the most ink.
        case single
        /// Reads all characters, line by line: with the line-reading network if any, otherwise by segmentation.
        case segment
        /// Uses the picture unchanged as the network's input: light ink on black, of the network's size.
        case raw
    }

    package let classNames: [String]
    /// The temperature by which logits are divided.
    package let temperature: Double
    /// Whether the model has a temperature; otherwise it is 1.
    package let isCalibrated: Bool
    /// The shape of the network's input, `[H, W, C]`.
    package let inputShape: Shape

    /// Whether the network sees red, green and blue; it then takes whole pictures, since ink has no colour.
    package var seesColour: Bool { inputShape.channels == 3 }

    /// Whether the network was trained on prepared pictures, as MNIST's are, rather than on whole ones.
    package let takesPrepared: Bool

    /// The out-of-distribution detector.
    package let strangers: StrangerDetector?

    /// Whether all classes are digits.
    private var readsDigits: Bool { classNames.allSatisfy { $0.count == 1 && "0"..."9" ~= $0 } }

    /// Takes several images; made when it is first needed.
    private(set) lazy var classifier = makeClassifier()
    private let makeClassifier: () -> Classifier
    /// Takes images that come one by one, if given.
    private let single: SingleImageClassifier?
    /// The conversion of a character's ink to the network's input.
    package let preparation: GlyphPreparation
    let lineReader: LineReader?

    /// - Parameters:
    ///   - lines: A network of the same classes that reads whole lines, for ``Mode/segment``.
    ///   - single: The same network for single images, with weights that others share; results have the same bits.
    /// - Throws: An `InputError` if the network does not take images of one or three channels, or if the two networks
    ///   have different classes, or more than an image can have.
    package init(
        _ model: SavedModel, lines: SavedModel? = nil, pool: WorkerPool, batchSize: Int = 32,
        single: SingleImageClassifier? = nil
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
        try ImageSet.checkClasses(model.classNames, place: "model")
        classNames = model.classNames
        temperature = model.temperature ?? 1
        isCalibrated = model.temperature != nil
        inputShape = shape
        takesPrepared = model.experiment.data.prepare
        strangers = model.strangers
        self.single = single
        makeClassifier = {
            let classifier = Classifier(
                graph: model.graph, batchSize: batchSize, normalization: model.normalization, pool: pool,
                keepsFeatures: model.strangers != nil)
            classifier.load(parameters: model.parameters, state: model.state)
            return classifier
        }
        preparation = GlyphPreparation(height: shape.height, width: shape.width)
    }

    /// Decodes a picture for ``read(_:_:place:)``, in colour if the network sees it.
    package func decode(
        _ bytes: [UInt8], place: String, limits: ImageLimits = ImageLimits(), note: (String) -> Void = { _ in }
    ) throws(InputError) -> ColourImage {
        guard seesColour else {
            return ColourImage(planes: [try ImageDecoder.decode(bytes, place: place, limits: limits, note: note)])
        }
        return try ImageDecoder.decodeColour(bytes, place: place, limits: limits, note: note)
    }

    /// Reads the characters of `image`, or what a picture in colour shows as a whole.
    /// - Throws: An `InputError` if a ``Mode/raw`` picture is not of the network's size, or the network sees colours
    ///   and is to segment.
    package func read(_ image: ColourImage, _ mode: Mode, place: String = "image") throws(InputError) -> Reading {
        guard seesColour else { return try read(image.planes[0], mode, place: place) }
        guard mode != .segment else {
            throw InputError(
                "model", expected: "a network of one channel to segment pictures", received: "one that sees colours")
        }
        let isFitting = image.width == inputShape.width && image.height == inputShape.height
        if mode == .raw, !isFitting { throw misfit(image.width, image.height, place) }
        let whole = image.resized(width: inputShape.width, height: inputShape.height)
        let box = PixelBox(x: 0, y: 0, width: image.width, height: image.height)
        return Reading(characters: classified([(box, 0, whole.pixels)]))
    }

    /// - Throws: An `InputError` if the network was trained on whole pictures, of which no characters can be cut out.
    package func requirePrepared(for purpose: String) throws(InputError) {
        guard takesPrepared else {
            throw InputError(
                "model", expected: "a network of prepared characters for \(purpose)",
                received: "one of whole pictures (data.prepare false)")
        }
    }

    private func misfit(_ width: Int, _ height: Int, _ place: String) -> InputError {
        InputError(
            place, expected: "\(inputShape.width)×\(inputShape.height) pixels, the network's input",
            received: "\(width)×\(height)", remedy: "leave --raw out to have it cropped and fitted")
    }

    /// Reads the characters of `image`.
    /// - Throws: An `InputError` if a ``Mode/raw`` picture is not of the network's size, if the network sees colours, or
    ///   if it was trained on whole pictures and is to segment.
    package func read(_ image: GreyImage, _ mode: Mode, place: String = "image") throws(InputError) -> Reading {
        guard !seesColour else {
            throw InputError(
                "model", expected: "a network of one channel, for ink on paper", received: "one that sees colours",
                remedy: "trainer predict reads pictures with it")
        }
        let isFitting = image.width == inputShape.width && image.height == inputShape.height
        if mode == .raw, !isFitting { throw misfit(image.width, image.height, place) }
        if mode == .segment { try requirePrepared(for: "pictures of several characters") }
        if mode == .single, !takesPrepared {
            let whole = isFitting ? image : image.resized(width: inputShape.width, height: inputShape.height)
            let box = PixelBox(x: 0, y: 0, width: image.width, height: image.height)
            return Reading(characters: classified([(box, 0, whole.pixels)]))
        }
        if mode == .raw || (mode == .single && isFitting && preparation.isPrepared(image)) {
            let box = PixelBox(x: 0, y: 0, width: image.width, height: image.height)
            return Reading(characters: classified([(box, 0, image.pixels)]))
        }
        let (source, factor) = Segmentation.reduced(image)
        var reading = interpretation(of: source, mode, preferring: \.confidence)
        // What is lost in the dark makes a reading no less plausible: under even light it need not be as plausible. A single
        // character may be bold light ink that fills the picture, which looks like uneven light: known, it is kept.
        if let even = source.underEvenLight() {
            let isBoldLight = mode == .single && TwoTones(source)?.polarities.contains(false) == true
            if !(isBoldLight && reading.plausibility >= Self.leastPlausible) {
                let other = interpretation(of: even, mode, preferring: \.plausibility)
                if other.plausibility >= min(Self.leastPlausible, reading.plausibility) { reading = other }
            }
        }
        for index in reading.characters.indices {
            let box = reading.characters[index].box
            reading.characters[index].box = box.scaled(factor, width: image.width, height: image.height)
        }
        return reading
    }

    /// Reads a picture by the ink that is found in it, or by its tones: it may be cropped to its ink, so that bold ink is
    /// most of it and was taken for paper. Tries the tones as ink where nothing was read, or where by the picture's edge
    /// the other tone may be ink, and keeps the reading with the larger `merit`.
    private func interpretation(of image: GreyImage, _ mode: Mode, preferring merit: (Reading) -> Double) -> Reading {
        let map = InkMap.clearest(image)
        let found = map.map { Segmentation($0, ofDigits: readsDigits) }
        var reading = found.map { interpretation(of: $0, mode) } ?? Reading(characters: [])
        if let tones = TwoTones(image),
            reading.characters.isEmpty || tones.polarities.contains(where: { $0 != map?.isDarkOnLight })
        {
            // What is nothing but rules is none more if it fills the picture.
            let isRuled = readsDigits && found.map { $0.groups.isEmpty && $0.marksInLines > 0 } == true
            let maps = tones.maps(of: image).filter { !isRuled || $0.isDarkOnLight != map?.isDarkOnLight }
            let readings = maps.map {
                interpretation(of: Segmentation($0, isCropped: true, ofDigits: readsDigits), mode)
            }
            for other in readings where merit(other) > merit(reading) { reading = other }
        }
        return reading
    }

    /// Reads a segmented picture.
    private func interpretation(of segmentation: Segmentation, _ mode: Mode) -> Reading {
        var found: [(glyph: Glyph, line: Int)] = []
        var leftOut = 0
        if mode == .single {
            guard let single = segmentation.single else { return Reading(characters: []) }
            found = [(single.glyph, 0)]
            leftOut = single.others
        } else {
            leftOut = segmentation.marksInLines
            if let lineReader, var reading = read(segmentation, by: lineReader) {
                reading.leftOut = leftOut
                return reading
            }
            let splitter = GlyphSplitter(characterHeight: segmentation.characterHeight) { [self] glyphs in
                classified(glyphs.map { ($0.box, 0, preparation.bytes($0)) }).map(\.confidence)
            }
            for (line, groups) in segmentation.lines.enumerated() {
                found += groups.flatMap { splitter.parts(of: segmentation.glyph($0)) }.map { ($0, line) }
            }
        }
        let characters = classified(found.map { ($0.glyph.box, $0.line, preparation.bytes($0.glyph)) })
        return Reading(characters: characters, leftOut: leftOut)
    }

    /// Classifies prepared pictures.
    func classified(_ pictures: [(box: PixelBox, line: Int, input: [UInt8])]) -> [ReadCharacter] {
        zip(pictures, answers(to: pictures.map(\.input))).map { picture, answer in
            ReadCharacter(
                box: picture.box, line: picture.line, input: picture.input, probabilities: answer.probabilities,
                familiarity: answer.familiarity)
        }
    }

    /// Returns the calibrated probabilities of prepared pictures `[height, width, channels]`.
    package func probabilities(of inputs: [[UInt8]]) -> [[Double]] { answers(to: inputs).map(\.probabilities) }

    /// Returns the calibrated probabilities and the familiarity of prepared pictures `[height, width, channels]`.
    package func answers(to inputs: [[UInt8]]) -> [(probabilities: [Double], familiarity: Double?)] {
        guard !inputs.isEmpty else { return [] }
        if inputs.count == 1, let single {
            single.place(inputs[0][...], at: 0)
            single.classify(count: 1)
            return [answer(logits: single.lastLogits, features: single.lastFeatures)]
        }
        let channels = inputShape.channels, classes = classNames.count
        let bytes = inputs.flatMap { $0 }
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
            familiarities = strangers.familiarities(.init(logits: found.logits, features: found.features))
        } else {
            logits = classifier.logits(of: images)
            familiarities = [Double?](repeating: nil, count: inputs.count)
        }
        return inputs.indices.map { index in
            let row = logits[(index * classes)..<((index + 1) * classes)]
            return (TemperatureScaling.probabilities(row, temperature: temperature), familiarities[index])
        }
    }

    /// Returns the calibrated probabilities and the familiarity of an image with these logits and features.
    package func answer(logits: [Float], features: [Float]?) -> (probabilities: [Double], familiarity: Double?) {
        (
            TemperatureScaling.probabilities(logits[...], temperature: temperature),
            strangers.flatMap { strangers in
                features.map { strangers.familiarities(.init(logits: logits, features: $0))[0] }
            }
        )
    }
}
