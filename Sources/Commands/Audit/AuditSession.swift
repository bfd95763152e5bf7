import Audit
import Formats
import Foundation
import Numeral
import Tensors
import Workers

/// The data of an audit, with the predictions of networks.
struct AuditSession {
    let experiment: Experiment
    let graph: ResolvedGraph
    let classNames: [String]
    /// The data set's name, or its location.
    let dataset: String
    var notes: [String]
    let sets: [(name: String, images: ImageSet)]
    let images: AuditedImages
    let evidence: AuditEvidence
    let pool: WorkerPool
    private let judge: AuditJudge
    /// The images of the first part from which the network that gives features did not learn.
    private let unlearned: [Int]
    private let model: SavedModel?
    private let detector: StrangerDetector?

    /// Returns the parts of a data set: the training, validation and test images.
    static func sets(_ data: LoadedData) throws -> [(name: String, images: ImageSet)] {
        guard data.lines == nil else {
            throw InputError("data.lines", expected: "single images", received: "lines of text")
        }
        let test = try data.loadTest().images
        return [("train", data.train), ("validation", data.validation), ("test", test)].filter { $0.1.count > 0 }
    }

    /// Creates a session whose judges are the networks of a cross-validation.
    init(_ validation: CrossValidation, pool: WorkerPool, say: (String) -> Void) throws {
        let whole = validation.whole, train = whole.train, k = train.classCount
        say("Judging …")
        let parts = try validation.outOfFold()
        let models = try parts.runs.map { try SavedModel.load(path: $0) }
        experiment = validation.experiment
        (graph, classNames, notes) = (models[0].graph, models[0].classNames, whole.notes)
        dataset = whole.shownName
        let sets = try Self.sets(whole)
        self.sets = sets
        images = AuditedImages(sets)
        judge = AuditJudge(models, pool: pool)
        self.pool = pool
        var strangeness = [Double](repeating: 0, count: images.images.count), isStrange = true
        for (model, indices) in zip(models, parts.places) {
            var isHeld = [Bool](repeating: false, count: train.count)
            for index in indices { isHeld[index] = true }
            let held = train.subset(indices), rest = train.subset((0..<train.count).filter { !isHeld[$0] })
            let classifier = AuditJudge.classifier(model, pool: pool)
            guard let known = StrangerDetector.Activations(held, classifier),
                let detector = StrangerDetector.fit(classifier, training: rest, heldOut: held, known: known)
            else {
                isStrange = false
                break
            }
            for (index, score) in zip(indices, detector.scaled(detector.scores(known))) { strangeness[index] = score }
        }
        var probabilities = parts.probabilities.map(Double.init)
        for (name, set) in sets where name != "train" {
            probabilities += judge.probabilities(of: set)
            guard isStrange, let range = images.part(name)?.range else { continue }
            let own =
                models[0].strangers
                ?? StrangerDetector.fit(
                    AuditJudge.classifier(models[0], pool: pool), training: train, heldOut: set)
            if let scores = judge.strangeness(of: set, by: own) {
                for (index, score) in zip(range, scores) { strangeness[index] = score }
            }
        }
        precondition(probabilities.count == images.images.count * k, "AuditSession: a row for each image")
        evidence = AuditEvidence(
            judged: Array(0..<images.images.count), probabilities: probabilities,
            features: judge.features(of: images.images), strangeness: isStrange ? strangeness : nil)
        (unlearned, model, detector) = (parts.places[0], nil, nil)
    }

    static let linesRemedy = "--save FILE gives it a detector of strangers; lines are not audited"

    /// Returns the configuration by which a model's data are loaded.
    /// - Parameters:
    ///   - path: the path of the model or its run, as it was given.
    ///   - purpose: what the data are for, in the error if they are missing.
    static func experiment(
        of model: SavedModel, at path: String?, data: String?, to purpose: String = "audit"
    ) throws -> Experiment {
        var experiment = model.experiment
        if let data {
            experiment.data.replace(with: data)
        } else if let directory = try StoredData.directory(of: model, at: path, to: purpose) {
            experiment.data.directory = directory
        }
        return experiment
    }

    /// Creates a session whose judge is one trained network.
    /// - Parameter isSaved: whether ``savedModel()`` will be called, so that a detector must be fitted.
    init(
        _ model: SavedModel, at path: String?, data: String?, isUnseen: Bool, isSaved: Bool, common: CommonOptions
    ) throws {
        try model.requireSingleImages(remedy: Self.linesRemedy)
        experiment = try Self.experiment(of: model, at: path, data: data)
        var options = experiment.dataRequest
        options.modelClasses = model.classNames
        let split = try common.load(options, seed: experiment.seed)
        // In the order of the files, so that their owner can find the images named.
        let loaded = try DatasetLoader.loadWhole(options, seed: experiment.seed)
        let sets = try Self.sets(loaded)
        try Classifier.check(model.graph, fits: sets[0].images, named: loaded.dataset)
        pool = try common.makePool()
        self.sets = sets
        let images = AuditedImages(sets)
        self.images = images
        (graph, classNames, dataset) = (model.graph, model.classNames, loaded.shownName)
        notes = loaded.notes
        judge = AuditJudge([model], pool: pool)
        common.say("Judging …")
        let known = isUnseen ? [] : Set(split.train.eachBytes)
        let judged = zip(0..., images.images.eachBytes).filter { !known.contains($1) }.map(\.0)
        guard !judged.isEmpty else {
            throw InputError(
                "--model", expected: "images that the network did not learn from", received: "none",
                remedy: "--unseen says that it did not learn from these")
        }
        let judgedImages = images.images.subset(judged)
        let note = try StoredData.check(
            judgedImages, "images to judge", areNewTo: model, at: path ?? BoxModel.word,
            remedy: isUnseen
                ? nil
                : "--data with other images, or --config and --folds, where no network judges what it has learned; or "
                    + "--unseen all the same")
        if let note { notes.append(note) }
        if judged.count < images.images.count {
            notes.append(
                "labels, strangers and slices are of \(Console.grouped(judged.count)) images: from the others the network may have "
                    + "learned (--unseen says that it has not)")
        }
        detector =
            model.strangers == nil || isSaved
            ? StrangerDetector.fit(
                AuditJudge.classifier(model, pool: pool), training: split.train, heldOut: split.validation)
            : nil
        evidence = AuditEvidence(
            judged: judged, probabilities: judge.probabilities(of: judgedImages),
            features: judge.features(of: images.images),
            strangeness: judge.strangeness(of: judgedImages, by: model.strangers ?? detector))
        self.model = model
        unlearned = isUnseen ? Array(images.parts[0].range) : judged.filter { images.parts[0].range.contains($0) }
    }

    /// Returns a sentence on what was audited, and by which networks.
    func lead(_ audit: Audit) -> String {
        let parts = images.parts.map { "\(Console.grouped($0.range.count)) \($0.name)" }.joined(separator: ", ")
        return
            "\(dataset): \(parts) images, \(images.images.height)×\(images.images.width), \(classNames.count) classes; "
            + "\(Console.grouped(audit.judged.count)) of them judged by networks that did not learn from them, which read "
            + "\(Console.fixed(100 * audit.accuracy, 2)) % as labelled."
    }

    /// Compares the first part with other data or, without a path, with the test part. Only images from which the network
    /// did not learn can be compared: it tells those that it learned from any others.
    func drift(against path: String?, seed: UInt64, load: (String) throws -> ImageSet) throws -> Audit.Drift? {
        let k = classNames.count
        let rows = Dictionary(uniqueKeysWithValues: zip(evidence.judged, evidence.judged.indices))
        func side(_ name: String, _ indices: [Int]) throws -> Audit.Side {
            let set = images.images.subset(indices), d = (evidence.features?.count ?? 0) / max(images.images.count, 1)
            let judged = indices.compactMap { rows[$0] }
            return try Audit.Side(
                name: name, images: set,
                probabilities: judged.count == indices.count
                    ? judged.flatMap { evidence.probabilities[($0 * k)..<(($0 + 1) * k)] }
                    : judge.probabilities(of: set),
                features: evidence.features.map { all in indices.flatMap { all[($0 * d)..<(($0 + 1) * d)] } })
        }
        let first = images.parts[0], isWhole = unlearned.count == first.range.count
        let name = first.name + (isWhole ? "" : ", held out"), test = images.part("test")
        if let path {
            let other = try load(path)
            // A test half is new to the network as a whole.
            let isLearned = model != nil && !isWhole
            let own = try test.flatMap { isLearned ? try side($0.name, Array($0.range)) : nil } ?? side(name, unlearned)
            return Audit.drift(
                own,
                try Audit.Side(
                    name: path, images: other, probabilities: judge.probabilities(of: other),
                    features: judge.features(of: other)), seed: seed)
        }
        guard let test, images.parts.count > 1, !unlearned.isEmpty else { return nil }
        return Audit.drift(try side(name, unlearned), try side(test.name, Array(test.range)), seed: seed)
    }

    /// The error for a model that cannot be saved.
    static let noDetector = InputError(
        "--save", expected: "at least \(StrangerDetector.fewestHeldOut) validation images and a network with features",
        received: "neither or one of them", remedy: "the model's data.validationFraction says how many there are")

    /// Returns the model with its own detector.
    /// - Throws: an `InputError` if no detector can be fitted.
    func savedModel() throws -> SavedModel {
        guard let model, let detector else { throw Self.noDetector }
        return model.calibrated(temperature: model.temperature, strangers: detector)
    }
}

extension LoadedData {
    /// The name to show: the location for users' own data, which have no name.
    fileprivate var shownName: String {
        DatasetName(rawValue: dataset) == nil ? URL(fileURLWithPath: directory).relativePath : dataset
    }
}
