import Formats
import Tensors

/// Where images come from that no other key of `data` knows: `data.provider`. The names and options are those of a
/// configuration's `type`.
public struct DataProvider: Hashable, Sendable {
    /// The provider with its options.
    public let kind: any DataProviderKind

    /// Of a kind of one's own, or the package's.
    public init(_ kind: some DataProviderKind) { self.kind = kind }

    /// The name in a configuration.
    public var type: String { Swift.type(of: kind).type }

    /// Whether both are of one type and have the same options.
    public static func == (a: DataProvider, b: DataProvider) -> Bool { AnyHashable(a.kind) == AnyHashable(b.kind) }

    /// Hashes the type and the options.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(kind)) }
}

extension DataProvider {
    private static let builtIn: [any DataProviderKind.Type] = [CIFAR10.self]
    private static let registry = KindRegistry<any DataProviderKind.Type>(
        "data provider", builtIn.map { ($0.type, $0) })

    /// Every kind that a configuration can name: the package's own, then those that were registered.
    public static var kinds: [any DataProviderKind.Type] { registry.kinds }

    /// Makes a data source of one's own a `type` that configurations can name in `data.provider`, with its keys read as strictly
    /// as all others. To be called before the first of them is read; twice is the same as once.
    ///
    /// - Throws: an ``InputError`` where another one has that name, or it is not of letters and digits.
    public static func register(_ kind: any DataProviderKind.Type) throws(InputError) {
        try registry.add(kind.type, kind)
    }

    /// The codec of `data.provider`.
    package static var codec: Codec<DataProvider> { .tagged(kinds.map { $0.variant }) }
}

/// All there is to a source of images: its options and their keys in a configuration, and the images. One file of `Providers`
/// holds one; ``DataProvider/register(_:)`` adds others.
public protocol DataProviderKind: ConfigurationKind {
    /// The images. The same options must give the same images, in the same order, every time.
    /// - Throws: an ``InputError`` where the options or a file cannot be used.
    func load() throws -> ProvidedData
}

extension DataProviderKind {
    /// This kind as a case of the configuration's union of providers.
    static var variant: Variant<Nothing, DataProvider> {
        Variant(type, options, { DataProvider($0) }, { $0.kind as? Self })
    }
}

/// What a ``DataProviderKind`` gives.
public struct ProvidedData: Sendable {
    /// What to train on; a part of each class is put aside for validation, by `data.validationFraction`, where there is no
    /// ``validation``.
    public var train: ImageSet
    /// Images to validate on; nil: a part of ``train``.
    public var validation: ImageSet?
    /// The test half, read when it is needed.
    public var test: @Sendable () throws -> ImageSet

    /// All halves must have images of one size, and the same classes.
    public init(train: ImageSet, validation: ImageSet? = nil, test: @escaping @Sendable () throws -> ImageSet) {
        self.train = train
        self.validation = validation
        self.test = test
    }
}

extension DatasetLoader {
    /// What `provider` gives, split as `options` say.
    static func load(_ provider: DataProvider, _ options: DataOptions, seed: UInt64) throws -> LoadedData {
        for (key, isGiven) in [("files", options.files != nil), ("directory", options.directory != nil)] where isGiven {
            throw InputError(
                "data.\(key)", expected: "nothing beside data.provider, which brings all images",
                received: key == "directory" ? options.directory ?? "" : "files",
                remedy: "leave out one of the two\(key == "directory" ? " (--data is data.directory)" : "")")
        }
        guard options.source != .sample else {
            throw InputError(
                "data.source", expected: "auto or full beside data.provider", received: "sample",
                remedy: "leave out one of the two: the sample is the package's own")
        }
        let provided = try provider.kind.load(), type = provider.type
        @Sendable func check(_ set: ImageSet, _ half: String) throws(InputError) {
            let train = provided.train
            guard set.count > 0 else {
                throw InputError("data.provider (\(type))", expected: "images for \(half)", received: "none")
            }
            guard (set.height, set.width, set.channels) == (train.height, train.width, train.channels),
                set.classNames == train.classNames
            else {
                throw InputError(
                    "data.provider (\(type))",
                    expected: "\(train.height)×\(train.width)×\(train.channels) and the classes of training in \(half)",
                    received: "\(set.height)×\(set.width)×\(set.channels), \(set.classNames.joined(separator: ", "))")
            }
        }
        try check(provided.train, "training")
        if let validation = provided.validation { try check(validation, "validation") }
        let parts =
            provided.validation == nil
            ? StratifiedSplit.indices(of: provided.train.labels, fraction: options.validationFraction, seed: seed) : nil
        return LoadedData(
            dataset: type, source: .full, directory: "data.provider",
            train: parts.map { $0.validation.isEmpty ? provided.train : provided.train.subset($0.train) }
                ?? provided.train,
            validation: provided.validation ?? provided.train.subset(parts?.validation ?? []),
            digests: try digests(provided.train, "train"), notes: []
        ) {
            let test = try provided.test()
            try check(test, "the test")
            return LoadedData.Test(images: test, digests: try digests(test, "test"), notes: [])
        }
    }

    private static func digests(_ set: ImageSet, _ half: String) throws(OperationError) -> [String: String] {
        [
            "\(half) images": try Digest.hex(set.images),
            "\(half) labels": try Digest.hex(set.labels),
        ]
    }
}
